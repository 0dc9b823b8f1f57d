package sigv4

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// received returns a request as net/http's server has it.
func received(method, target, host, body string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = host
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ":")
		r.Header.Add(name, strings.TrimSpace(value))
	}
	return r
}

// verify is what a caller does.
func verify(r *http.Request, body string, key Key, now time.Time) error {
	q, err := Parse(r)
	if err != nil {
		return err
	}
	return q.Verify(r, []byte(body), key, now)
}

func codeOf(err error) string {
	if err == nil {
		return ""
	}
	if e := (*Error)(nil); errors.As(err, &e) {
		return e.Code
	}
	return fmt.Sprintf("not an Error: %v", err)
}

const (
	botoBody = "Action=DescribeFlowLogs&Version=2016-11-15"
	botoAuth = "Authorization: AWS4-HMAC-SHA256 Credential=AKID/20261123/us-east-1/ec2/aws4_request, " +
		"SignedHeaders=content-type;host;x-amz-date, Signature=a2e82581c9b3781a18abcf4e082ee95515ed9cd16a4078e6cbd08721766c65b1"
	botoType = "Content-Type: application/x-www-form-urlencoded; charset=utf-8"
	botoDate = "X-Amz-Date: 20261123T154757Z"
)

var (
	botoKey  = Key{ID: "AKID", Secret: "secret"}
	botoTime = time.Date(2026, 11, 23, 15, 47, 57, 0, time.UTC)
)

func boto(headers ...string) *http.Request {
	return received("POST", "/", "127.0.0.1:18099", botoBody, headers...)
}

// TestVectors has requests whose signatures botocore and the SDK for Go have computed.
func TestVectors(t *testing.T) {
	if err := verify(boto(botoAuth, botoType, botoDate), botoBody, botoKey, botoTime); err != nil {
		t.Errorf("botocore's: %v", err)
	}
	const body = "Action=DescribeVpcs&Version=2016-11-15"
	r := received("POST", "/", "127.0.0.1:18099", body,
		"Authorization: AWS4-HMAC-SHA256 Credential=AKID/20261123/ap-northeast-1/ec2/aws4_request, "+
			"SignedHeaders=amz-sdk-invocation-id;amz-sdk-request;content-length;content-type;host;x-amz-date;x-amz-security-token, "+
			"Signature=6283434957309c47aaafd84aab5edc3f3009bd0219c40339eabaf273d32acb2c",
		"Amz-Sdk-Invocation-Id: 1aa8c21c-4c17-41ad-8a80-56022c52114b", "Amz-Sdk-Request: attempt=1; max=3",
		"Content-Length: 38", "Content-Type: application/x-www-form-urlencoded",
		"X-Amz-Date: 20261123T155448Z", "X-Amz-Security-Token: TOKEN")
	q, err := Parse(r)
	if err != nil {
		t.Fatal(err)
	}
	if q.KeyID != "AKID" || q.Region != "ap-northeast-1" || q.Service != "ec2" || q.Presigned ||
		!q.Time.Equal(time.Date(2026, 11, 23, 15, 54, 48, 0, time.UTC)) {
		t.Errorf("Parse returns %+v", q)
	}
	for _, tt := range []struct {
		key  Key
		want string
	}{
		{Key{"AKID", "SECRET", "TOKEN"}, ""},
		{Key{"AKID", "SECRET", "token"}, codeUnknownKey},
		{Key{"AKID", "SECRET", ""}, codeUnknownKey},
		{Key{"AKID", "secret", "TOKEN"}, codeMismatch},
		{Key{"AKIE", "SECRET", "TOKEN"}, codeUnknownKey},
		{Key{}, codeUnknownKey},
	} {
		if got := codeOf(q.Verify(r, []byte(body), tt.key, q.Time)); got != tt.want {
			t.Errorf("Verify with key %q %q %q: %q, want %q", tt.key.ID, tt.key.Secret, tt.key.Token, got, tt.want)
		}
	}
}

// TestGetVanilla is of the test suite that Amazon published with the signature: GET /
// at example.amazonaws.com.
func TestGetVanilla(t *testing.T) {
	r := received("GET", "/", "example.amazonaws.com", "", "X-Amz-Date: 20150830T123600Z",
		"Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "+
			"SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")
	key := Key{ID: "AKIDEXAMPLE", Secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
	if err := verify(r, "", key, time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)); err != nil {
		t.Error(err)
	}
}

func TestClock(t *testing.T) {
	r := boto(botoAuth, botoType, botoDate)
	for _, tt := range []struct {
		after time.Duration
		want  string
	}{
		{-tolerance - 1, codeExpired}, {-tolerance, ""}, {0, ""}, {tolerance, ""}, {tolerance + 1, codeExpired},
	} {
		if got := codeOf(verify(r, botoBody, botoKey, botoTime.Add(tt.after))); got != tt.want {
			t.Errorf("%v after it was signed: %q, want %q", tt.after, got, tt.want)
		}
	}
	if err := verify(r, botoBody, Key{"AKID", "wrong", ""}, botoTime.Add(time.Hour)); err != ErrMismatch {
		t.Errorf("an old request with a wrong key: %v, want %v", err, ErrMismatch)
	}
}

// TestRefused has one change to a good request in each case.
func TestRefused(t *testing.T) {
	change := func(old, new string) string { return strings.Replace(botoAuth, old, new, 1) }
	for _, tt := range []struct {
		name string
		r    *http.Request
		want string
	}{
		{"no signature", boto(botoType, botoDate), codeMissing},
		{"two signatures", boto(botoAuth, botoAuth, botoType, botoDate), codeIncomplete},
		{"another scheme", boto("Authorization: Basic eDp5", botoType, botoDate), codeIncomplete},
		{"another algorithm", boto(change("HMAC", "ECDSA-P256"), botoType, botoDate), codeIncomplete},
		{"nothing after the algorithm", boto("Authorization: AWS4-HMAC-SHA256", botoType, botoDate), codeIncomplete},
		{"no credential", boto(change("Credential=AKID/20261123/us-east-1/ec2/aws4_request, ", ""), botoType, botoDate), codeIncomplete},
		{"no signature parameter", boto(change("Signature=", "Sig="), botoType, botoDate), codeIncomplete},
		{"a parameter too many", boto(botoAuth+", Extra=1", botoType, botoDate), codeIncomplete},
		{"a parameter twice", boto(botoAuth+", Signature=1", botoType, botoDate), codeIncomplete},
		{"four parts of a credential", boto(change("us-east-1/", ""), botoType, botoDate), codeIncomplete},
		{"an empty part of a credential", boto(change("us-east-1", ""), botoType, botoDate), codeIncomplete},
		{"another terminator", boto(change("aws4_request", "aws5_request"), botoType, botoDate), codeMismatch},
		{"another Region", boto(change("us-east-1", "us-east-2"), botoType, botoDate), codeMismatch},
		{"another service", boto(change("ec2", "sts"), botoType, botoDate), codeMismatch},
		{"another day", boto(change("20261123", "20261124"), botoType, botoDate), codeMismatch},
		{"another method", func() *http.Request { r := boto(botoAuth, botoType, botoDate); r.Method = "PUT"; return r }(), codeMismatch},
		{"another host", func() *http.Request { r := boto(botoAuth, botoType, botoDate); r.Host = "127.0.0.1"; return r }(), codeMismatch},
		{"an unsigned parameter", received("POST", "/?DryRun=true", "127.0.0.1:18099", botoBody, botoAuth, botoType, botoDate), codeMismatch},
		{"a parameter net/url drops", received("POST", "/?a;b=1", "127.0.0.1:18099", botoBody, botoAuth, botoType, botoDate), codeIncomplete},
		{"a query that cannot be read", func() *http.Request {
			r := boto(botoAuth, botoType, botoDate)
			r.URL.RawQuery = "a=%zz"
			return r
		}(), codeIncomplete},
		{"an opaque target", func() *http.Request {
			r := boto(botoAuth, botoType, botoDate)
			r.URL.Path, r.URL.Opaque = "", "x"
			return r
		}(), codeMismatch},
		{"headers not sorted", boto(change("content-type;host", "host;content-type"), botoType, botoDate), codeIncomplete},
		{"a header signed twice", boto(change(";host", ";host;host"), botoType, botoDate), codeIncomplete},
		{"a header without a name", boto(change("SignedHeaders=", "SignedHeaders=;"), botoType, botoDate), codeIncomplete},
		{"host is not signed", boto(change("host;", ""), botoType, botoDate), codeIncomplete},
		{"the date is not signed", boto(change(";x-amz-date", ""), botoType, botoDate), codeIncomplete},
		{"Date is signed where X-Amz-Date counts", boto(change("content-type;host;x-amz-date", "content-type;date;host"), botoType, botoDate,
			"Date: 20261123T154757Z"), codeIncomplete},
		{"a signed header is missing", boto(botoAuth, botoDate), codeMismatch},
		{"a signed header comes again", boto(botoAuth, botoType, botoType, botoDate), codeMismatch},
		{"no date", boto(botoAuth, botoType), codeIncomplete},
		{"two dates", boto(botoAuth, botoType, botoDate, botoDate), codeIncomplete},
		{"a date of another form", boto(botoAuth, botoType, "X-Amz-Date: 2026-11-23T15:47:57Z"), codeIncomplete},
		{"a fraction of a second", boto(botoAuth, botoType, "X-Amz-Date: 20261123T154757.5Z"), codeIncomplete},
		{"a token that the key does not have", boto(botoAuth, botoType, botoDate, "X-Amz-Security-Token: T"), codeUnknownKey},
		{"a wrong hash", boto(botoAuth, botoType, botoDate, "X-Amz-Content-Sha256: "+strings.Repeat("0", 64)), codeMismatch},
		{"an empty hash", boto(botoAuth, botoType, botoDate, "X-Amz-Content-Sha256:"), codeIncomplete},
		{"a body that is not signed", boto(botoAuth, botoType, botoDate, "X-Amz-Content-Sha256: UNSIGNED-PAYLOAD"), codeMismatch},
		{"a presigned one besides", received("POST", "/?X-Amz-Signature=0", "127.0.0.1:18099", botoBody, botoAuth, botoType, botoDate), codeIncomplete},
		{"presigned, and no more than that", received("GET", "/?X-Amz-Algorithm=AWS4-HMAC-SHA256", "h", ""), codeIncomplete},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := verify(tt.r, botoBody, botoKey, botoTime); codeOf(got) != tt.want {
				t.Errorf("got %v, want %s", got, tt.want)
			}
		})
	}
	// What is not a change.
	if err := verify(boto(change("content-type;host", "Content-Type;HOST"), strings.Replace(botoType, "; ", ";   ", 1), botoDate), botoBody, botoKey, botoTime); err != nil {
		t.Errorf("more spaces, and names in upper case: %v", err)
	}
	if err := verify(boto(strings.ReplaceAll(botoAuth, ", ", ","), botoType, botoDate, "X-Unsigned: 1"), botoBody, botoKey, botoTime); err != nil {
		t.Errorf("no spaces between parameters, and another header: %v", err)
	}
}

func TestErrUnsigned(t *testing.T) {
	if _, err := Parse(received("GET", "/?Action=DescribeVpcs", "h", "")); !errors.Is(err, ErrUnsigned) || codeOf(err) != codeMissing {
		t.Errorf("Parse returns %v, want ErrUnsigned", err)
	}
}

func TestForEC2(t *testing.T) {
	for from, want := range map[error]string{
		ErrUnknownKey: "AuthFailure", ErrMismatch: "AuthFailure", ErrExpired: "RequestExpired", ErrUnsigned: "MissingAuthenticationToken",
	} {
		if got := from.(*Error).ForEC2().Code; got != want {
			t.Errorf("%v is %s for EC2, want %s", from, got, want)
		}
	}
}

func TestKeyHidesSecrets(t *testing.T) {
	key := Key{"AKID", "hidden-secret", "hidden-token"}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("key", "key", key)
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %s", key, key, key, key), log.String()} {
		if strings.Contains(text, "hidden") || !strings.Contains(text, "AKID") {
			t.Errorf("a key prints as %s", text)
		}
	}
}

func TestPaths(t *testing.T) {
	for _, tt := range []struct {
		service, path string
		want          string
	}{
		{"ec2", "", "/"},
		{"ec2", "/", "/"},
		{"ec2", "/a%20b/-._~:@", "/a%2520b/-._~%3A%40"},
		{"ec2", "/%E1%88%B4", "/%25E1%2588%25B4"},
		{"ec2", "//a/./b/../c//", "/a/c/ //a/./b/../c//"},
		{"ec2", "/../..", "/ /../.."},
		{"s3", "//a%20b/..", "//a%20b/.."},
	} {
		if got := strings.Join(paths(tt.service, tt.path), " "); got != tt.want {
			t.Errorf("paths(%s, %s) = %s, want %s", tt.service, tt.path, got, tt.want)
		}
	}
}

func TestCanonicalQuery(t *testing.T) {
	for raw, want := range map[string]string{
		"":                              "",
		"foo":                           "foo=",
		"&b=2&&a=1&":                    "a=1&b=2",
		"a=2&a=10&a=1":                  "a=1&a=10&a=2",
		"a=a-b&a=a/b":                   "a=a%2Fb&a=a-b", // sorted when encoded
		"a0=1&a:=1":                     "a%3A=1&a0=1",
		"B=1&a=1&A=1":                   "A=1&B=1&a=1",
		"x=a+b%20c%2B":                  "x=a%20b%20c%2B",
		"x=%e1%88%b4~-_.":               "x=%E1%88%B4~-_.",
		"x==1%3By=2":                    "x=%3D1%3By%3D2",
		"X-Amz-Signature=1&x-amz-z=%00": "x-amz-z=%00",
	} {
		q, err := parseQuery(raw)
		if got := string(q.appendCanonical(nil, true)); err != nil || got != want {
			t.Errorf("%q is %q, %v, want %q", raw, got, err, want)
		}
	}
}
