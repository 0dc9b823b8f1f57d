// Package described is a network with its rules as it was described: by weir.yaml, by
// what "aws ec2 describe-..." printed, by EC2's API. It makes a [vpc.Network] of each and
// says what is missing in it. It judges no packets, and names nothing: what things are
// called in records at a time is in package names, which reads the same JSON.
//
// Forms are those of "Amazon EC2 API Reference" and of the AWS CLI's output, as of
// 2026-11-24.
package described
