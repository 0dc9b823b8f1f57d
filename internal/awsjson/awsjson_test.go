package awsjson

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"weir/internal/awsconfig"
)

func TestParseError(t *testing.T) {
	for _, tt := range []struct {
		name       string
		status     int
		kind, body string
		want       Error
	}{
		{"the code of the body", 400, "", `{"__type":"ThrottlingException","message":"Rate exceeded"}`, Error{400, "ThrottlingException", "Rate exceeded"}},
		{"a schema before the code", 400, "", `{"__type":"com.amazonaws.logs#ResourceNotFoundException","Message":"no"}`, Error{400, "ResourceNotFoundException", "no"}},
		{"the header comes first", 403, "AccessDeniedException:http://internal.amazon.com/", `{"message":"no"}`, Error{403, "AccessDeniedException", "no"}},
		{"code instead of __type", 400, "", `{"code":"AccessDeniedException","message":"no"}`, Error{400, "AccessDeniedException", "no"}},
		{"no JSON", 502, "", `<html>`, Error{502, "Bad Gateway", ""}},
		{"JSON of something else", 404, "", `{"message":"page not found"}`, Error{404, "Not Found", ""}},
		{"an unknown status", 799, "", ``, Error{799, "status 799", ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := ParseError(tt.status, tt.kind, []byte(tt.body)); *got != tt.want {
				t.Errorf("got %+v, want %+v", *got, tt.want)
			}
		})
	}
}

// FuzzParseError checks that every answer has a code.
func FuzzParseError(f *testing.F) {
	f.Add(400, "", []byte(`{"__type":"a#b:c","message":"m"}`))
	f.Add(503, "x#", []byte(`[]`))
	f.Fuzz(func(t *testing.T, status int, kind string, body []byte) {
		if e := ParseError(status, kind, body); e.Code == "" || e.Error() == "" {
			t.Errorf("%d %q %q has no code", status, kind, body)
		}
	})
}

func TestCall(t *testing.T) {
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	var got *http.Request
	var body string
	tries := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		got, body = r, string(raw)
		switch tries++; {
		case strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".Move"):
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		case tries == 1:
			w.WriteHeader(http.StatusInternalServerError)
		default:
			io.WriteString(w, `{"answer":"yes"}`)
		}
	}))
	defer server.Close()
	conf, err := awsconfig.Load(t.Context(), awsconfig.Options{Endpoint: server.URL, Region: "eu-test-1", AccessKey: "AKIA", SecretKey: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(t.Context(), Config{AWS: conf, Service: "logs", ID: "CloudWatch Logs", Target: "Logs_20140328."})
	if err != nil {
		t.Fatal(err)
	}
	var out struct{ Answer string }
	if err := c.Call(t.Context(), "Ask", map[string]string{"a": "b"}, &out); err != nil || out.Answer != "yes" || tries != 2 {
		t.Errorf("answer %q, %v, after %d tries", out.Answer, err, tries)
	}
	if auth := got.Header.Get("Authorization"); got.Header.Get("X-Amz-Target") != "Logs_20140328.Ask" || body != `{"a":"b"}` ||
		got.Header.Get("Content-Type") != ContentType || !strings.Contains(auth, "AKIA/") || !strings.Contains(auth, "/eu-test-1/logs/aws4_request") {
		t.Errorf("the request is %v %s", got.Header, body)
	}
	before := tries
	if err := c.Call(t.Context(), "Ask", make(chan int), nil); err == nil || err.Error() != "Ask: json: unsupported type: chan int" || tries != before {
		t.Errorf("what is no JSON: %v, after %d tries", err, tries-before)
	}
	var e *Error
	if err := c.Call(t.Context(), "Move", nil, nil); !errors.As(err, &e) || e.Status != http.StatusTemporaryRedirect {
		t.Errorf("a redirect is %v, want an error", err)
	}
}
