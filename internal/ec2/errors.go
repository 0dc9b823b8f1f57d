package ec2

import (
	"encoding/xml"
	"fmt"
	"net/http"
)

// An Error is what a call is answered with if it fails.
type Error struct {
	Code    string // such as "InvalidParameterValue"
	Message string
	Status  int    // of HTTP; from an answer
	Request string // the request's id; from an answer

	// Detail is what Amazon's message does not say. It is not sent.
	Detail string
}

// Error implements error.
func (e *Error) Error() string {
	if e.Detail != "" {
		return e.Code + ": " + e.Message + ": " + e.Detail
	}
	return e.Code + ": " + e.Message
}

// errorAnswer is the body of an answer that is an error.
type errorAnswer struct {
	XMLName xml.Name `xml:"Response"`
	Errors  []struct {
		Code    string
		Message string
	} `xml:"Errors>Error"`
	RequestID string
}

// AppendError appends the body that tells of an error.
func AppendError(b []byte, e *Error, request string) []byte {
	var a errorAnswer
	a.Errors = append(a.Errors, struct{ Code, Message string }{e.Code, e.Message})
	a.RequestID = request
	body, err := xml.Marshal(&a)
	if err != nil {
		panic(err) // strings only
	}
	return append(append(b, xml.Header...), body...)
}

// ParseError reads the body of an answer with the given status, which is an error
// of EC2's or of STS's form, or anything a proxy may have put there.
func ParseError(status int, body []byte) *Error {
	var a errorAnswer
	if err := xml.Unmarshal(body, &a); err == nil && len(a.Errors) > 0 {
		return &Error{Code: a.Errors[0].Code, Message: a.Errors[0].Message, Status: status, Request: a.RequestID}
	}
	var sts struct {
		Error     struct{ Code, Message string }
		RequestID string `xml:"RequestId"`
	}
	if err := xml.Unmarshal(body, &sts); err == nil && sts.Error.Code != "" {
		return &Error{Code: sts.Error.Code, Message: sts.Error.Message, Status: status, Request: sts.RequestID}
	}
	const shown = 200
	return &Error{Code: http.StatusText(status), Message: fmt.Sprintf("HTTP status %d: %.*s", status, shown, body), Status: status}
}
