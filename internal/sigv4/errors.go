package sigv4

import "fmt"

// An Error is why a request is refused, with Amazon's code and message ("Error codes
// for the Amazon EC2 API" and "Common error types", AWS Security Token Service API
// Reference, read 2026-11-24).
//
// Services differ in what they tell of a wrong key. STS answers InvalidClientTokenId
// or SignatureDoesNotMatch, with HTTP status 403, as the errors here do. EC2 tells
// neither from the other: AuthFailure, status 401; see [Error.ForEC2].
type Error struct{ Code, Message string }

// Error implements error.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Codes of [Error].
const (
	codeMissing    = "MissingAuthenticationToken"
	codeIncomplete = "IncompleteSignature"
	codeMismatch   = "SignatureDoesNotMatch"
	codeExpired    = "RequestExpired"
	codeUnknownKey = "InvalidClientTokenId"
	codeEC2        = "AuthFailure"
)

// Each of these is an [*Error] with a message that is always the same.
var (
	// ErrUnsigned reports a request that has no signature at all.
	ErrUnsigned error = &Error{codeMissing, "Request is missing Authentication Token"}

	// ErrUnknownKey is for callers that know no key of the request's id, as STS
	// answers it. Verify returns it for a wrong session token.
	ErrUnknownKey error = &Error{codeUnknownKey, "The security token included in the request is invalid."}

	// ErrMismatch reports a signature that is not what the key makes of the request.
	ErrMismatch error = &Error{codeMismatch, "The request signature we calculated does not match the signature you provided. " +
		"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."}

	// ErrExpired reports a request that is too old, or from too far in the future.
	ErrExpired error = &Error{codeExpired, "Request has expired."}

	// ErrAuthFailure is EC2's answer to an unknown key and to a wrong signature.
	ErrAuthFailure error = &Error{codeEC2, "AWS was not able to validate the provided access credentials"}
)

// ForEC2 returns the error as EC2 answers it: AuthFailure for an unknown key, a wrong
// session token and a wrong signature, and e itself for anything else.
func (e *Error) ForEC2() *Error {
	if e.Code == codeUnknownKey || e.Code == codeMismatch {
		return ErrAuthFailure.(*Error)
	}
	return e
}

// jsonCodes are the codes of the services that speak JSON.
var jsonCodes = map[string]string{
	codeMissing:    "MissingAuthenticationTokenException",
	codeIncomplete: "IncompleteSignatureException",
	codeMismatch:   "InvalidSignatureException",
	codeExpired:    "InvalidSignatureException",
	codeUnknownKey: "UnrecognizedClientException",
}

// ForJSON returns the error as services answer it whose protocol is JSON, with HTTP status
// 400. Which codes they have is from memory.
func (e *Error) ForJSON() *Error {
	if code, ok := jsonCodes[e.Code]; ok {
		return &Error{code, e.Message}
	}
	return e
}

// incomplete reports a signature that cannot be read.
func incomplete(format string, args ...any) *Error {
	return &Error{codeIncomplete, fmt.Sprintf(format, args...)}
}

// mismatch reports a signature that cannot be right, whatever the key is.
func mismatch(format string, args ...any) *Error {
	return &Error{codeMismatch, fmt.Sprintf(format, args...)}
}
