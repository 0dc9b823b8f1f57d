package sigv4

import (
	"bufio"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// FuzzVerify reads any head of a request. Nothing may panic, no signature may hold
// for a key it was not made with, and what holds when it is signed with our own
// canonical request has to be what the SDK for Go signs.
func FuzzVerify(f *testing.F) {
	head := func(target string, headers ...string) string {
		return "POST " + target + " HTTP/1.1\r\nHost: 127.0.0.1:18099\r\n" + strings.Join(headers, "\r\n")
	}
	f.Add(head("/", botoAuth, botoType, botoDate), botoBody)
	f.Add(head("/a%20b//../c?b=2&a=%2F+", botoAuth, botoType+"  x", " folded", botoType, botoDate), "")
	f.Add(head("/", strings.ReplaceAll(botoAuth, "content-type", "content-length;content-type"), botoType, botoDate, "Content-Length: 3"), "abc")
	f.Add(head("/", strings.ReplaceAll(botoAuth, "x-amz-date", "x-amz-date;x-amz-security-token"), botoType, botoDate, "X-Amz-Security-Token: t"), "")
	f.Add(head("/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20261123%2Fus-east-1%2Fec2%2Faws4_request&"+
		"X-Amz-Date=20261123T154757Z&X-Amz-SignedHeaders=content-type%3Bhost&X-Amz-Expires=60&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD&"+
		"X-Amz-Signature="+strings.Repeat("0", 64), botoType), "x")
	f.Add(head("/", strings.Replace(botoAuth, "content-type;host;x-amz-date", "date;host", 1), "Date: Mon, 23 Nov 2026 15:47:57 GMT"), "")
	f.Fuzz(func(t *testing.T, head, body string) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head + "\r\n\r\n")))
		if err != nil {
			return
		}
		q, err := Parse(r)
		if err != nil {
			if codeOf(err) != codeMissing && codeOf(err) != codeIncomplete && codeOf(err) != codeMismatch {
				t.Errorf("Parse returns %v", err)
			}
			return
		}
		key := Key{q.KeyID, "of the fuzz target", q.token}
		if err := q.Verify(r, []byte(body), key, q.Time); err == nil {
			t.Fatal("verified with another key")
		}
		hash, err := q.bodyHash([]byte(body))
		if err != nil || r.URL.Opaque != "" {
			return
		}
		for i, path := range paths(q.Service, r.URL.EscapedPath()) {
			if q.signature, err = q.sign(r, path, hash, key); err != nil {
				return
			}
			if err := q.Verify(r, []byte(body), key, q.Time); err != nil {
				t.Fatalf("our own signature: %v", err)
			}
			if want, ok := q.bySDK(t, r, hash, key, i == 0); ok && q.signature != want {
				t.Fatalf("signature of %q is %s, the SDK's %s", head, q.signature, want)
			}
		}
	})
}

// bySDK returns the signature that the SDK makes of the request, if it can sign those
// headers and no others. Normal is whether the path is to be normalized first.
func (q *Request) bySDK(t *testing.T, r *http.Request, hash string, key Key, normal bool) (signature string, ok bool) {
	c := r.Clone(t.Context())
	c.Header, c.ContentLength, c.URL.Scheme, c.URL.Host = http.Header{}, 0, "", ""
	for _, name := range q.headers {
		switch name {
		case "user-agent", "expect", "x-amzn-trace-id", "transfer-encoding", "authorization", "date":
			return "", false
		case "host":
		case "content-length":
			if c.ContentLength = r.ContentLength; c.ContentLength <= 0 || !slices.Equal(headerValues(r, name), headerValues(c, name)) {
				return "", false
			}
		default:
			c.Header[http.CanonicalHeaderKey(name)] = slices.Clone(r.Header.Values(name))
		}
	}
	if path := r.URL.EscapedPath(); normal && q.Service != "s3" {
		c.URL.Opaque = "//" + normalPath(path)
	}
	options := func(o *v4.SignerOptions) {
		o.DisableHeaderHoisting, o.DisableSessionToken, o.DisableURIPathEscaping = true, true, q.Service == "s3"
	}
	if !q.Presigned {
		if err := v4.NewSigner().SignHTTP(t.Context(), credentials(key), c, hash, q.Service, q.Region, q.Time, options); err != nil {
			t.Fatal(err)
		}
		_, signature, _ = strings.Cut(c.Header.Get("Authorization"), "Signature=")
		return signature, true
	}
	values := c.URL.Query()
	if list := values.Get(nameHeaders); list != strings.ToLower(list) {
		return "", false
	}
	values.Del(nameSignature)
	c.URL.RawQuery = values.Encode()
	link, _, err := v4.NewSigner().PresignHTTP(t.Context(), credentials(key), c, hash, q.Service, q.Region, q.Time, options)
	if err != nil {
		t.Fatal(err)
	}
	_, raw, _ := strings.Cut(link, "?")
	values, err = url.ParseQuery(raw)
	if err != nil {
		t.Fatal(err)
	}
	return values.Get(nameSignature), true
}
