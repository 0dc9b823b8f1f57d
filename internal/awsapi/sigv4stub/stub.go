// Package sigv4stub stands in for internal/sigv4 until that exists. It checks
// nothing.
package sigv4stub

import (
	"errors"
	"net/http"
	"strings"
	"time"
)

// ErrUnsigned says that a request has no signature.
var ErrUnsigned = errors.New("request is not signed")

// A Key is a secret.
type Key struct{ ID, Secret, Token string }

// A Request is what a signature says.
type Request struct {
	KeyID, Region, Service string
	Time                   time.Time
	Presigned              bool
}

// An Error is what is wrong with a signature.
type Error struct{ Code, Message string }

// Error implements error.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Parse reads the Authorization header.
func Parse(r *http.Request) (*Request, error) {
	_, scope, ok := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	if !ok {
		return nil, ErrUnsigned
	}
	scope, _, _ = strings.Cut(scope, ",")
	parts := strings.Split(scope, "/")
	if len(parts) != 5 {
		return nil, &Error{"IncompleteSignature", "credential"}
	}
	t, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		return nil, &Error{"IncompleteSignature", "date"}
	}
	return &Request{KeyID: parts[0], Region: parts[2], Service: parts[3], Time: t}, nil
}

// Verify checks nothing.
func (q *Request) Verify(r *http.Request, body []byte, key Key, now time.Time) error { return nil }
