package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"log/slog"
)

// A Key is an access key. Its secrets are not printed.
type Key struct {
	ID, Secret string
	Token      string // the session token that has to come with it; empty if there is none
}

// String returns the id.
func (k Key) String() string { return k.ID }

// GoString is String.
func (k Key) GoString() string { return k.ID }

// LogValue is String.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.ID) }

// SigningKey derives the key that signs the requests of one day, which is written
// 20061231, to a Region's service.
func (k Key) SigningKey(day, region, service string) []byte {
	key := []byte("AWS4" + k.Secret)
	for _, part := range []string{day, region, service, terminator} {
		key = sum(key, part)
	}
	return key
}

func sum(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
