// Package msgp stands for github.com/tinylib/msgp, with which fiber packs the messages
// that a redirect carries in a cookie, and versitygw sends none. It declares the names
// that fiber needs to compile; reading and writing fail with ErrLeftOut, and what is
// appended stays as it was.
package msgp

import "errors"

// ErrLeftOut says that this program was built without MessagePack.
var ErrLeftOut = errors.New("MessagePack is left out of this program")

// ErrLimitExceeded is what the real package says of a message that is too long.
var ErrLimitExceeded = ErrLeftOut

// Sizes of what is packed.
const (
	ArrayHeaderSize  = 0
	BoolSize         = 0
	StringPrefixSize = 0
	Uint8Size        = 0
)

// Reader reads nothing.
type Reader struct{}

// ReadArrayHeader fails with ErrLeftOut.
func (*Reader) ReadArrayHeader() (uint32, error) { return 0, ErrLeftOut }

// ReadMapHeader fails with ErrLeftOut.
func (*Reader) ReadMapHeader() (uint32, error) { return 0, ErrLeftOut }

// ReadMapKeyPtr fails with ErrLeftOut.
func (*Reader) ReadMapKeyPtr() ([]byte, error) { return nil, ErrLeftOut }

// ReadString fails with ErrLeftOut.
func (*Reader) ReadString() (string, error) { return "", ErrLeftOut }

// ReadUint8 fails with ErrLeftOut.
func (*Reader) ReadUint8() (uint8, error) { return 0, ErrLeftOut }

// ReadBool fails with ErrLeftOut.
func (*Reader) ReadBool() (bool, error) { return false, ErrLeftOut }

// Skip fails with ErrLeftOut.
func (*Reader) Skip() error { return ErrLeftOut }

// Writer writes nothing.
type Writer struct{}

// Append fails with ErrLeftOut.
func (*Writer) Append(...byte) error { return ErrLeftOut }

// WriteArrayHeader fails with ErrLeftOut.
func (*Writer) WriteArrayHeader(uint32) error { return ErrLeftOut }

// WriteString fails with ErrLeftOut.
func (*Writer) WriteString(string) error { return ErrLeftOut }

// WriteUint8 fails with ErrLeftOut.
func (*Writer) WriteUint8(uint8) error { return ErrLeftOut }

// WriteBool fails with ErrLeftOut.
func (*Writer) WriteBool(bool) error { return ErrLeftOut }

// Require returns b.
func Require(b []byte, n int) []byte { return b }

// AppendArrayHeader returns b.
func AppendArrayHeader(b []byte, n uint32) []byte { return b }

// AppendString returns b.
func AppendString(b []byte, s string) []byte { return b }

// AppendUint8 returns b.
func AppendUint8(b []byte, n uint8) []byte { return b }

// AppendBool returns b.
func AppendBool(b []byte, v bool) []byte { return b }

// ReadArrayHeaderBytes fails with ErrLeftOut.
func ReadArrayHeaderBytes(b []byte) (uint32, []byte, error) { return 0, b, ErrLeftOut }

// ReadMapHeaderBytes fails with ErrLeftOut.
func ReadMapHeaderBytes(b []byte) (uint32, []byte, error) { return 0, b, ErrLeftOut }

// ReadMapKeyZC fails with ErrLeftOut.
func ReadMapKeyZC(b []byte) ([]byte, []byte, error) { return nil, b, ErrLeftOut }

// ReadStringBytes fails with ErrLeftOut.
func ReadStringBytes(b []byte) (string, []byte, error) { return "", b, ErrLeftOut }

// ReadUint8Bytes fails with ErrLeftOut.
func ReadUint8Bytes(b []byte) (uint8, []byte, error) { return 0, b, ErrLeftOut }

// ReadBoolBytes fails with ErrLeftOut.
func ReadBoolBytes(b []byte) (bool, []byte, error) { return false, b, ErrLeftOut }

// Skip fails with ErrLeftOut.
func Skip(b []byte) ([]byte, error) { return b, ErrLeftOut }

// UnsafeString returns b as a string.
func UnsafeString(b []byte) string { return string(b) }

// WrapError returns err.
func WrapError(err error, context ...any) error { return err }
