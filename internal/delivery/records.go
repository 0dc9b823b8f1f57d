package delivery

import (
	"encoding/json"
	"fmt"

	"weir/internal/flowlog"
	"weir/internal/journal"
	"weir/internal/recorder"
	"weir/internal/vpc"
	"weir/record"
)

// records are those of one flow log, made of messages of the journal.
type records struct {
	log      *flowlog.FlowLog
	write    func(r *record.Record, on flowlog.Resources) error
	recorder *recorder.Recorder
	stamps   map[string]*vpc.Stamp // by their JSON, which repeats from window to window
}

func newRecords(f *flowlog.FlowLog, ranges *vpc.Ranges, write func(*record.Record, flowlog.Resources) error) (*records, error) {
	format, err := f.RecordFormat()
	if err != nil {
		return nil, err
	}
	traffic, err := recorder.ParseTraffic(f.TrafficType)
	if err != nil {
		return nil, err
	}
	cfg := recorder.Config{Format: format, Traffic: traffic, Ranges: ranges}
	for n := range 2 {
		cfg.InterfaceTags[n] = f.TagKey("network-interface", n)
		cfg.InstanceTags[n] = f.TagKey("instance", n)
	}
	return &records{log: f, write: write, recorder: recorder.New(cfg), stamps: make(map[string]*vpc.Stamp)}, nil
}

// add records those windows of a message that the flow log covers.
func (rs *records) add(m *journal.Message) error {
	for i := range m.Entries {
		e := &m.Entries[i]
		stamp, err := rs.stamp(e.Meta)
		if err != nil {
			return fmt.Errorf("message %d: %w", m.Seq, err)
		}
		on := flowlog.Resources{VPC: stamp.VPC, Subnet: stamp.Subnet, Interface: stamp.ID}
		start := e.Window.Start
		if e.Window.Quiet && start.Before(rs.log.Created) && e.Window.End.After(rs.log.Created) {
			start = rs.log.Created // it was quiet from then on as well
		}
		if !rs.log.Covers(on) || !rs.log.Wants(start) {
			continue
		}
		err = rs.recorder.Each(e.Window, stamp, func(r *record.Record) error { return rs.write(r, on) })
		if err != nil {
			return fmt.Errorf("message %d: %w", m.Seq, err)
		}
	}
	return nil
}

func (rs *records) stamp(meta []byte) (*vpc.Stamp, error) {
	if s := rs.stamps[string(meta)]; s != nil {
		return s, nil
	}
	s := new(vpc.Stamp)
	if err := json.Unmarshal(meta, s); err != nil {
		return nil, fmt.Errorf("what is known of the interface: %w", err)
	}
	rs.stamps[string(meta)] = s
	return s, nil
}
