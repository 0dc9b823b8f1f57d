// Package sdktest holds the API to the EC2 client of the AWS SDK for Go. It has
// nothing but tests; they are apart because the client takes 99 CPU seconds to
// compile.
package sdktest
