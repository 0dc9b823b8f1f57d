// Package schema stands for github.com/gofiber/schema, with which fiber puts a
// request's values into a struct for who asks it to, and versitygw never does. It
// declares the names that fiber needs to compile; decoding fails with ErrLeftOut.
package schema

import (
	"errors"
	"mime/multipart"
	"reflect"
)

// ErrLeftOut says that this program was built without binding requests to structs.
var ErrLeftOut = errors.New("binding requests to structs is left out of this program")

// Converter makes a value of a string.
type Converter func(string) reflect.Value

// Decoder decodes nothing.
type Decoder struct{}

// NewDecoder returns a Decoder.
func NewDecoder() *Decoder { return &Decoder{} }

// SetAliasTag does nothing.
func (*Decoder) SetAliasTag(string) {}

// ZeroEmpty does nothing.
func (*Decoder) ZeroEmpty(bool) {}

// IgnoreUnknownKeys does nothing.
func (*Decoder) IgnoreUnknownKeys(bool) {}

// RegisterConverter does nothing.
func (*Decoder) RegisterConverter(any, Converter) {}

// Decode fails with ErrLeftOut.
func (*Decoder) Decode(any, map[string][]string, ...map[string][]*multipart.FileHeader) error {
	return ErrLeftOut
}

// ConversionError, UnknownKeyError, EmptyFieldError and MultiError are what the real
// Decoder returns and this one never does.
type (
	ConversionError struct{ Key string }
	UnknownKeyError struct{ Key string }
	EmptyFieldError struct{ Key string }
	MultiError      map[string]error
)

func (ConversionError) Error() string { return ErrLeftOut.Error() }
func (UnknownKeyError) Error() string { return ErrLeftOut.Error() }
func (EmptyFieldError) Error() string { return ErrLeftOut.Error() }
func (MultiError) Error() string      { return ErrLeftOut.Error() }
