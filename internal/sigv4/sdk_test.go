package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

func hashOf(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

func credentials(k Key) aws.Credentials {
	return aws.Credentials{AccessKeyID: k.ID, SecretAccessKey: k.Secret, SessionToken: k.Token}
}

// odd are requests that are hard to write in the canonical form.
var odd = []struct {
	name, method, target, body string
	headers                    []string
}{
	{"a form", "POST", "/", "Action=DescribeVpcs&Version=2016-11-15", []string{"Content-Type: application/x-www-form-urlencoded"}},
	{"no body", "GET", "/?Action=DescribeVpcs&Version=2016-11-15", "", nil},
	{"escapes in a path", "GET", "/a%20b/%E1%88%B4/%2F/c+d/~-_.!*'()@:;=,&$", "", nil},
	{"escapes that are not needed", "GET", "/%61/%7e", "", nil},
	{"slashes and dots in a path", "GET", "//a/./b/../c//", "", nil},
	{"parameters out of order", "GET", "/?b=2&a=2&a=10&a=1&B=3&A=4", "", nil},
	{"parameters that encoding sorts", "GET", "/?a=a-b&a=a/b&a:=1&a0=2&%E1%88%B4=3&~=4", "", nil},
	{"parameters without a value", "GET", "/?b&a=&=c&&", "", nil},
	{"escapes in parameters", "GET", "/?x=a+b%20c%2Bd%25&y=%e1%88%b4&z=~-_.!*'()", "", nil},
	{"both a query and a body", "POST", "/?a=1", "\x00\xff\n", nil},
	{"spaces in a header", "GET", "/", "", []string{`X-A:   a   b  "c   d"  `}},
	{"tabs in a header", "GET", "/", "", []string{"X-A: a\t \tb"}},
	{"a header again", "GET", "/", "", []string{"X-A: b", "X-A:  a", "X-A:", "x-a: c,d"}},
	{"an empty header", "GET", "/", "", []string{"X-A:"}},
	{"bytes that are no UTF-8", "GET", "/", "", []string{"X-A: \xff\u00e9"}},
	{"names that sort differently in upper case", "GET", "/", "", []string{"X_a: 1", "X-Z: 2", "Xz: 3"}},
	{"the body's hash", "POST", "/", "x", []string{"X-Amz-Content-Sha256: " + hashOf("x")}},
	{"another method", "DELETE", "/x", "", nil},
}

// TestAgainstSDK verifies what the SDK for Go signs, with and without a session token
// and a port.
func TestAgainstSDK(t *testing.T) {
	now := time.Date(2026, 11, 24, 23, 59, 59, 0, time.UTC)
	for _, tt := range odd {
		for _, key := range []Key{{ID: "AKID", Secret: "s/+="}, {ID: "ASIA", Secret: "s", Token: "t/+=%&"}} {
			for _, host := range []string{"ec2.eu-test-1.example.com", "127.0.0.1:8080", "[::1]:8080"} {
				t.Run(tt.name+"/"+key.ID+"/"+host, func(t *testing.T) {
					signed := received(tt.method, tt.target, host, tt.body, tt.headers...)
					if err := v4.NewSigner().SignHTTP(t.Context(), credentials(key), signed, hashOf(tt.body), "ec2", "eu-test-1", now); err != nil {
						t.Fatal(err)
					}
					if err := verify(signed, tt.body, key, now); err != nil {
						t.Errorf("signed in the header: %v", err)
					}
					r := received(tt.method, tt.target, host, tt.body, tt.headers...)
					q := r.URL.Query()
					q.Set("X-Amz-Expires", "60")
					r.URL.RawQuery = q.Encode()
					presigned := presign(t, r, tt.body, key, now)
					if err := verify(presigned, tt.body, key, now.Add(time.Minute)); err != nil {
						t.Errorf("presigned %s: %v", presigned.URL, err)
					}
					presigned.URL.RawQuery += "&x=y"
					if err := verify(presigned, tt.body, key, now); err != ErrMismatch {
						t.Errorf("presigned, and a parameter more: %v, want %v", err, ErrMismatch)
					}
				})
			}
		}
	}
}

// presign returns the request as whoever follows the SDK's URL sends it.
func presign(t *testing.T, r *http.Request, body string, key Key, now time.Time) *http.Request {
	t.Helper()
	r.URL.Host, r.URL.Scheme = r.Host, "http"
	link, header, err := v4.NewSigner().PresignHTTP(t.Context(), credentials(key), r, hashOf(body), "ec2", "eu-test-1", now)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	out := received(r.Method, u.RequestURI(), r.Host, body)
	for name, values := range header {
		if name != "Host" {
			out.Header[name] = values
		}
	}
	return out
}

func TestPresigned(t *testing.T) {
	now, key := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), Key{ID: "AKID", Secret: "s"}
	at := func(query string) *http.Request {
		return presign(t, received("GET", "/?Action=DescribeVpcs"+query, "h", ""), "", key, now)
	}
	for _, tt := range []struct {
		name  string
		r     *http.Request
		after time.Duration
		want  string
	}{
		{"no time given", at(""), tolerance, ""},
		{"no time given, too late", at(""), tolerance + 1, codeExpired},
		{"shortest", at("&X-Amz-Expires=1"), time.Second, ""},
		{"shortest, too late", at("&X-Amz-Expires=1"), time.Second + 1, codeExpired},
		{"longest", at("&X-Amz-Expires=604800"), 7 * 24 * time.Hour, ""},
		{"longest, too late", at("&X-Amz-Expires=604800"), 7*24*time.Hour + 1, codeExpired},
		{"longest, the clock is behind", at("&X-Amz-Expires=604800"), -tolerance, ""},
		{"longest, from the future", at("&X-Amz-Expires=604800"), -tolerance - 1, codeExpired},
		{"0 seconds", at("&X-Amz-Expires=0"), 0, codeIncomplete},
		{"too many seconds", at("&X-Amz-Expires=604801"), 0, codeIncomplete},
		{"no seconds", at("&X-Amz-Expires="), 0, codeIncomplete},
		{"negative seconds", at("&X-Amz-Expires=-1"), 0, codeIncomplete},
		{"two times", at("&X-Amz-Expires=1&X-Amz-Expires=2"), 0, codeIncomplete},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q, err := Parse(tt.r)
			if err == nil {
				if !q.Presigned || q.KeyID != "AKID" || q.Service != "ec2" || q.Region != "eu-test-1" || !q.Time.Equal(now) {
					t.Errorf("Parse returns %+v", q)
				}
				err = q.Verify(tt.r, nil, key, now.Add(tt.after))
			}
			if codeOf(err) != tt.want {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	r := at("")
	if err := verify(r, "a body", key, now); err != ErrMismatch {
		t.Errorf("with a body that is not signed: %v", err)
	}
	r.Header.Set("X-Amz-Content-Sha256", unsigned)
	if err := verify(r, "", key, now); err != ErrMismatch {
		t.Errorf("with the header UNSIGNED-PAYLOAD that is not signed for: %v", err)
	}
}

// TestUnsignedBody is S3's way of presigning, which says that any body will do.
func TestUnsignedBody(t *testing.T) {
	now, key := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), Key{ID: "AKID", Secret: "s"}
	r := received("PUT", "/a%20b//c?X-Amz-Content-Sha256=UNSIGNED-PAYLOAD", "h", "")
	r.URL.Host, r.URL.Scheme = r.Host, "http"
	link, _, err := v4.NewSigner().PresignHTTP(t.Context(), credentials(key), r, unsigned, "s3", "eu-test-1", now,
		func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	if err != nil {
		t.Fatal(err)
	}
	r = received("PUT", strings.TrimPrefix(link, "http://h"), "h", "anything")
	if err := verify(r, "anything", key, now); err != nil {
		t.Error(err)
	}
	r.Header.Set("X-Amz-Content-Sha256", hashOf("anything"))
	if err := verify(r, "anything", key, now); codeOf(err) != codeIncomplete {
		t.Errorf("with a hash in the header, too: %v", err)
	}
}

// TestNormalPath is what botocore signs of a path, by its normalize_url_path.
func TestNormalPath(t *testing.T) {
	now, key := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), Key{ID: "AKID", Secret: "s"}
	r := received("GET", "/a/c/", "h", "")
	if err := v4.NewSigner().SignHTTP(t.Context(), credentials(key), r, hashOf(""), "ec2", "eu-test-1", now); err != nil {
		t.Fatal(err)
	}
	r.URL.Path = "//a/./b/../c//"
	if err := verify(r, "", key, now); err != nil {
		t.Error(err)
	}
}

// TestBotocore has what botocore 1.43 signs of a path that it normalizes: with Date,
// because the request had that header, and presigned.
func TestBotocore(t *testing.T) {
	const target = "/a//b/../c%20d/?b=2&a=1%2B"
	r := received("POST", target, "127.0.0.1:18099", botoBody, botoType, "Date: Mon, 23 Nov 2026 15:47:57 -0000",
		"Authorization: AWS4-HMAC-SHA256 Credential=AKID/20261123/us-east-1/ec2/aws4_request, SignedHeaders=content-type;date;host, "+
			"Signature=a78b865134d2f2f4c453c2a8f715d8d79a90dfef122d23f19de0264b66577f91")
	if err := verify(r, botoBody, botoKey, botoTime); err != nil {
		t.Errorf("with Date: %v", err)
	}
	r.Header.Set("X-Amz-Date", "20261123T154757Z") // counts, and is not signed
	if err := verify(r, botoBody, botoKey, botoTime); codeOf(err) != codeIncomplete {
		t.Errorf("with Date, and X-Amz-Date, too: %v", err)
	}
	r = received("GET", target+"&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20261123%2Fus-east-1%2Fec2%2Faws4_request&"+
		"X-Amz-Date=20261123T154757Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Security-Token=to%2Fken&"+
		"X-Amz-Signature=ad847bcdab6b4b83722fca6e0db458d3588df430ea452a7bdb46d2db69226303", "127.0.0.1:18099", "")
	if err := verify(r, "", Key{"AKID", "secret", "to/ken"}, botoTime.Add(time.Minute)); err != nil {
		t.Errorf("presigned: %v", err)
	}
	if err := verify(r, "", botoKey, botoTime); err != ErrUnknownKey {
		t.Errorf("presigned, with a token that the key does not have: %v", err)
	}
}

// TestDateForms are those of the Date header, each with our own signature.
func TestDateForms(t *testing.T) {
	auth := strings.Replace(botoAuth, "content-type;host;x-amz-date", "content-type;date;host", 1)
	for date, ok := range map[string]bool{
		"Mon, 23 Nov 2026 15:47:57 GMT": true, "20261123T154757Z": true, "Mon, 23 Nov 2026 16:47:57 +0100": true,
		"Monday, 23-Nov-26 15:47:57 GMT": true, "2026-11-23T15:47:57Z": false, "": false, "1795448877": false,
	} {
		r := boto(auth, botoType, "Date: "+date)
		q, err := Parse(r)
		if (err == nil) != ok {
			t.Errorf("Date: %s: %v", date, err)
		}
		if err != nil {
			continue
		}
		right, err := q.sign(r, "/", hashOf(botoBody), botoKey)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), q.signature, right, 1))
		if err := verify(r, botoBody, botoKey, botoTime); err != nil {
			t.Errorf("Date: %s: %v", date, err)
		}
	}
}
