package awsapi

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"weir/internal/cloudwatch"
)

// logsOf is a service that says what it was asked; Put changes something.
type logsOf struct {
	asked atomic.Int32
	began chan struct{} // a tail sends to it
	tails chan struct{} // a tail ends when it is closed
}

func (s *logsOf) Changes(action string) bool { return action == "Put" || action == "Fail" }

func (s *logsOf) Do(_ context.Context, action string, body []byte) ([]byte, error) {
	n := s.asked.Add(1)
	switch action {
	case "Fail":
		return nil, errors.New("of ours")
	case "Panic":
		panic("of ours")
	case "Refuse":
		return nil, cloudwatch.NoSuchGroup
	case "Nothing":
		return nil, nil
	}
	return []byte(strings.Repeat("i", int(n)) + " " + action + " " + string(body)), nil
}

func (s *logsOf) Tail(w http.ResponseWriter, _ *http.Request, id string, body []byte) error {
	if string(body) != "{}" {
		return cloudwatch.TooManyTails
	}
	io.WriteString(w, "tail "+id)
	s.began <- struct{}{}
	<-s.tails
	return nil
}

func newLogsBed(t *testing.T) (*bed, *logsOf) {
	s := &logsOf{began: make(chan struct{}), tails: make(chan struct{})}
	return newBed(t, func(c *Config) { c.CloudWatch = s }), s
}

// logsRequest returns a signed request.
func (b *bed) logsRequest(service, action, body string, headers ...string) *http.Request {
	b.t.Helper()
	b.now = b.now.Add(time.Second)
	r := httptest.NewRequest(http.MethodPost, "http://weir.test/", strings.NewReader(body))
	r.Header.Set("Content-Type", cloudwatch.ContentType)
	r.Header.Set("X-Amz-Target", cloudwatch.Target+action)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	b.sign(r, service, body)
	return r
}

func gzipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, text)
	z.Close()
	return b.String()
}

func TestLogsRequests(t *testing.T) {
	b, _ := newLogsBed(t)
	changed := func(change func(*http.Request)) *http.Request {
		r := b.logsRequest("logs", "Get", "{}")
		change(r)
		return r
	}
	for _, tt := range []struct {
		rule   string
		r      *http.Request
		status int
		want   string // the body, or the error's code
	}{
		{"a signed request is handed over", b.logsRequest("logs", "Get", "{}"), 200, "i Get {}"},
		{"so is one that is compressed", b.logsRequest("logs", "Get", gzipped(`{"a":1}`), "Content-Encoding", "gzip"), 200, `ii Get {"a":1}`},
		{"an answer may be empty", b.logsRequest("logs", "Nothing", "{}"), 200, ""},
		{"its errors are answered", b.logsRequest("logs", "Refuse", "{}"), 400, "ResourceNotFoundException"},
		{"what fails is ours", b.logsRequest("logs", "Fail", "{}"), 500, "InternalFailure"},
		{"so is what panics", b.logsRequest("logs", "Panic", "{}"), 500, "InternalFailure"},
		{"a tail that is refused", b.logsRequest("logs", "StartLiveTail", "x"), 400, "LimitExceededException"},
		{"a body that is not what it says", b.logsRequest("logs", "Get", "{}", "Content-Encoding", "gzip"), 400, "SerializationException"},
		{"a body of a form that nobody knows", b.logsRequest("logs", "Get", "{}", "Content-Encoding", "br"), 400, "SerializationException"},
		{"a body that is too large", b.logsRequest("logs", "Get", strings.Repeat(" ", maxLogsBody+1)), 413, "RequestEntityTooLargeException"},
		{"a body that is too large once it is unpacked", b.logsRequest("logs", "Get", gzipped(strings.Repeat(" ", maxLogsBody+1)), "Content-Encoding", "gzip"), 413, "RequestEntityTooLargeException"},
		{"no signature", changed(func(r *http.Request) { r.Header.Del("Authorization") }), 400, "MissingAuthenticationTokenException"},
		{"a signature that can't be read", changed(func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=a/b/logs/c") }), 400, "IncompleteSignatureException"},
		{"a signature of something else", changed(func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("[]")) }), 400, "InvalidSignatureException"},
		{"a body that is not signed", func() *http.Request {
			r := httptest.NewRequest(http.MethodPost, "http://weir.test/", strings.NewReader("{}"))
			r.Header.Set("X-Amz-Target", cloudwatch.Target+"Get")
			r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
			b.sign(r, "logs", "{}")
			return r
		}(), 400, "InvalidSignatureException"},
		{"a key that nobody has", changed(func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), testKey.ID, "AKIAIOSFODNN7EXAMPLF", 1))
		}), 400, "UnrecognizedClientException"},
		{"a signature for another service", b.logsRequest("ec3", "Get", "{}"), 400, "InvalidSignatureException"},
		{"another method", func() *http.Request {
			r := httptest.NewRequest(http.MethodPut, "http://weir.test/", nil)
			r.Header.Set("X-Amz-Target", cloudwatch.Target+"Get")
			b.sign(r, "logs", "")
			return r
		}(), 400, "UnknownOperationException"},
		{"no target", func() *http.Request {
			r := httptest.NewRequest(http.MethodPost, "http://weir.test/", nil)
			b.sign(r, "logs", "")
			return r
		}(), 400, "UnknownOperationException"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			w := httptest.NewRecorder()
			b.api.ServeHTTP(w, tt.r)
			body, h := w.Body.String(), w.Header()
			if w.Code != tt.status || h.Get("Content-Type") != cloudwatch.ContentType || h.Get("X-Amzn-Requestid") == "" {
				t.Errorf("%d %v %s, want %d", w.Code, h, body, tt.status)
			}
			if tt.status == 200 && body != tt.want {
				t.Errorf("got  %s\nwant %s", body, tt.want)
			}
			if tt.status != 200 && (h.Get("X-Amzn-Errortype") != tt.want || !strings.HasPrefix(body, `{"__type":"`+tt.want+`"`)) {
				t.Errorf("got  %s %s\nwant %s", h.Get("X-Amzn-Errortype"), body, tt.want)
			}
		})
	}
	old := b.logsRequest("logs", "Get", "{}")
	b.now = b.now.Add(16 * time.Minute)
	if status, body := b.serve(old); status != 400 || !strings.Contains(body, "InvalidSignatureException") {
		t.Errorf("an old request: %d %s", status, body)
	}
}

// TestLogsReplay sends requests again that somebody has recorded.
func TestLogsReplay(t *testing.T) {
	b, s := newLogsBed(t)
	send := func(r *http.Request) string {
		c := r.Clone(t.Context())
		body, _ := io.ReadAll(r.Body)
		r.Body, c.Body = io.NopCloser(bytes.NewReader(body)), io.NopCloser(bytes.NewReader(body))
		_, out := b.serve(c)
		return out
	}
	put, get, fail := b.logsRequest("logs", "Put", "{}"), b.logsRequest("logs", "Get", "{}"), b.logsRequest("logs", "Fail", "{}")
	first := send(put)
	send(get)
	send(fail)
	b.now = b.now.Add(time.Minute)
	if again := send(put); again != first {
		t.Errorf("a change was answered %s, and then %s", first, again)
	}
	if send(get); s.asked.Load() != 4 {
		t.Errorf("%d requests, want 4: of those sent again only the question", s.asked.Load())
	}
	if again := send(fail); !strings.Contains(again, "ServiceUnavailableException") || s.asked.Load() != 4 {
		t.Errorf("a change of which nobody knows whether it was made: %s", again)
	}
}

// TestTailHoldsNoSlot has as many tails as there may be requests at once, and one more.
func TestTailHoldsNoSlot(t *testing.T) {
	b, s := newLogsBed(t)
	done := make(chan struct{})
	for range maxAtOnce + 1 {
		r := b.logsRequest("logs", "StartLiveTail", "{}")
		go func() {
			defer func() { done <- struct{}{} }()
			w := httptest.NewRecorder()
			b.api.ServeHTTP(w, r)
			if id := w.Header().Get("X-Amzn-Requestid"); id != "" || !strings.HasPrefix(w.Body.String(), "tail ") {
				t.Errorf("answered %v %s", w.Header(), w.Body)
			}
		}()
		select {
		case <-s.began:
		case <-done:
			t.Fatal("a tail was refused")
		}
	}
	if status, body := b.serve(b.logsRequest("logs", "Get", "{}")); status != http.StatusOK {
		t.Errorf("%d %s", status, body)
	}
	close(s.tails)
	for range maxAtOnce + 1 {
		<-done
	}
}

func TestNoLogs(t *testing.T) {
	b := newBed(t)
	if status, body := b.serve(b.logsRequest("logs", "Get", "{}")); status != 503 || !strings.Contains(body, "ServiceUnavailableException") {
		t.Errorf("%d %s", status, body)
	}
}
