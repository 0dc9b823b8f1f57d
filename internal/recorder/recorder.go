package recorder

import (
	"fmt"
	"strings"

	"weir/internal/flow"
	"weir/internal/vpc"
	"weir/record"
)

// Traffic is the traffic type of a flow log: which verdicts it records.
type Traffic uint8

const (
	All Traffic = iota
	Accepted
	Rejected
)

// Amazon's names, as CreateFlowLogs takes them.
var trafficNames = [...]string{All: "ALL", Accepted: "ACCEPT", Rejected: "REJECT"}

// String returns Amazon's name: ALL, ACCEPT or REJECT.
func (t Traffic) String() string { return trafficNames[t] }

// ParseTraffic reads Amazon's name, in upper or lower case.
func ParseTraffic(s string) (Traffic, error) {
	for t, name := range trafficNames {
		if strings.EqualFold(s, name) {
			return Traffic(t), nil
		}
	}
	return 0, fmt.Errorf("traffic type %q: want ALL, ACCEPT or REJECT", s)
}

func (t Traffic) wants(v flow.Verdict) bool {
	return t == All || (t == Accepted) == (v == flow.Accept)
}

// Config says which records a [Recorder] makes. The zero Config records all
// traffic in the default format.
type Config struct {
	Format  record.Format // fields that are not in it are not filled
	Traffic Traffic

	// Keys of the tags that interface-tag and interface-tag-2, instance-tag
	// and instance-tag-2 show; empty is none.
	InterfaceTags, InstanceTags [2]string

	// Ranges are Amazon's published addresses; nil leaves the service fields
	// absent.
	Ranges *vpc.Ranges
}

// A Recorder makes the records of one flow log. It holds a record of its own to
// fill, so it serves one goroutine.
type Recorder struct {
	cfg  Config
	fill fills
	rec  record.Record
}

// New returns a recorder.
func New(cfg Config) *Recorder {
	return &Recorder{cfg: cfg, fill: fillsOf(cfg)}
}

// Each calls fn with each record of a window, in the order of its flows; the
// record is valid until fn returns. It stops at the first error of fn and
// returns it.
//
// A window that ends a quiet interval is one NODATA record. SKIPDATA follows
// the flows of a window in which something was skipped. An interface that had
// traffic, but none of the recorded type, has no record: it was not quiet.
func (r *Recorder) Each(w *flow.Window, i *vpc.Stamp, fn func(*record.Record) error) error {
	for n := range w.Flows {
		f := &w.Flows[n]
		if !r.cfg.Traffic.wants(f.Verdict) {
			continue
		}
		r.rec.Reset()
		r.setInterface(i)
		r.setFlow(f, i)
		if err := fn(&r.rec); err != nil {
			return err
		}
	}
	if w.SkippedAll().Packets > 0 {
		if err := r.bare(w, i, record.SkipData, fn); err != nil {
			return err
		}
	}
	if w.Quiet {
		return r.bare(w, i, record.NoData, fn)
	}
	return nil
}

// bare makes the record of a window as such: everything that is said of a flow
// is absent.
func (r *Recorder) bare(w *flow.Window, i *vpc.Stamp, status record.Status, fn func(*record.Record) error) error {
	r.rec.Reset()
	r.setInterface(i)
	r.rec.SetInt(record.Start, w.Start.Unix())
	r.rec.SetInt(record.End, max(w.Start.Unix(), w.LastSecond()))
	r.rec.SetStatus(status)
	return fn(&r.rec)
}
