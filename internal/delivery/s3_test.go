package delivery

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// s3Env keeps the environment of whoever runs the tests out of them, and every
// SDK away from the metadata service.
func s3Env(t testing.TB) {
	t.Helper()
	for _, name := range []string{"AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
		"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_CA_BUNDLE", "HTTP_PROXY", "http_proxy"} {
		t.Setenv(name, "")
		os.Unsetenv(name)
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
}

// An s3Answer is one answer of a scripted store.
type s3Answer struct {
	status int
	body   string
	header [2]string
	do     func(http.ResponseWriter, *http.Request) // instead
}

// An s3Script is a store that gives its answers in order, the last for ever.
type s3Script struct {
	mu      sync.Mutex
	answers []s3Answer
	seen    []*http.Request // without their bodies
	bodies  []string
}

func (s *s3Script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	s.mu.Lock()
	s.seen, s.bodies = append(s.seen, r), append(s.bodies, string(body))
	a := s.answers[0]
	if len(s.answers) > 1 {
		s.answers = s.answers[1:]
	}
	s.mu.Unlock()
	if a.do != nil {
		a.do(w, r)
		return
	}
	if a.header[0] != "" {
		w.Header().Set(a.header[0], a.header[1])
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		io.WriteString(w, a.body)
	}
}

// scripted starts a store and returns a client of it.
func scripted(t *testing.T, cfg S3Config, answers ...s3Answer) (*S3, *s3Script) {
	t.Helper()
	s3Env(t)
	script := &s3Script{answers: answers}
	srv := httptest.NewServer(script)
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	if cfg.Endpoint == "" {
		cfg.Endpoint = srv.URL
	}
	if cfg.Profile == "" && cfg.AccessKey == "" {
		cfg.AccessKey, cfg.SecretKey = "AKIAIOSFODNN7EXAMPLE", "not-a-secret"
	}
	s, err := NewS3(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s, script
}

// s3XML is an error in the form that Amazon's S3 sends it.
func s3XML(code, message, more string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>` + "\n<Error><Code>" + code + "</Code><Message>" + message + "</Message>" + more +
		"<RequestId>656c76696e6727732072657175657374</RequestId><HostId>Uuag1LuByRx9e6j5Onimru9pO4ZVKnJ2Qz7/C1NPcfTWAtRPfTaOFg==</HostId></Error>"
}

func reset(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	}
}

func half(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Le")
		conn.Close()
	}
}

func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func TestS3Failures(t *testing.T) {
	ok := s3Answer{status: 200}
	slow := s3Answer{status: 503, body: s3XML("SlowDown", "Please reduce your request rate.", "")}
	for _, tt := range []struct {
		name      string
		answers   []s3Answer
		kind      Kind // empty: it succeeds
		code      string
		message   string // a part of it
		permanent bool
		requests  int
	}{
		{name: "taken", answers: []s3Answer{ok}, requests: 1},
		{name: "throttled once, then taken", answers: []s3Answer{slow, ok}, requests: 2},
		{name: "throttled for good", answers: []s3Answer{slow}, kind: RateLimited, code: "SlowDown",
			message: "Please reduce your request rate.", requests: attempts},
		{name: "too many requests, not S3's form", answers: []s3Answer{{status: 429, body: "slow"}}, kind: RateLimited,
			message: "answered 429 Too Many Requests", requests: attempts},
		{name: "access denied", answers: []s3Answer{{status: 403, body: s3XML("AccessDenied", "Access Denied", "")}},
			kind: AccessError, code: "AccessDenied", message: "Access Denied", permanent: true, requests: 1},
		{name: "no such bucket", answers: []s3Answer{{status: 404,
			body: s3XML("NoSuchBucket", "The specified bucket does not exist", "<BucketName>flow-logs</BucketName>")}},
			kind: AccessError, code: "NoSuchBucket", message: "The specified bucket does not exist", permanent: true, requests: 1},
		{name: "wrong secret", answers: []s3Answer{{status: 403, body: s3XML("SignatureDoesNotMatch",
			"The request signature we calculated does not match the signature you provided. Check your key and signing method.", "")}},
			kind: AccessError, code: "SignatureDoesNotMatch", permanent: true, requests: 1},
		{name: "expired token", answers: []s3Answer{{status: 400, body: s3XML("ExpiredToken", "The provided token has expired.", "")}},
			kind: AccessError, code: "ExpiredToken", message: "The provided token has expired.", permanent: true, requests: 1},
		{name: "clock skew, corrected by the store's clock", answers: []s3Answer{{status: 403, header: [2]string{"Date",
			time.Now().Add(2 * time.Hour).UTC().Format(http.TimeFormat)}, body: s3XML("RequestTimeTooSkewed",
			"The difference between the request time and the current time is too large.", "")}, ok}, requests: 2},
		{name: "clock skew that stays", answers: []s3Answer{{status: 403, body: s3XML("RequestTimeTooSkewed",
			"The difference between the request time and the current time is too large.",
			"<RequestTime>20261124T060000Z</RequestTime><ServerTime>2026-11-24T08:00:00Z</ServerTime><MaxAllowedSkewMilliseconds>900000</MaxAllowedSkewMilliseconds>")}},
			kind: AccessError, code: "RequestTimeTooSkewed", message: "is too large", permanent: true, requests: 1},
		{name: "damaged on the way, then taken", answers: []s3Answer{{status: 400,
			body: s3XML("BadDigest", "The Content-MD5 you specified did not match what we received.", "")}, ok}, requests: 2},
		{name: "too large", answers: []s3Answer{{status: 400, body: s3XML("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size", "")}},
			kind: UnknownError, code: "EntityTooLarge", permanent: true, requests: 1},
		{name: "internal error, then taken", answers: []s3Answer{{status: 500, body: s3XML("InternalError", "We encountered an internal error. Please try again.", "")}, ok}, requests: 2},
		{name: "a proxy's page", answers: []s3Answer{{status: 502, body: "<html>bad gateway</html>"}}, kind: UnknownError,
			message: "answered 502 Bad Gateway", requests: attempts},
		{name: "connection reset, then taken", answers: []s3Answer{{do: reset}, ok}, requests: 2},
		{name: "connection reset for good", answers: []s3Answer{{do: reset}}, kind: UnknownError, message: "broke: read: ", requests: attempts},
		{name: "half an answer, then taken", answers: []s3Answer{{do: half}, ok}, requests: 2},
		{name: "half an answer for good", answers: []s3Answer{{do: half}}, kind: UnknownError, message: "transport connection broken", requests: attempts},
		{name: "301 to the bucket's region", answers: []s3Answer{{status: 301, header: [2]string{"x-amz-bucket-region", "eu-west-3"},
			body: s3XML("PermanentRedirect", "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.",
				"<Endpoint>flow-logs.s3-eu-west-3.amazonaws.com</Endpoint><Bucket>flow-logs</Bucket>")}, ok}, requests: 2},
		{name: "400 that names the bucket's region", answers: []s3Answer{{status: 400, body: s3XML("AuthorizationHeaderMalformed",
			"The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-3'", "<Region>eu-west-3</Region>")}, ok}, requests: 2},
		{name: "a redirect to nowhere", answers: []s3Answer{{status: 301, body: s3XML("PermanentRedirect", "The bucket you are attempting to access must be addressed using the specified endpoint.", "")}},
			kind: UnknownError, code: "PermanentRedirect", permanent: true, requests: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, script := scripted(t, S3Config{Timeout: time.Minute}, tt.answers...)
			err := s.Put(t.Context(), "flow-logs", "a/b=c", []byte("records"), "text/plain")
			script.mu.Lock()
			defer script.mu.Unlock()
			if got, want := len(script.seen), tt.requests; got != want {
				t.Errorf("%d requests, want %d", got, want)
			}
			for _, body := range script.bodies {
				if body != "records" {
					t.Errorf("body = %q", body)
				}
			}
			if strings.Contains(tt.name, "bucket's region") {
				if got := script.seen[1].Header.Get("Authorization"); !strings.Contains(got, "/eu-west-3/s3/") {
					t.Errorf("second request is signed %q, want for eu-west-3", got)
				}
			}
			if tt.kind == "" {
				if err != nil {
					t.Errorf("Put = %v, want nil", err)
				}
				return
			}
			f := (*Failure)(nil)
			if !errors.As(err, &f) {
				t.Fatalf("Put = %v, want a *Failure", err)
			}
			got, want := Failure{Kind: f.Kind, Code: f.Code, Permanent: f.Permanent}, Failure{Kind: tt.kind, Code: tt.code, Permanent: tt.permanent}
			if got != want || !strings.Contains(f.Message, tt.message) || f.Err == nil {
				t.Errorf("failure is\n %+v with %q, want\n %+v with %q", got, f.Message, want, tt.message)
			}
			if strings.Contains(err.Error(), "not-a-secret") || strings.Contains(fmt.Sprintf("%+v %#v", err, s), "not-a-secret") {
				t.Errorf("the secret is in %v", err)
			}
		})
	}
}

func TestS3Check(t *testing.T) {
	for _, tt := range []struct {
		name    string
		answers []s3Answer
		want    string
	}{
		{"the bucket is there", []s3Answer{{status: 200}}, "<nil>"},
		{"it is not", []s3Answer{{status: 404}}, "access error: NoSuchBucket: The specified bucket does not exist"},
		{"the list tells why", []s3Answer{{status: 403}, {status: 403, body: s3XML("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", "")}},
			"access error: InvalidAccessKeyId: The AWS Access Key Id you provided does not exist in our records."},
		{"it is in another region", []s3Answer{{status: 301, header: [2]string{"X-Amz-Bucket-Region", "eu-west-3"}}, {status: 200}}, "<nil>"},
		{"the bucket is another's", []s3Answer{{status: 403}, {status: 403, body: s3XML("AccessDenied", "Access Denied", "")}}, "access error: AccessDenied: Access Denied"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := scripted(t, S3Config{}, tt.answers...)
			if got := fmt.Sprint(s.Check(t.Context(), "flow-logs")); got != tt.want {
				t.Errorf("Check = %s, want %s", got, tt.want)
			}
		})
	}
}

func TestS3RequestIsWhole(t *testing.T) {
	s, script := scripted(t, S3Config{SessionToken: "token", AccessKey: "a", SecretKey: "b", Region: "eu-test-1"}, s3Answer{status: 200})
	body := []byte("records")
	if err := s.Put(t.Context(), "flow-logs", "AWSLogs/aws-account-id=1/x.gz", body, "application/octet-stream"); err != nil {
		t.Fatal(err)
	}
	r, sum := script.seen[0], md5.Sum(body)
	got := []string{r.Method, r.URL.Path, r.Header.Get("Content-MD5"), r.Header.Get("Content-Type"), r.Header.Get("X-Amz-Acl"),
		r.Header.Get("X-Amz-Security-Token"), r.Header.Get("Content-Encoding"), fmt.Sprint(r.ContentLength), r.Header.Get("X-Amz-Content-Sha256")}
	want := []string{"PUT", "/flow-logs/AWSLogs/aws-account-id=1/x.gz", base64.StdEncoding.EncodeToString(sum[:]), "application/octet-stream", "",
		"token", "", "7", fmt.Sprintf("%x", sha256.Sum256(body))}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("request (-got +want):\n%s", diff)
	}
}

// TestS3AsAmazonsDelivery checks what goes to Amazon only. Nothing leaves this
// machine.
func TestS3AsAmazonsDelivery(t *testing.T) {
	for _, noACL := range []bool{false, true} {
		var acl, host string
		client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			acl, host = r.Header.Get("X-Amz-Acl"), r.URL.Host
			return &http.Response{StatusCode: 200, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
		})}
		s3Env(t)
		s, err := NewS3(S3Config{Region: "eu-west-3", AccessKey: "a", SecretKey: "b", NoACL: noACL, HTTPClient: client})
		if err == nil {
			err = s.Put(t.Context(), "flow-logs", "k", nil, "")
		}
		if err != nil {
			t.Fatal(err)
		}
		want := map[bool]string{false: "bucket-owner-full-control", true: ""}[noACL]
		if acl != want || host != "flow-logs.s3.eu-west-3.amazonaws.com" {
			t.Errorf("with NoACL %t: acl %q to %s, want %q", noACL, acl, host, want)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestS3Unreachable(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	noHost := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: r.URL.Hostname(), IsNotFound: true}}
	})}
	for _, tt := range []struct {
		name, want string
		cfg        S3Config
	}{
		{"nobody listens", "unknown error: " + closed.Addr().String() + " refuses connections: is it running, and is the port right?",
			S3Config{Endpoint: "http://" + closed.Addr().String()}},
		{"no such host", "unknown error: cannot find host minio.invalid: no such host",
			S3Config{Endpoint: "https://minio.invalid", PathStyle: true, HTTPClient: noHost}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := scripted(t, tt.cfg, s3Answer{status: 200})
			err := s.Put(t.Context(), "flow-logs", "k", nil, "")
			if f := (*Failure)(nil); !errors.As(err, &f) || f.Kind != UnknownError || f.Permanent || err.Error() != tt.want {
				t.Errorf("Put = %v, want %s", err, tt.want)
			}
		})
	}
}

func TestS3NoCredentials(t *testing.T) {
	s3Env(t)
	script := &s3Script{answers: []s3Answer{{status: 404}}}
	imds := httptest.NewServer(script)
	defer imds.Close()
	t.Setenv("AWS_EC2_METADATA_DISABLED", "false") // NewS3 has to see to it
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", imds.URL)
	s, err := NewS3(S3Config{Endpoint: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Put(t.Context(), "flow-logs", "k", nil, "")
	if f := (*Failure)(nil); !errors.As(err, &f) || f.Kind != AccessError || !f.Permanent || !strings.Contains(f.Message, "no credentials") {
		t.Errorf("Put = %v, want an access error that says there are no credentials", err)
	}
	if n := len(script.seen); n > 0 {
		t.Errorf("%d requests to the metadata service, want none", n)
	}
	s, err = NewS3(S3Config{Endpoint: "http://127.0.0.1:1", IMDS: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), "flow-logs", "k", nil, ""); err == nil || len(script.seen) == 0 {
		t.Errorf("with IMDS: %v, and %d requests to the metadata service, want some", err, len(script.seen))
	}
}

func TestS3Hangs(t *testing.T) {
	s, _ := scripted(t, S3Config{Timeout: 200 * time.Millisecond}, s3Answer{do: hang})
	err := s.Put(t.Context(), "flow-logs", "k", []byte("x"), "")
	if f := (*Failure)(nil); !errors.As(err, &f) || f.Kind != UnknownError || !strings.Contains(f.Message, "no answer from") {
		t.Errorf("Put to a store that hangs = %v, want no answer", err)
	}
	s, _ = scripted(t, S3Config{}, s3Answer{do: hang})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	err = s.Put(ctx, "flow-logs", "k", []byte("x"), "")
	if f := (*Failure)(nil); !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &f) || time.Since(start) > 5*time.Second {
		t.Errorf("Put after its context = %v after %v, want its error at once", err, time.Since(start))
	}
}

func TestS3ConfigIsChecked(t *testing.T) {
	s3Env(t)
	for _, cfg := range []S3Config{
		{AccessKey: "a"}, {SecretKey: "b"}, {SessionToken: "c"}, {AccessKey: "a", SecretKey: "b", Profile: "p"},
		{Endpoint: "minio:9000"}, {Endpoint: "ftp://minio"}, {Endpoint: "http://a:b@minio"}, {Profile: "no-such-profile"},
	} {
		if _, err := NewS3(cfg); err == nil || strings.Contains(err.Error(), "a:b@") {
			t.Errorf("NewS3(%v) = %v, want an error without secrets", cfg, err)
		}
	}
	broken := t.TempDir() + "/config"
	if err := os.WriteFile(broken, []byte("[profile x\nregion"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CONFIG_FILE", broken)
	t.Setenv("AWS_PROFILE", "no-such-profile")
	if _, err := NewS3(S3Config{Endpoint: "http://127.0.0.1:1", AccessKey: "a", SecretKey: "b"}); err != nil {
		t.Errorf("a store that is described whole reads other configuration: %v", err)
	}
	var out bytes.Buffer
	cfg := S3Config{AccessKey: "a", SecretKey: "hidden", SessionToken: "hidden"}
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "cfg", cfg)
	if text := fmt.Sprintf("%v %+v %#v %s", cfg, cfg, cfg, &out); strings.Contains(text, "hidden") {
		t.Errorf("secrets in %s", text)
	}
}
