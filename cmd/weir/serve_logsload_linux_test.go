package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"weir/internal/awsconfig"
	"weir/internal/awsjson"
	"weir/internal/cloudwatch"
)

// What TestLogsLoad puts into a group: as many events as streams, batches and their size
// make, of one hour.
const (
	logsStreams = 20
	logsBatches = 5
)

// TestLogsLoad puts a million events into weir serve as a client does, and gets them back
// in every way there is. It measures and takes minutes: make bench-logs.
func TestLogsLoad(t *testing.T) {
	if os.Getenv("WEIR_LOAD") == "" {
		t.Skip("SKIPPED: make bench-logs measures a million events")
	}
	b := newServeBed(t, "", "")
	cmd, exports := b.serve()
	for _, line := range exports {
		name, value, _ := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		t.Setenv(name, value)
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	conf, err := awsconfig.Load(t.Context(), awsconfig.Options{})
	b.must(err)
	c, err := awsjson.New(t.Context(), awsjson.Config{AWS: conf, Service: cloudwatch.Service, ID: "CloudWatch Logs", Target: cloudwatch.Target})
	b.must(err)
	call := func(action string, in, out any) {
		t.Helper()
		b.must(c.Call(t.Context(), action, in, out))
	}
	const group = "load"
	call("CreateLogGroup", cloudwatch.CreateLogGroup{LogGroupName: group}, nil)

	l := &logsLoad{loadBed: &loadBed{serveBed: b, cmd: cmd}}
	l.begin()
	random := rand.New(rand.NewPCG(1, 2))
	first := time.Now().Add(-time.Hour).Truncate(time.Minute)
	refused := 0
	for s := range logsStreams {
		stream := fmt.Sprintf("eni-%017x-all", s)
		call("CreateLogStream", cloudwatch.CreateLogStream{LogGroupName: group, LogStreamName: stream}, nil)
		for n := range logsBatches {
			events := make([]cloudwatch.Event, cloudwatch.MaxBatchEvents)
			begin := first.Add(time.Duration(n) * 10 * time.Minute)
			for i := range events {
				action := "ACCEPT"
				if random.IntN(10) == 0 {
					action = "REJECT"
					refused++
				}
				start := begin.Add(time.Duration(i) * 10 * time.Minute / cloudwatch.MaxBatchEvents)
				packets := 1 + random.IntN(200)
				events[i] = cloudwatch.Event{Timestamp: start.UnixMilli(), Message: fmt.Sprintf(
					"2 123456789012 eni-%017x 10.0.%d.%d 10.1.%d.%d %d %d 6 %d %d %d %d %s OK", s, random.IntN(4), random.IntN(250),
					random.IntN(16), random.IntN(250), 1024+random.IntN(60000), []int{22, 80, 443, 5432}[random.IntN(4)],
					packets, packets*(60+random.IntN(1200)), start.Unix(), start.Unix()+59, action)}
			}
			var out cloudwatch.PutLogEventsAnswer
			for size := 0; len(events) > 0; events = events[size:] { // 1 MiB is less than 10,000 of them
				size = min(len(events), cloudwatch.MaxBatchBytes/(cloudwatch.EventOverhead+130))
				call("PutLogEvents", cloudwatch.PutLogEvents{LogGroupName: group, LogStreamName: stream, LogEvents: events[:size]}, &out)
				if out.RejectedLogEventsInfo != nil {
					t.Fatalf("events were rejected: %+v", out.RejectedLogEventsInfo)
				}
			}
		}
	}
	const events = logsStreams * logsBatches * cloudwatch.MaxBatchEvents
	l.end("put", events)
	t.Logf("disk: %.1f bytes an event", float64(l.disk())/events)

	query := func(text string) (rows []string) {
		t.Helper()
		var id struct{ QueryID string }
		call("StartQuery", map[string]any{"logGroupName": group, "startTime": first.Unix(), "endTime": time.Now().Unix(), "queryString": text}, &id)
		var out struct {
			Status     string
			Results    [][]struct{ Field, Value string }
			Statistics struct{ RecordsScanned float64 }
		}
		for out.Status != "Complete" {
			time.Sleep(50 * time.Millisecond)
			out.Results = nil
			call("GetQueryResults", map[string]any{"queryId": id.QueryID}, &out)
			if out.Status == "Failed" || out.Status == "Timeout" {
				t.Fatalf("query %q: %s", text, out.Status)
			}
		}
		if out.Statistics.RecordsScanned != events {
			t.Errorf("query %q scanned %v events, want %v", text, out.Statistics.RecordsScanned, events)
		}
		for _, r := range out.Results {
			var row []string
			for _, f := range r {
				row = append(row, f.Value)
			}
			rows = append(rows, strings.Join(row, " "))
		}
		return rows
	}
	l.begin()
	if rows := query("stats sum(bytes) as total by srcAddr, dstAddr | sort total desc | limit 10"); len(rows) != 10 {
		t.Errorf("top talkers are %q", rows)
	}
	l.end("query: top talkers, each pair of a million", events)
	l.begin()
	if rows := query("stats sum(bytes) as total, count(*) as n by srcAddr | sort total desc | limit 10"); len(rows) != 10 {
		t.Errorf("top talkers are %q", rows)
	}
	l.end("query: top talkers, a thousand sources", events)
	l.begin()
	if rows := query(`filter action = "REJECT" | stats count(*) as n`); len(rows) != 1 || rows[0] != strconv.Itoa(refused) {
		t.Errorf("%q are refused, want %d", rows, refused)
	}
	l.end("query: count what is refused", events)

	pages := func(what, pattern string, want int) {
		t.Helper()
		l.begin()
		in := map[string]any{"logGroupName": group, "filterPattern": pattern}
		got := 0
		for {
			var out struct {
				Events    []struct{ Message string }
				NextToken string
			}
			call("FilterLogEvents", in, &out)
			got += len(out.Events)
			if in["nextToken"] = out.NextToken; out.NextToken == "" {
				break
			}
		}
		if got != want {
			t.Errorf("filter-log-events %q finds %d, want %d", pattern, got, want)
		}
		l.end(what, events)
	}
	pages("filter-log-events, refused", "[v, acct, eni, src, dst, sp, dp, proto, ..., action=REJECT, status]", refused)
	pages("filter-log-events, all", "", events)

	self, err := os.Executable()
	b.must(err)
	l.begin()
	var out bytes.Buffer
	top := &exec.Cmd{Path: self, Args: []string{"weir", "top", "logs://" + group, "--where", "reject", "--by", "action", "--csv"}, Env: os.Environ(), Stdout: &out, Stderr: &b.log}
	b.must(top.Run())
	if !strings.Contains(out.String(), "REJECT,"+strconv.Itoa(refused)+",") {
		t.Errorf("weir top finds %q, want %d refused", out.String(), refused)
	}
	l.end("weir top logs://, both processes", events)

	began := time.Now()
	b.terminate(cmd)
	b.serve()
	t.Logf("end and start with it: %.2f s", time.Since(began).Seconds())
	if _, err := http.Get(b.metrics + "/healthz"); err != nil {
		t.Error(err)
	}
}

// A logsLoad measures a process between begin and end.
type logsLoad struct {
	*loadBed
	began time.Time
}

func (l *logsLoad) begin() { l.began = time.Now(); l.spent() }

func (l *logsLoad) end(what string, events int) {
	l.tb.Helper()
	wall := time.Since(l.began).Seconds()
	l.tb.Logf("%s: %.0f events/s, %.2f s, %.2f s of the server's processor time, %s resident, %s at most",
		what, float64(events)/wall, wall, l.spent(), l.status("VmRSS"), l.status("VmHWM"))
}

// disk returns how many bytes the journal takes.
func (l *logsLoad) disk() (n int64) {
	l.tb.Helper()
	l.must(filepath.WalkDir(filepath.Join(l.data, "journal"), func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			n += info.Size()
		}
		return err
	}))
	return n
}
