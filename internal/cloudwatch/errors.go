package cloudwatch

import "net/http"

// An Error is what a call is answered with if it fails.
type Error struct {
	Code    string // such as "ResourceNotFoundException"
	Message string
	Status  int // of HTTP; 0 is that of Code
}

// Error implements error.
func (e *Error) Error() string {
	if e.Message == "" {
		return e.Code
	}
	return e.Code + ": " + e.Message
}

// Is reports whether another error has the same code, so that [errors.Is] finds those
// below.
func (e *Error) Is(other error) bool {
	o, ok := other.(*Error)
	return ok && o.Code == e.Code
}

// HTTPStatus returns the status of the answer.
func (e *Error) HTTPStatus() int {
	switch {
	case e.Status != 0:
		return e.Status
	case e.Code == "InternalFailure":
		return http.StatusInternalServerError
	case e.Code == "ServiceUnavailableException":
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}

// Errors that callers tell apart, with the messages that Amazon's answers have; Code is
// what counts.
var (
	NoSuchGroup   = &Error{Code: "ResourceNotFoundException", Message: "The specified log group does not exist."}
	NoSuchStream  = &Error{Code: "ResourceNotFoundException", Message: "The specified log stream does not exist."}
	GroupExists   = &Error{Code: "ResourceAlreadyExistsException", Message: "The specified log group already exists"}
	StreamExists  = &Error{Code: "ResourceAlreadyExistsException", Message: "The specified log stream already exists"}
	Throttled     = &Error{Code: "ThrottlingException", Message: "Rate exceeded"}
	Unavailable   = &Error{Code: "ServiceUnavailableException", Message: "The service cannot complete the request."}
	InternalError = &Error{Code: "InternalFailure", Message: "The request processing has failed because of an unknown error, exception or failure."}
)

// Invalid returns an error about a parameter.
func Invalid(message string) *Error {
	return &Error{Code: "InvalidParameterException", Message: message}
}
