package place

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/internal/awsconfig"
)

// A logsServer is a CloudWatch Logs with one group: what reading takes of it, in pages
// of two. It answers the third request with an error that passes.
type logsServer struct {
	t       *testing.T
	group   string
	streams map[string][]int // times of events, in minutes after noon
	order   []string
	calls   []string
	asked   int
	message func(stream string, m int) string // of the event of a minute

	mu sync.Mutex
}

// wait waits until so many requests have been made.
func (s *logsServer) wait(n int) {
	for {
		s.mu.Lock()
		asked := s.asked
		s.mu.Unlock()
		if asked >= n {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// add adds events.
func (s *logsServer) add(stream string, minutes ...int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams[stream] = append(s.streams[stream], minutes...)
}

func (s *logsServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	action, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "Logs_20140328.")
	if auth := r.Header.Get("Authorization"); !ok || r.Header.Get("Content-Type") != "application/x-amz-json-1.1" || !strings.Contains(auth, "/eu-test-1/logs/aws4_request") {
		s.t.Errorf("the request is %v", r.Header)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked++; s.asked == 3 {
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, `{"__type":"ThrottlingException","message":"Rate exceeded"}`)
		return
	}
	var in struct {
		LogGroupName, LogStreamName, LogStreamNamePrefix, NextToken string
		LogStreamNames                                              []string
		StartTime, EndTime                                          int64
		StartFromHead                                               bool
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		s.t.Error(err)
	}
	s.calls = append(s.calls, action)
	if in.LogGroupName != s.group {
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, `{"__type":"com.amazonaws.logs#ResourceNotFoundException","message":"The specified log group does not exist."}`)
		return
	}
	at := 0
	fmt.Sscanf(in.NextToken, "t%d", &at)
	var all []any
	switch action {
	case "DescribeLogStreams":
		for _, name := range s.order {
			if times := s.streams[name]; strings.HasPrefix(name, in.LogStreamNamePrefix) {
				all = append(all, map[string]any{"logStreamName": name, "firstEventTimestamp": minute(times[0]), "lastEventTimestamp": minute(times[len(times)-1])})
			}
		}
	default:
		if action == "FilterLogEvents" && in.EndTime > 0 {
			in.EndTime++ // inclusive, unlike GetLogEvents'
		}
		for _, name := range s.order {
			for _, m := range s.streams[name] {
				if t := minute(m); (len(in.LogStreamNames) == 0 || slices.Contains(in.LogStreamNames, name)) && (in.LogStreamName == "" || in.LogStreamName == name) && (in.StartTime == 0 || t >= in.StartTime) && (in.EndTime == 0 || t < in.EndTime) {
					all = append(all, map[string]any{"timestamp": t, "message": s.message(name, m), "logStreamName": name, "eventId": fmt.Sprint(name, m)})
				}
			}
		}
	}
	end := min(at+2, len(all))
	out := map[string]any{"events": all[at:end], "logStreams": all[at:end]}
	switch {
	case action == "GetLogEvents":
		if !in.StartFromHead {
			s.t.Error("a stream is read from its end")
		}
		out["nextForwardToken"] = fmt.Sprintf("t%d", end)
	case end < len(all):
		out["nextToken"] = fmt.Sprintf("t%d", end)
	}
	json.NewEncoder(w).Encode(out)
}

func minute(m int) int64 { return noon.Add(time.Duration(m) * time.Minute).UnixMilli() }

func serveLogs(t *testing.T) (*logsServer, Config) {
	s := &logsServer{t: t, group: "vpc/flows", order: []string{"eni-1-all", "eni-2-all", "eni-3-all"},
		message: func(stream string, m int) string { return fmt.Sprintf("%s %d", stream, m) }, streams: map[string][]int{
			"eni-1-all": {0, 1, 20, 30, 40}, "eni-2-all": {0}, "eni-3-all": {-5000, -4999},
		}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, Config{AWS: awsconfig.Options{Endpoint: server.URL, Region: region}}
}

func TestLogGroups(t *testing.T) {
	for _, tt := range []struct {
		place        string
		since, until int
		want         string
	}{
		{"logs://vpc/flows", 0, 0, "logs://vpc/flows:eni-1-all=eni-1-all 0,eni-1-all 1,eni-1-all 20,eni-1-all 30,eni-1-all 40 " +
			"logs://vpc/flows:eni-2-all=eni-2-all 0 logs://vpc/flows:eni-3-all=eni-3-all -5000,eni-3-all -4999"},
		{"logs://vpc/flows", 30, 40, "logs://vpc/flows:eni-1-all=eni-1-all 20,eni-1-all 30 logs://vpc/flows:eni-2-all="},
		{"logs://vpc/flows/eni-2-all", 0, 0, "logs://vpc/flows:eni-2-all=eni-2-all 0"},
		{"logs://vpc/flows:eni-2-all", 0, 0, "logs://vpc/flows:eni-2-all=eni-2-all 0"},
	} {
		_, cfg := serveLogs(t)
		cfg.Places = []string{tt.place}
		if tt.since != 0 {
			cfg.Since, cfg.Until = time.UnixMilli(minute(tt.since)), time.UnixMilli(minute(tt.until))
		}
		var got []string
		for _, e := range entries(t, cfg) {
			got = append(got, e.Name+"="+strings.ReplaceAll(strings.TrimSuffix(read(t, e), "\n"), "\n", ","))
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.place, s, tt.want)
		}
	}
}

func TestGroupsOfManyStreamsAreReadWhole(t *testing.T) {
	s, cfg := serveLogs(t)
	cfg.Places = []string{"logs://vpc/flows"}
	for i := range each {
		name := fmt.Sprintf("eni-4%d-all", i)
		s.order = append(s.order, name)
		s.streams[name] = []int{i}
	}
	found := entries(t, cfg)
	if len(found) != 1 || found[0].Name != "logs://vpc/flows" {
		t.Fatalf("there are %d, the first %s", len(found), found[0].Name)
	}
	s.calls = nil
	if got := strings.Count(read(t, found[0]), "\n"); got != each+8 || s.calls[0] != "FilterLogEvents" {
		t.Errorf("%d lines by %s, want %d", got, s.calls[0], each+8)
	}
}

func TestLogGroupsThatAreNotThere(t *testing.T) {
	for _, tt := range []struct{ place, want, hint string }{
		{"logs://other", "logs://other: DescribeLogStreams: ResourceNotFoundException: The specified log group does not exist.", "is other in region eu-test-1?"},
		{"logs://vpc/flows/eni-9", "logs://vpc/flows: there is no stream eni-9", "there is eni-1-all, and 2 more"},
		{"logs://vpc/flows:eni-1", "logs://vpc/flows: there is no stream eni-1", "there is eni-1-all"},
	} {
		_, cfg := serveLogs(t)
		cfg.Places = []string{tt.place}
		l, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		for _, err = range l.Entries(t.Context()) {
		}
		if err == nil || err.Error() != tt.want || !strings.Contains(hintOf(err), tt.hint) {
			t.Errorf("%s: %v, hint %q", tt.place, err, hintOf(err))
		}
	}
}
