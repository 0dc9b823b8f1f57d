package awsconfig

import (
	"fmt"
	"strings"
)

// Hint returns err with what to do about it, which its method Hint() string returns.
func Hint(err error, hint string) error { return hinted{err, hint} }

// hinted is an error with what to do about it.
type hinted struct {
	err  error
	hint string
}

func (e hinted) Error() string { return e.err.Error() }
func (e hinted) Unwrap() error { return e.err }

// Hint returns what to do about the error.
func (e hinted) Hint() string { return e.hint }

// A CredentialsError is a request that could not be signed.
type CredentialsError struct{ err error }

// Error leaves out which places the SDK looked at last: its text tells of instance
// metadata, which nobody asked for.
func (e *CredentialsError) Error() string {
	if e.none() {
		return "no credentials"
	}
	return fmt.Sprintf("credentials: %v", e.err)
}

func (e *CredentialsError) Unwrap() error { return e.err }

func (e *CredentialsError) none() bool {
	return strings.Contains(e.err.Error(), "EC2 IMDS") || strings.Contains(e.err.Error(), "there are none")
}

// Hint returns what to do about it.
func (e *CredentialsError) Hint() string {
	switch {
	case e.none():
		return "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or say --profile; with weir serve, the lines that it prints"
	case strings.Contains(e.err.Error(), "SSO") || strings.Contains(e.err.Error(), "sso"):
		return "aws sso login"
	}
	return ""
}
