// Package place finds the objects that hold records, where a user says that they are:
// files, directories, standard input, S3 buckets, CloudWatch log groups. Names say what
// most objects hold, so objects that cannot match what is asked for are neither opened
// nor, where a whole folder of a bucket cannot match, listed. What a name cannot say is
// left to who reads the records.
//
// What is left out is counted, and so is what should be there and is not: see
// [List.Account] and [List.Missing].
//
// # Source
//
// Keys, and which records an object holds, follow "Flow log files" in the Amazon VPC
// User Guide, read 2026-11-23; the calls are those of the Amazon S3 API Reference
// (ListObjectsV2, GetObject) and the Amazon CloudWatch Logs API Reference
// (DescribeLogStreams, GetLogEvents, FilterLogEvents), read 2026-11-24.
package place
