package accesskey

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"time"
	"unicode"

	"weir/internal/sigv4"
)

// A Key is an access key as the file has it.
type Key struct {
	ID      string    `json:"accessKeyId"`
	Secret  string    `json:"secretAccessKey"`
	Token   string    `json:"sessionToken,omitempty"` // has to come with every request, if there is one
	Name    string    `json:"name,omitempty"`         // whose or what for; may be anything
	Created time.Time `json:"created,omitzero"`       // zero if whoever added it did not say
}

// String leaves the secrets out.
func (k Key) String() string { return k.ID }

// GoString is String.
func (k Key) GoString() string { return k.ID }

// LogValue is String.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.ID) }

// Signing returns what signatures are checked with.
func (k Key) Signing() sigv4.Key { return sigv4.Key{ID: k.ID, Secret: k.Secret, Token: k.Token} }

// newKey returns a key of the shape of Amazon's: the id has 20 characters, the secret
// 40.
func newKey(name string, now time.Time) Key {
	id, secret := make([]byte, 10), make([]byte, 30)
	rand.Read(id) // never fails, and neither does the next
	rand.Read(secret)
	return Key{
		ID: "AKIA" + base32.StdEncoding.EncodeToString(id), Secret: base64.StdEncoding.EncodeToString(secret),
		Name: name, Created: now.UTC().Truncate(time.Second),
	}
}

const maxID = 128 // bytes

// validID is stricter than nothing, so that an id is one part of a credential, and
// less strict than Amazon, whose ids have 16 characters or more.
var validID = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

// check reports what is wrong with a key; never its secrets.
func (k Key) check() error {
	switch {
	case len(k.ID) > maxID || !validID.MatchString(k.ID):
		return fmt.Errorf("accessKeyId %q: want 1 to 128 letters, digits, _, . and -", k.ID)
	case k.Secret == "":
		return fmt.Errorf("%s: secretAccessKey is missing", k.ID)
	case strings.ContainsFunc(k.Secret+k.Token, func(c rune) bool { return c <= ' ' || c > '~' }):
		return fmt.Errorf("%s: secretAccessKey or sessionToken has a character other than visible ASCII ones", k.ID)
	}
	return checkName(k.Name)
}

func checkName(name string) error {
	const most = 128
	if len(name) > most || strings.ContainsFunc(name, unicode.IsControl) {
		return fmt.Errorf("name %q: want at most %d bytes, and no control characters", name, most)
	}
	return nil
}

// parse reads the file's content.
func parse(raw string) ([]Key, error) {
	d := json.NewDecoder(strings.NewReader(raw))
	d.DisallowUnknownFields()
	var keys []Key
	if err := d.Decode(&keys); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("there is something after the list of keys")
	}
	if len(keys) == 0 {
		return nil, errors.New("there is no key in it; the first would be the root key")
	}
	if keys[0].Token != "" {
		return nil, errors.New("key 1: the root key cannot have a sessionToken")
	}
	known := map[string]bool{}
	for i, k := range keys {
		if err := k.check(); err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		if known[k.ID] {
			return nil, fmt.Errorf("key %d: %s is there twice", i+1, k.ID)
		}
		known[k.ID] = true
	}
	return keys, nil
}
