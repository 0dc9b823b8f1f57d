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

// A Recorder makes the records of one flow log. It holds a record of its own to
// fill, so it serves one goroutine.
type Recorder struct {
	Traffic Traffic

	rec record.Record
}

// Each calls fn with each record of a window, in the order of its flows; the
// record is valid until fn returns. It stops at the first error of fn and
// returns it.
//
// A window that ends a quiet interval is one NODATA record. SKIPDATA follows
// the flows of a window in which something was skipped. An interface that had
// traffic, but none of the recorded type, has no record: it was not quiet.
func (r *Recorder) Each(w *flow.Window, i *vpc.Interface, fn func(*record.Record) error) error {
	for n := range w.Flows {
		f := &w.Flows[n]
		if !r.Traffic.wants(f.Verdict) {
			continue
		}
		r.rec.Reset()
		setInterface(&r.rec, i)
		setFlow(&r.rec, f)
		if err := fn(&r.rec); err != nil {
			return err
		}
	}
	if w.SkippedAll().Packets > 0 {
		if err := r.bare(w, i, "SKIPDATA", fn); err != nil {
			return err
		}
	}
	if w.Quiet {
		return r.bare(w, i, "NODATA", fn)
	}
	return nil
}

// bare makes the record of a window as such: everything that is said of a flow
// is absent.
func (r *Recorder) bare(w *flow.Window, i *vpc.Interface, status string, fn func(*record.Record) error) error {
	r.rec.Reset()
	setInterface(&r.rec, i)
	r.rec.SetInt(record.Start, w.Start.Unix())
	r.rec.SetInt(record.End, w.End.Unix())
	r.rec.SetText(record.LogStatus, status)
	return fn(&r.rec)
}

func setInterface(r *record.Record, i *vpc.Interface) {
	for _, f := range [...]struct {
		field record.Field
		value string
	}{
		{record.AccountID, i.AccountID},
		{record.InterfaceID, i.ID},
		{record.VPCID, i.VPCID},
		{record.SubnetID, i.SubnetID},
		{record.InstanceID, i.InstanceID},
		{record.Region, i.Region},
		{record.AZID, i.AZID},
	} {
		if f.value != "" {
			r.SetText(f.field, f.value)
		}
	}
}

func setFlow(r *record.Record, f *flow.Flow) {
	src, dst := f.SrcAddr(), f.DstAddr()
	r.SetAddr(record.SrcAddr, src)
	r.SetAddr(record.DstAddr, dst)
	r.SetAddr(record.PktSrcAddr, src)
	r.SetAddr(record.PktDstAddr, dst)
	r.SetInt(record.SrcPort, int64(f.SrcPort))
	r.SetInt(record.DstPort, int64(f.DstPort))
	r.SetInt(record.Protocol, int64(f.Protocol))
	r.SetInt(record.Packets, int64(f.Packets))
	r.SetInt(record.Bytes, int64(f.Bytes))
	r.SetInt(record.Start, f.First)
	r.SetInt(record.End, f.Last)
	r.SetInt(record.TCPFlags, int64(f.Flags))
	r.SetText(record.Action, f.Verdict.String())
	r.SetText(record.LogStatus, "OK")
	r.SetText(record.FlowDirection, f.Direction.String())
	if f.Version == 4 {
		r.SetText(record.Type, "IPv4")
	} else {
		r.SetText(record.Type, "IPv6")
	}
}
