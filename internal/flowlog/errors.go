package flowlog

import "fmt"

// An Error is what Amazon's API answers to parameters it does not take.
type Error struct {
	Code    string // such as "InvalidParameter"
	Message string
}

// Error returns the message, with the code before it.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Codes of [Error].
const (
	InvalidParameter      = "InvalidParameter"
	InvalidParameterValue = "InvalidParameterValue"
	MissingParameter      = "MissingParameter"
	AlreadyExists         = "FlowLogAlreadyExists"
	NotFound              = "InvalidFlowLogId.NotFound"
	LimitExceeded         = "FlowLogsLimitExceeded"
	TokenMismatch         = "IdempotentParameterMismatch"
)

func invalid(format string, args ...any) error {
	return &Error{InvalidParameter, fmt.Sprintf(format, args...)}
}

func invalidValue(format string, args ...any) error {
	return &Error{InvalidParameterValue, fmt.Sprintf(format, args...)}
}

func missing(name string) error {
	return &Error{MissingParameter, "The request must contain the parameter " + name}
}
