package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"
)

// Verify reports whether the request that q was parsed from is signed with the key,
// for the time that now is. The body is all of it. It returns nil or an [*Error]:
// IncompleteSignature is never among them, and SignatureDoesNotMatch is before
// RequestExpired, so that only who has the key learns of the clock.
//
// It holds for nobody if the key has no id or no secret, as that of a lookup that
// found nothing.
func (q *Request) Verify(r *http.Request, body []byte, key Key, now time.Time) error {
	if key.ID == "" || key.Secret == "" || key.ID != q.KeyID {
		return ErrUnknownKey
	}
	if !equal(q.token, key.Token) {
		return ErrUnknownKey
	}
	hash, err := q.bodyHash(body)
	if err != nil {
		return err
	}
	if r.URL.Opaque != "" {
		return ErrMismatch // "POST scheme:something", which nobody signs
	}
	right := false
	for _, path := range paths(q.Service, r.URL.EscapedPath()) {
		want, err := q.sign(r, path, hash, key)
		if err != nil {
			return err
		}
		right = right || equal(q.signature, want)
	}
	if !right {
		return ErrMismatch
	}
	if now.Before(q.Time.Add(-tolerance)) || now.After(q.Time.Add(q.Expires)) {
		return ErrExpired
	}
	return nil
}

// equal compares in a time that depends on lengths only.
func equal(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }

// bodyHash returns what the signature has in place of the body.
func (q *Request) bodyHash(body []byte) (string, error) {
	if q.Presigned && q.hash == unsigned {
		return unsigned, nil
	}
	raw := sha256.Sum256(body)
	hash := hex.EncodeToString(raw[:])
	if q.hash != "" && !equal(q.hash, hash) {
		return "", mismatch("The provided '%s' header does not match what was computed.", nameHash)
	}
	return hash, nil
}

// sign returns the signature that the key makes of the request.
func (q *Request) sign(r *http.Request, path, hash string, key Key) (string, error) {
	canonical, err := q.canonical(r, path, hash)
	if err != nil {
		return "", err
	}
	digest := sha256.Sum256(canonical)
	text := algorithm + "\n" + q.Time.Format(timeForm) + "\n" +
		q.day + "/" + q.Region + "/" + q.Service + "/" + terminator + "\n" +
		hex.EncodeToString(digest[:])
	return hex.EncodeToString(sum(key.SigningKey(q.day, q.Region, q.Service), text)), nil
}
