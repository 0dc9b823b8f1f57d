package place

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"weir/internal/awsconfig"
)

// refuse answers as S3 does.
func refuse(w http.ResponseWriter, status int, code, message string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", code, message)
}

// failure returns what naming the objects of a place fails with, or reading the first.
func failure(t *testing.T, cfg Config) error {
	t.Helper()
	l, err := New(cfg)
	if err != nil {
		return err
	}
	for e, err := range l.Entries(t.Context()) {
		if err != nil {
			return err
		}
		r, err := e.Open(t.Context())
		if err != nil {
			return err
		}
		_, err = io.ReadAll(r)
		return err
	}
	return nil
}

// wrong compares an error and its hint.
func wrong(t *testing.T, err error, want, hint string) {
	t.Helper()
	if err == nil || err.Error() != want || hintOf(err) != hint {
		t.Errorf("got %v\nwant %s\ngot hint %s\nwant %s", err, want, hintOf(err), hint)
	}
}

// TestRefusals has an S3 that answers each way that there is something to do about.
func TestRefusals(t *testing.T) {
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	const (
		policy  = "the policy must allow s3:ListBucket on arn:aws:s3:::logs and s3:GetObject on arn:aws:s3:::logs/*; a bucket where the reader pays needs --requester-pays"
		private = "not everybody may read it; leave out --no-sign-request"
		list    = "s3://logs/: list: "
	)
	for _, tt := range []struct {
		name       string
		list, get  func(http.ResponseWriter) // nil is one object "x", and what is in it
		anonymous  bool
		want, hint string // a hint of URL has the server's
	}{
		{"no listing", func(w http.ResponseWriter) { refuse(w, 403, "AccessDenied", "Access Denied") }, nil, false, list + "AccessDenied: Access Denied", policy},
		{"no listing for everybody", func(w http.ResponseWriter) { refuse(w, 403, "AccessDenied", "Access Denied") }, nil, true, list + "AccessDenied: Access Denied", private},
		{"a status alone", func(w http.ResponseWriter) { w.WriteHeader(403) }, nil, false, list + "Forbidden", policy},
		{"no reading", nil, func(w http.ResponseWriter) { refuse(w, 403, "AccessDenied", "Access Denied") }, false, "AccessDenied: Access Denied", policy},
		{"a key of nobody", func(w http.ResponseWriter) { refuse(w, 403, "InvalidAccessKeyId", "It does not exist.") }, nil, false, list + "InvalidAccessKeyId: It does not exist.",
			"the access key is not known there; with weir serve, the lines that it prints set the right one"},
		{"another secret", func(w http.ResponseWriter) { refuse(w, 403, "SignatureDoesNotMatch", "It does not match.") }, nil, false, list + "SignatureDoesNotMatch: It does not match.",
			"the secret access key does not belong to the access key"},
		{"an old session", func(w http.ResponseWriter) { refuse(w, 400, "ExpiredToken", "It has expired.") }, nil, false, list + "ExpiredToken: It has expired.",
			"the session's token has expired: aws sso login, or new credentials"},
		{"an archived object", nil, func(w http.ResponseWriter) { refuse(w, 403, "InvalidObjectState", "Not for its class.") }, false, "InvalidObjectState: Not for its class.",
			"it is archived: it must be restored first (aws s3api restore-object)"},
		{"an object that is gone", nil, func(w http.ResponseWriter) { refuse(w, 404, "NoSuchKey", "No such key.") }, false, "NoSuchKey: No such key.", "it was deleted after it was listed"},
		{"another region", func(w http.ResponseWriter) { refuse(w, 301, "PermanentRedirect", "Elsewhere.") }, nil, false, list + "PermanentRedirect: Elsewhere.",
			"the bucket is in another region; set AWS_REGION to it"},
		{"too many requests", func(w http.ResponseWriter) { refuse(w, 503, "SlowDown", "Please.") }, nil, false, list + "SlowDown: Please.", "wait a moment, or set AWS_MAX_ATTEMPTS"},
		{"something that is no S3", func(w http.ResponseWriter) { w.WriteHeader(404) }, nil, false, list + "Not Found", "is there an S3 at URL? See --endpoint-url"},
		{"a page for browsers", func(w http.ResponseWriter) { io.WriteString(w, "<html><br></html>") }, nil, false,
			list + "read the answer: XML syntax error on line 1: element <br> closed by </html>", "is there an S3 at URL? See --endpoint-url"},
		{"a listing that goes round", func(w http.ResponseWriter) {
			io.WriteString(w, "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>")
		}, nil, false, list + "read the answer: the next page is the same page", "is there an S3 at URL? See --endpoint-url"},
		{"a key that is escaped wrongly", func(w http.ResponseWriter) {
			io.WriteString(w, "<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>a%ZZ</Key></Contents></ListBucketResult>")
		}, nil, false, list + `read the answer: invalid URL escape "%ZZ"`, "is there an S3 at URL? See --endpoint-url"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch isList := r.URL.Query().Has("list-type"); {
				case isList && tt.list != nil:
					tt.list(w)
				case isList:
					io.WriteString(w, page1("x"))
				default:
					tt.get(w)
				}
			}))
			defer server.Close()
			cfg := Config{Places: []string{"s3://logs"}, Anonymous: tt.anonymous, AWS: awsconfig.Options{Endpoint: server.URL, Region: region}}
			wrong(t, failure(t, cfg), tt.want, strings.ReplaceAll(tt.hint, "URL", server.URL+"/"))
		})
	}
}

// TestNobodyAnswers has what to do where no request is sent or answered. Amazon itself is
// not asked.
func TestNobodyAnswers(t *testing.T) {
	amazon := &client{signed: true}
	wrong(t, amazon.explain(&Error{Code: "NoSuchBucket"}, "logs"), "NoSuchBucket",
		"aws s3 ls shows the buckets that there are; one at another endpoint needs --endpoint-url")
	wrong(t, amazon.explain(&Error{Code: "Other"}, "logs"), "Other", "")
	wrong(t, amazon.explain(&net.DNSError{Err: "no such host", Name: "logs.s3.eu-nowhere-1.amazonaws.com"}, "logs"),
		"lookup logs.s3.eu-nowhere-1.amazonaws.com: no such host", "is the name right? See AWS_REGION and --endpoint-url")

	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	st := serve(t)
	hint := "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or say --profile; with weir serve, the lines that it prints"
	wrong(t, failure(t, st.config("s3://flow-logs")), "s3://flow-logs/: list: no credentials", hint)
	_, cfg := serveLogs(t)
	cfg.Places = []string{"logs://vpc/flows"}
	wrong(t, failure(t, cfg), "logs://vpc/flows: DescribeLogStreams: no credentials", hint)

	if _, err := New(Config{}); err == nil || err.Error() != "place: Places is required" {
		t.Errorf("no place: %v", err)
	}
}

// TestLogsRefusals has a CloudWatch Logs that answers each way that there is something to
// do about.
func TestLogsRefusals(t *testing.T) {
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	const (
		policy = "the policy must allow logs:DescribeLogStreams, logs:GetLogEvents and logs:FilterLogEvents on the group"
		list   = "logs://flows: DescribeLogStreams: "
	)
	refuse := func(code, message string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"__type":"com.amazonaws.logs#%s","message":%q}`, code, message)
		}
	}
	for _, tt := range []struct {
		name            string
		streams, events func(http.ResponseWriter) // nil is one stream
		want, hint      string
	}{
		{"no listing", refuse("AccessDeniedException", "Not you."), nil, list + "AccessDeniedException: Not you.", policy},
		{"no reading", nil, refuse("AccessDeniedException", "Not you."), "GetLogEvents: AccessDeniedException: Not you.", policy},
		{"a key of nobody", refuse("UnrecognizedClientException", "Who?"), nil, list + "UnrecognizedClientException: Who?", "the access key is not known there, or its session has ended"},
		{"too many requests", nil, refuse("ThrottlingException", "Rate exceeded"), "GetLogEvents: ThrottlingException: Rate exceeded", "wait a moment, or set AWS_MAX_ATTEMPTS"},
		{"something without hints", refuse("LimitExceededException", "Too much."), nil, list + "LimitExceededException: Too much.", ""},
		{"a group that is gone", nil, refuse("ResourceNotFoundException", "None."), "GetLogEvents: ResourceNotFoundException: None.",
			"is flows in region eu-test-1? aws logs describe-log-groups shows the groups that there are; logs://GROUP:STREAM names a stream"},
		{"something that is no CloudWatch Logs", func(w http.ResponseWriter) { w.WriteHeader(404); io.WriteString(w, "<html>") }, nil,
			list + "Not Found", "is there a CloudWatch Logs at URL? See --endpoint-url"},
		{"an answer that is cut short", func(w http.ResponseWriter) { w.Header().Set("Content-Length", "100"); io.WriteString(w, "{") }, nil,
			list + "read the answer: unexpected EOF", ""},
		{"an answer that is no JSON", func(w http.ResponseWriter) { io.WriteString(w, "<html>") }, nil,
			list + "invalid character '<' looking for beginning of value", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch isStreams := strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".DescribeLogStreams"); {
				case isStreams && tt.streams != nil:
					tt.streams(w)
				case isStreams:
					io.WriteString(w, `{"logStreams":[{"logStreamName":"one"}]}`)
				default:
					tt.events(w)
				}
			}))
			defer server.Close()
			cfg := Config{Places: []string{"logs://flows"}, AWS: awsconfig.Options{Endpoint: server.URL, Region: region}}
			wrong(t, failure(t, cfg), tt.want, strings.ReplaceAll(tt.hint, "URL", server.URL+"/"))
		})
	}
}

// TestConnectionsThatAlwaysBreak has parts asked for that never come.
func TestConnectionsThatAlwaysBreak(t *testing.T) {
	st := serve(t)
	st.put(t, "big", "0123456789")
	asked := 0
	st.spoil = func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Has("list-type") {
			return false
		}
		asked++
		w.Header().Set("Content-Length", "10")
		io.WriteString(w, "01234")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	_, _, err := entries(t, st.config("s3://flow-logs/big"))[0].OpenAt(t.Context())
	wrong(t, err, "read 10 bytes at 0, 5 times: unexpected EOF", "")
	if asked != tries {
		t.Errorf("asked %d times, want %d", asked, tries)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestDownloadsThatAlwaysBreak has a download that begins, and of which nothing more comes.
func TestDownloadsThatAlwaysBreak(t *testing.T) {
	conf, err := awsconfig.Load(t.Context(), awsconfig.Options{Region: region})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		c := &client{cfg: conf, regions: map[string]string{}, http: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			asked++
			body := io.Reader(strings.NewReader("01234"))
			status, left := http.StatusOK, int64(10)
			if asked > 1 {
				body, status, left = strings.NewReader(""), http.StatusPartialContent, 5
			}
			return &http.Response{StatusCode: status, ContentLength: left, Header: http.Header{}, Request: r,
				Body: io.NopCloser(io.MultiReader(body, iotest.ErrReader(io.ErrUnexpectedEOF)))}, nil
		})}}
		in, err := (&remote{c: c, bucket: "logs", key: "x"}).open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		b, err := io.ReadAll(in)
		wrong(t, err, "after 5 of 10 bytes, 6 times: unexpected EOF", "")
		if string(b) != "01234" || asked != 1+tries || time.Since(begun) != (0+1+2+3+4)*time.Second {
			t.Errorf("read %q in %v by %d requests", b, time.Since(begun), asked)
		}
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("the cause is lost: %v", err)
		}
	})
}
