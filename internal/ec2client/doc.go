// Package ec2client is a client of Amazon EC2's API, or of anything that speaks it:
// configuration and credentials as every AWS tool finds them, signatures, retries,
// pages, and what to do about an error. What is said is package ec2's, what it means
// is the caller's.
//
// It is no more than flow logs need. The SDK's own client of EC2 would do as well,
// but takes 99 CPU seconds to compile.
package ec2client
