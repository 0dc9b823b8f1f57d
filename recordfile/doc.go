// Package recordfile is the file of flow log records as Amazon delivers it: the
// key of the object and its name, and what is in it, either gzip-compressed text
// with a header line or Parquet. Files are written and read; those in Parquet are
// read by parquetfile. The package does no network I/O and opens no files.
//
// # Writing
//
// A [Writer] takes records and says how large the file has become, so that the
// caller can close it in time, see [Size.Full]. It is meant to be used again for
// the next file. The same records in the same order make the same bytes, so that
// an object that is delivered again is the object that was there. A [Key] says
// where the file belongs.
//
// # Reading
//
// A [Reader] gives the records of a file one by one. A line that is wrong costs
// that line only, and a file that was cut costs only what is missing: the records
// before are good.
//
// # Source
//
// Keys, names and files follow "Publish flow logs to Amazon S3" in the Amazon VPC
// User Guide, https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3.html,
// as of September 2026. What it leaves open, and what we decided, is in
// docs/formats/files.md and docs/decisions/0006-files.md.
package recordfile
