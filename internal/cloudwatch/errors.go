package cloudwatch

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// An Error is what a call is answered with if it fails.
type Error struct {
	Code    string // such as "ResourceNotFoundException"
	Message string
	Status  int // of HTTP; 0 is that of Code

	Compile *CompileError // of a MalformedQueryException
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
	TooLarge      = &Error{Code: "RequestEntityTooLargeException", Message: "The request is larger than the service takes.", Status: http.StatusRequestEntityTooLarge}
	InternalError = &Error{Code: "InternalFailure", Message: "The request processing has failed because of an unknown error, exception or failure."}
)

// Errors of requests that are not about one group. Those that are guesses are named in
// the decision "Amazon's API" in docs/decisions.
var (
	UnknownOperation   = &Error{Code: "UnknownOperationException"}
	NotSerialized      = &Error{Code: "SerializationException"}
	WrongScope         = &Error{Code: "InvalidSignatureException", Message: "Credential should be scoped to correct service: 'logs'."}
	InvalidToken       = Invalid("The specified nextToken is invalid.")
	NameAndARN         = &Error{Code: "ValidationException", Message: "LogGroup name and LogGroup ARN are mutually exclusive parameters."}
	NoNameNoARN        = &Error{Code: "ValidationException", Message: "Either LogGroup name or LogGroup ARN has to be given."}
	PrefixAndPattern   = Invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
	PrefixAndTime      = Invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
	NamesAndPrefix     = Invalid("logStreamNames and logStreamNamePrefix are mutually exclusive parameters.")
	StartAfterEnd      = Invalid("startTime is greater than endTime.")
	NoSuchResource     = &Error{Code: "ResourceNotFoundException", Message: "The specified resource does not exist."}
	NoSuchFilter       = &Error{Code: "ResourceNotFoundException", Message: "The specified metric filter does not exist."}
	TooManyFilters     = &Error{Code: "LimitExceededException", Message: "Resource limit exceeded."}
	MetricAndNamespace = Invalid("metricName and metricNamespace need each other.")
	NoSuchQuery        = &Error{Code: "ResourceNotFoundException", Message: "The specified query does not exist."}
	NoSuchRecord       = &Error{Code: "ResourceNotFoundException", Message: "The specified log record does not exist."}
	TooManyGroups      = Invalid("A query has 50 log groups at most.")
	NoGroups           = Invalid("A query needs log groups: one of logGroupName, logGroupNames and logGroupIdentifiers.")
	ManyGroupLists     = Invalid("logGroupName, logGroupNames and logGroupIdentifiers are mutually exclusive parameters.")
	TooManyQueries     = &Error{Code: "LimitExceededException", Message: "Account maximum query concurrency limit of [30] reached."}
	QueryIsOver        = Invalid("The specified query is not running.")
	NotThatLanguage    = Invalid("Only the query language CWLI is supported.")
	StreamsOfMany      = Invalid("logStreamNames and logStreamNamePrefixes need exactly one log group.")
	NamesAndPrefixes   = Invalid("logStreamNames and logStreamNamePrefixes are mutually exclusive parameters.")
	TooManyTails       = &Error{Code: "LimitExceededException", Message: "There are 15 live tail sessions already."}
	NoEncryption       = &Error{Code: "InvalidParameterException", Message: "Log groups are not encrypted here: kmsKeyId is not supported."}
	NotInOrder         = Invalid("Log events in a single PutLogEvents request must be in chronological order.")
	SpanTooLong        = Invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
	ClassOfGroup       = &Error{Code: "InvalidOperationException", Message: "The log group's class does not support this operation."}
)

// Invalid returns an error about a parameter.
func Invalid(message string) *Error {
	return &Error{Code: "InvalidParameterException", Message: message}
}

// Malformed returns an error about a query that can't be read.
func Malformed(message string) *Error {
	return &Error{Code: "MalformedQueryException", Message: message}
}

// UploadTooLarge is the error for a batch of n bytes.
func UploadTooLarge(n int) *Error {
	return Invalid(fmt.Sprintf("Upload too large: %d bytes exceeds limit of %d", n, MaxBatchBytes))
}

// AppendError appends the body that tells of an error.
func AppendError(b []byte, e *Error) []byte {
	body, err := json.Marshal(struct {
		Type    string `json:"__type"`
		Message string `json:"message,omitempty"`

		Compile *CompileError `json:"queryCompileError,omitempty"`
	}{e.Code, e.Message, e.Compile})
	if err != nil {
		panic(err) // strings only
	}
	return append(b, body...)
}

// WrongRetention is the error for days that are not among those that Amazon takes.
func WrongRetention(days []int) *Error {
	text, _ := json.Marshal(days) // cannot fail
	return Invalid("Invalid retention value. Valid values are: " + strings.ReplaceAll(string(text), ",", ", "))
}

// TooManyTags is the error for a resource that would have more than 50 tags.
func TooManyTags(arn string) *Error {
	return &Error{Code: "TooManyTagsException", Message: "A resource can have no more than 50 tags: " + arn}
}
