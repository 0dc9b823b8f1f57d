package finding

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// shared returns the directory of material that lies beside the module, or beside a
// folder that it is in.
func shared(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	for err == nil {
		path := filepath.Join(dir, "shared", "data", "oracle")
		if _, err := os.Stat(path); err == nil {
			return path
		}
		if up := filepath.Dir(dir); up != dir {
			dir = up
			continue
		}
		break
	}
	t.Skip("NOT RUN: the shared material is not beside the module: no data/oracle")
	return ""
}

// An oracle is what TShark says of a capture: its flows in one direction.
type oracle struct {
	Flows []struct {
		SrcAddr  string  `json:"srcaddr"`
		DstAddr  string  `json:"dstaddr"`
		SrcPort  int     `json:"srcport"`
		DstPort  int     `json:"dstport"`
		Protocol int     `json:"protocol"`
		Packets  int     `json:"packets"`
		Bytes    int     `json:"bytes"`
		Flags    int     `json:"tcp_flags"`
		First    float64 `json:"first"`
		Last     float64 `json:"last"`
	} `json:"flows"`
}

// records makes records of windows of 60 seconds. TShark does not tell how the packets
// of a flow are spread over its windows: here they are spread evenly. A capture that
// was put together of several, years apart, begins anew at each.
func (o *oracle) records(flags bool) *traffic {
	g := newTraffic(1)
	g.flags = flags
	type way struct {
		first float64
		syn   bool
	}
	ways := map[string]way{}
	for _, f := range o.Flows {
		ways[fmt.Sprint(f.SrcAddr, f.SrcPort, f.DstAddr, f.DstPort, f.Protocol)] = way{f.First, f.Flags&2 != 0}
	}
	for _, f := range o.Flows {
		bits := f.Flags & 7 // as in a record: SYN, FIN, RST
		back, ok := ways[fmt.Sprint(f.DstAddr, f.DstPort, f.SrcAddr, f.SrcPort, f.Protocol)]
		if f.Flags&18 == 18 && (ok && (!back.syn || back.first < f.First) || !ok && f.Packets == 1) {
			bits |= 16 // it answers
		}
		from, to := int64(f.First)/60, int64(f.Last)/60
		n := min(int(to-from)+1, f.Packets)
		for i := range n {
			start, end := max(int64(f.First), (from+int64(i))*60), min(int64(f.Last), (from+int64(i))*60+59)
			packets := f.Packets*(i+1)/n - f.Packets*i/n
			line := fmt.Sprintf("2 123456789012 eni-0a1b2c3d4e5f60718 %s %s %d %d %d %d %d %d %d ACCEPT OK", f.SrcAddr, f.DstAddr, f.SrcPort, f.DstPort,
				f.Protocol, packets, f.Bytes*packets/f.Packets, start, max(start, end))
			if flags {
				line += fmt.Sprintf(" %d", bits)
			}
			g.lines = append(g.lines, line)
		}
	}
	return g
}

// labels are the captures in which there is something, by what TShark says of their
// packets. None of them has a scan or a flood.
var labels = map[string][]Kind{
	// Segments of requests to one port, and nothing that came back.
	"ndpi/WebattackRCE.pcap": {OneWay},
	// Behind an address translation: the two directions have different addresses.
	"ndpi/http_asymmetric.pcapng": {OneWay},
	// Fragments of segments to random ports.
	"ndpi/ip_fragmented_garbage.pcap": {OneWay},
	// One side says nothing after a third of the time.
	"ndpi/reasm_crash_anon.pcapng": {Stopped},
	// Only one side was captured.
	"suricata/bug-2491-02__simple_http_download.onesided.nosyn.pcap": {OneWay},
	"zeek/ssh/ssh.client-side-half-duplex.pcap":                      {OneWay},
	// A segment each hour, to a port that is another each time.
	"zeek/rotation.pcap": {OneWay},
}

// unseen are those of labels that are seen only with, or only without flags.
var unseen = map[string]bool{"zeek/rotation.pcap true": true}

// mostFalse is how many findings the other captures may have, all together.
// docs/findings.md has the number that was found.
const mostFalse = 0

func TestCaptures(t *testing.T) {
	dir := shared(t)
	captures, wrong := 0, 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".json") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var o oracle
		if err := json.Unmarshal(text, &o); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if len(o.Flows) == 0 {
			return nil
		}
		captures++
		name := strings.TrimSuffix(strings.TrimPrefix(path, dir+"/"), ".json")
		for _, flags := range [...]bool{false, true} {
			got := kindsOf(o.records(flags).found(t, Options{}))
			want := labels[name]
			if unseen[fmt.Sprint(name, " ", flags)] {
				want = nil
			}
			for _, k := range want {
				if got[k] == 0 {
					t.Errorf("%s, flags %v: %s is not found", name, flags, k)
				}
				delete(got, k)
			}
			for k, n := range got {
				t.Logf("%s, flags %v: false alarm: %s", name, flags, k)
				wrong += n
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if captures < 280 {
		t.Fatalf("%d captures with flows, there should be 288", captures)
	}
	if wrong > mostFalse {
		t.Errorf("%d false alarms in %d captures, at most %d may be", wrong, captures, mostFalse)
	}
}
