package delivery

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/internal/flowlog"
	"weir/internal/journal"
	"weir/recordfile"
)

func TestWhatIsDelivered(t *testing.T) {
	ports := func(p ...uint16) []uint16 { return p }
	at := func(s int) time.Time { return epoch.Add(time.Duration(s) * time.Second) }
	for _, tt := range []struct {
		name    string
		change  func(*flowlog.FlowLog)
		windows []win
		want    []string
	}{
		{"the last second of a window decides the five minutes", nil,
			[]win{{start: 240, end: 300, ports: ports(1)}, {start: 300, end: 301, ports: ports(2)}, {start: 290, end: 310, ports: ports(3)}},
			[]string{"08:00 eni-1 1 ACCEPT OK", "08:05 eni-1 2 ACCEPT OK", "08:05 eni-1 3 ACCEPT OK"}},
		{"interfaces share a file", nil,
			[]win{{end: 60, ports: ports(1)}, {iface: "eni-2", end: 60, ports: ports(1)}},
			[]string{"08:00 eni-1 1 ACCEPT OK", "08:00 eni-2 1 ACCEPT OK"}},
		{"ALL has both verdicts", nil,
			[]win{{end: 60, ports: ports(1)}, {end: 60, ports: ports(2), rejected: true}},
			[]string{"08:00 eni-1 1 ACCEPT OK", "08:00 eni-1 2 REJECT OK"}},
		{"ACCEPT has accepted packets", func(f *flowlog.FlowLog) { f.TrafficType = "ACCEPT" },
			[]win{{end: 60, ports: ports(1)}, {end: 60, ports: ports(2), rejected: true}},
			[]string{"08:00 eni-1 1 ACCEPT OK"}},
		{"REJECT has refused packets", func(f *flowlog.FlowLog) { f.TrafficType = "REJECT" },
			[]win{{end: 60, ports: ports(1)}, {end: 60, ports: ports(2), rejected: true}},
			[]string{"08:00 eni-1 2 REJECT OK"}},
		{"a quiet interval is NODATA", nil, []win{{end: 60, quiet: true}}, []string{"08:00 eni-1 - - NODATA"}},
		{"what was skipped is SKIPDATA after the flows", nil, []win{{end: 60, ports: ports(1), skipped: 5}},
			[]string{"08:00 eni-1 - - SKIPDATA", "08:00 eni-1 1 ACCEPT OK"}},
		{"Parquet", func(f *flowlog.FlowLog) { f.Parquet = true },
			[]win{{end: 60, ports: ports(1), skipped: 5}, {iface: "eni-2", end: 60, quiet: true}},
			[]string{"08:00 eni-1 - - SKIPDATA", "08:00 eni-1 1 ACCEPT OK", "08:00 eni-2 - - NODATA"}},
		{"an interface's flow log has its windows only",
			func(f *flowlog.FlowLog) { f.ResourceType, f.ResourceID = flowlog.NetworkInterface, "eni-2" },
			[]win{{end: 60, ports: ports(1)}, {iface: "eni-2", end: 60, ports: ports(2)}}, []string{"08:00 eni-2 2 ACCEPT OK"}},
		{"a subnet's flow log has its windows only",
			func(f *flowlog.FlowLog) { f.ResourceType, f.ResourceID = flowlog.Subnet, "subnet-eni-2" },
			[]win{{end: 60, ports: ports(1)}, {iface: "eni-2", end: 60, ports: ports(2)}}, []string{"08:00 eni-2 2 ACCEPT OK"}},
		{"another VPC's has none", func(f *flowlog.FlowLog) { f.ResourceID = "vpc-2" }, []win{{end: 60, ports: ports(1)}}, nil},
		{"what was captured before it was made is not wanted", func(f *flowlog.FlowLog) { f.Created = at(60) },
			[]win{{end: 61, ports: ports(1)}, {start: 60, end: 120, ports: ports(2)}}, []string{"08:00 eni-1 2 ACCEPT OK"}},
		{"an interface that was quiet as it was made is told of", func(f *flowlog.FlowLog) { f.Created = at(60) },
			[]win{{end: 60, quiet: true}, {end: 120, quiet: true}}, []string{"08:00 eni-1 - - NODATA"}},
		{"what began after it was deleted is not wanted", func(f *flowlog.FlowLog) { f.Deleted = at(60) },
			[]win{{start: 59, end: 61, ports: ports(1)}, {start: 60, end: 120, ports: ports(2)}}, []string{"08:00 eni-1 1 ACCEPT OK"}},
		{"a format without end is filed by it all the same",
			func(f *flowlog.FlowLog) { f.Format = "${interface-id} ${srcport} ${action} ${log-status}" },
			[]win{{start: 300, end: 360, ports: ports(1)}}, []string{"08:05 eni-1 1 ACCEPT OK"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBed(t)
			b.log("fl-1", tt.change)
			b.append(tt.windows...)
			b.publish("fl-1")
			if diff := cmp.Diff(tt.want, b.lines("fl-1", true)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestKeys(t *testing.T) {
	b := newBed(t)
	const name = `123456789012_vpcflowlogs_eu-test-1_fl-\d_20260115T0805Z_[0-9a-f]{8}`
	want := map[string]string{
		"fl-1": `AWSLogs/123456789012/vpcflowlogs/eu-test-1/2026/01/15/` + name + `.log.gz`,
		"fl-2": `a/b/AWSLogs/123456789012/vpcflowlogs/eu-test-1/2026/01/15/08/` + name + `.log.gz`,
		"fl-3": `AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=eu-test-1/year=2026/month=01/day=15/` + name + `.log.parquet`,
		"fl-4": `AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=eu-test-1/year=2026/month=01/day=15/hour=08/` + name + `.log.gz`,
	}
	b.log("fl-1", nil)
	b.log("fl-2", func(f *flowlog.FlowLog) { f.PerHour, f.Destination = true, "arn:aws:s3:::fl-2/a/b/" })
	b.log("fl-3", func(f *flowlog.FlowLog) { f.Hive, f.Parquet = true, true })
	b.log("fl-4", func(f *flowlog.FlowLog) { f.Hive, f.PerHour = true, true })
	b.append(win{start: 300, end: 360, ports: []uint16{1}})
	for id := range want {
		b.publish(id)
	}
	keys := b.store.keys()
	if len(keys) != len(want) {
		t.Errorf("%d objects, want %d", len(keys), len(want))
	}
	for id, pattern := range want {
		if !slices.ContainsFunc(keys, regexp.MustCompile("^"+path.Join(id, pattern)+"$").MatchString) {
			t.Errorf("no object of %s is named %s; there are %q", id, pattern, keys)
		}
	}
}

// TestFilesAreSplit closes files after some records, as if they were 75 MB.
func TestFilesAreSplit(t *testing.T) {
	for _, parquet := range []bool{false, true} {
		for _, n := range []int{9, 10, 11, 25, 30} {
			b := newBed(t)
			f := b.log("fl-1", func(f *flowlog.FlowLog) { f.Parquet = parquet })
			var want []string
			var w win
			for p := range n {
				w.ports = append(w.ports, uint16(1000+p))
				want = append(want, fmt.Sprintf("eni-1 %d ACCEPT OK", 1000+p))
			}
			w.end = 60
			e := w.entry(1)
			make := func() []object {
				fs, err := newFiles(nil, &f, 1, 1)
				b.must(err)
				fs.full = func(s recordfile.Size) bool { return s.Records == 10 }
				rs, err := newRecords(&f, nil, fs.Write)
				b.must(err)
				b.must(rs.add(&journal.Message{Seq: 1, Entries: []journal.Entry{e}}))
				_, err = fs.Close()
				b.must(err)
				return fs.done
			}
			objects, again := make(), make()
			if wantFiles := (n + 9) / 10; len(objects) != wantFiles {
				t.Errorf("%d records are in %d files, want %d", n, len(objects), wantFiles)
			}
			for i, o := range objects {
				if again[i].key != o.key || string(again[i].body) != string(o.body) {
					t.Errorf("object %s is another when it is made again", o.key)
				}
				b.must(b.store.Put(t.Context(), "fl-1", o.key, o.body, ""))
			}
			if diff := cmp.Diff(want, b.lines("fl-1", false)); diff != "" {
				t.Errorf("%d records (-want +got):\n%s", n, diff)
			}
		}
	}
}

func TestNextMark(t *testing.T) {
	at := func(d time.Duration) time.Time { return epoch.Add(d) }
	for _, tt := range []struct {
		flush, settle time.Duration
		now, want     time.Duration
	}{
		{0, 0, 0, 2 * time.Second},
		{0, 0, 2*time.Second - 1, 2 * time.Second},
		{0, 0, 2 * time.Second, 302 * time.Second},
		{0, 0, 301 * time.Second, 302 * time.Second},
		{0, 10 * time.Second, 299 * time.Second, 310 * time.Second},
		{10 * time.Second, 0, 3 * time.Second, 12 * time.Second},
		{time.Second, 0, 0, 250 * time.Millisecond},
	} {
		b := newBedService(t, Config{Flush: tt.flush, Settle: tt.settle})
		if got := b.nextMark(at(tt.now)); !got.Equal(at(tt.want)) {
			t.Errorf("flush %v, settle %v: after %v comes %v, want %v", tt.flush, tt.settle, tt.now, got.Sub(epoch), tt.want)
		}
	}
}

// newBedService returns a service whose parts are not used.
func newBedService(t *testing.T, cfg Config) *Service {
	t.Helper()
	cfg.Journal, cfg.Logs, cfg.Positions, cfg.Sinks, cfg.Owner = new(journal.Journal), new(flowlog.Store), new(journal.KV), inBuckets(&memory{}), "here"
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
