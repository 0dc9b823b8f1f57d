// Package awsconfig is Amazon's configuration as our commands, which are clients of
// Amazon's API, take it: region, endpoints and credentials from the environment and
// the files that every AWS tool reads, signatures, and when to try again. All of it is
// the SDK's; what a service is told is its client's.
package awsconfig
