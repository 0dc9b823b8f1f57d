package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"weir/internal/cloudwatch"
)

// A listener reads a live tail.
type listener struct {
	t    *testing.T
	body io.ReadCloser
}

func (b *bed) listen(t *testing.T, body string) (*listener, int) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in, _ := io.ReadAll(r.Body)
		if err := b.Tail(w, r, "id", in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	}))
	t.Cleanup(server.Close)
	res, err := http.Post(server.URL, cloudwatch.ContentType, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return &listener{t, res.Body}, res.StatusCode
}

// next returns the next message: its type and what it says.
func (l *listener) next() (name, payload string, err error) {
	msg, err := eventstream.NewDecoder().Decode(l.body, nil)
	if err != nil {
		return "", "", err
	}
	for _, header := range []string{":event-type", ":exception-type"} {
		if v := msg.Headers.Get(header); v != nil {
			name = v.String()
		}
	}
	return name, string(msg.Payload), nil
}

// want reads a message that must be of a type.
func (l *listener) want(name string) string {
	l.t.Helper()
	got, payload, err := l.next()
	if err != nil || got != name {
		l.t.Fatalf("got %s %s %v, want %s", got, payload, err, name)
	}
	return payload
}

// events reads updates until there were n events.
func (l *listener) events(n int) (messages []string, sampled bool) {
	l.t.Helper()
	for len(messages) < n {
		var u cloudwatch.LiveTailUpdate
		if err := json.Unmarshal([]byte(l.want("sessionUpdate")), &u); err != nil {
			l.t.Fatal(err)
		}
		for _, e := range u.SessionResults {
			messages = append(messages, e.LogGroupIdentifier+" "+e.LogStreamName+" "+e.Message)
		}
		sampled = sampled || u.SessionMetadata.Sampled
	}
	return messages, sampled
}

func TestLiveTail(t *testing.T) {
	b := newBed(t)
	b.fill(0)
	b.putMessages("before")
	l, _ := b.listen(t, `{"logGroupIdentifiers":["arn:aws:logs:eu-test-1:123456789012:log-group:g"],"logStreamNamePrefixes":["a","x"],"logEventFilterPattern":"-no"}`)
	l.want("initial-response")
	if start := l.want("sessionStart"); start != `{"requestId":"id","sessionId":"id","logGroupIdentifiers":["arn:aws:logs:eu-test-1:123456789012:log-group:g"],"logStreamNamePrefixes":["a","x"],"logEventFilterPattern":"-no"}` {
		t.Error(start)
	}
	l.want("sessionUpdate") // it follows now
	b.putMessages("one", "no", "two")
	ok[cloudwatch.PutLogEventsAnswer](b, "PutLogEvents", cloudwatch.PutLogEvents{LogGroupName: "g", LogStreamName: "b", LogEvents: []cloudwatch.Event{{Timestamp: noon.UnixMilli(), Message: "other"}}})
	b.putMessages("three")
	messages, sampled := l.events(3)
	if got := fmt.Sprint(messages, sampled); got != "[123456789012:g a one 123456789012:g a two 123456789012:g a three] false" {
		t.Error(got)
	}
	many := make([]string, tailEvents+1)
	for i := range many {
		many[i] = fmt.Sprint("m", i)
	}
	b.putMessages(many...)
	if messages, sampled = l.events(tailEvents); len(messages) != tailEvents || !sampled {
		t.Errorf("%d events, sampled: %v", len(messages), sampled)
	}
	ok[nothing](b, "DeleteLogGroup", cloudwatch.GroupName{LogGroupName: "g"})
	for {
		name, payload, err := l.next()
		if err != nil {
			t.Fatal(err)
		}
		if name == "SessionStreamingException" {
			if payload != `{"message":"The specified log group does not exist."}` {
				t.Error(payload)
			}
			break
		}
	}
	if _, _, err := l.next(); !errors.Is(err, io.EOF) {
		t.Errorf("after the end: %v", err)
	}
}

func TestLiveTailEnds(t *testing.T) {
	b := newBed(t)
	b.fill(0)
	var all []*listener
	for range maxTails {
		l, _ := b.listen(t, `{"logGroupIdentifiers":["g"]}`)
		l.want("initial-response")
		all = append(all, l)
	}
	if _, status := b.listen(t, `{"logGroupIdentifiers":["g"]}`); status != http.StatusBadRequest {
		t.Errorf("one more: %d", status)
	}
	b.Service.Close()
	for _, l := range all {
		if _, err := io.Copy(io.Discard, l.body); err != nil {
			t.Error(err)
		}
	}
	if _, status := b.listen(t, `{"logGroupIdentifiers":["g"]}`); status != http.StatusBadRequest {
		t.Errorf("after the end: %d", status)
	}
}

func TestLiveTailRefuses(t *testing.T) {
	b := newBed(t)
	b.fill(0)
	ok[nothing](b, "CreateLogGroup", cloudwatch.CreateLogGroup{LogGroupName: "h", LogGroupClass: "INFREQUENT_ACCESS"})
	for body, want := range map[string]string{
		`{}`:                            "InvalidParameterException: 1 validation error detected: Value null at 'logGroupIdentifiers' failed to satisfy constraint: Member must not be null",
		`{"logGroupIdentifiers":["x"]}`: "ResourceNotFoundException: The specified log group does not exist.",
		`{"logGroupIdentifiers":["h"]}`: "InvalidOperationException: The log group's class does not support this operation.",
		`{"logGroupIdentifiers":["g","h"],"logStreamNames":["a"]}`:                           "InvalidParameterException: logStreamNames and logStreamNamePrefixes need exactly one log group.",
		`{"logGroupIdentifiers":["g"],"logStreamNames":["a"],"logStreamNamePrefixes":["a"]}`: "InvalidParameterException: logStreamNames and logStreamNamePrefixes are mutually exclusive parameters.",
		`{"logGroupIdentifiers":["g"],"logEventFilterPattern":"["}`:                          "InvalidParameterException: Invalid filter pattern: column 2: the end is where the name of a field belongs: write letters, digits, _ and -",
	} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		if err := b.Tail(httptest.NewRecorder(), r, "id", []byte(body)); err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", body, err, want)
		}
	}
}
