package delivery

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"weir/internal/flowlog"
	"weir/internal/journal"
	"weir/internal/recorder"
	"weir/internal/vpc"
	"weir/record"
	"weir/recordfile"
)

// An object is a file on its way.
type object struct {
	key     string
	body    []byte
	records int64
}

// files makes the objects of one batch of one flow log: a file for each five
// minutes that records end in, more if one gets too large. The same range of the
// journal makes the same objects, byte for byte.
type files struct {
	log     *flowlog.FlowLog
	batch   *batch
	folder  string
	options recordfile.Options
	format  record.Format
	full    func(recordfile.Size) bool // whether a file has to be closed

	recorder *recorder.Recorder
	stamps   map[string]*vpc.Stamp // by their JSON, which repeats from window to window
	open     map[int64]*file       // by the Unix second their five minutes begin at
	done     []object
}

type file struct {
	start  time.Time
	part   int
	buf    *bytes.Buffer
	writer recordfile.Writer
}

func newFiles(f *flowlog.FlowLog, b *batch, ranges *vpc.Ranges) (*files, error) {
	format, err := f.RecordFormat()
	if err != nil {
		return nil, err
	}
	traffic, err := recorder.ParseTraffic(f.TrafficType)
	if err != nil {
		return nil, err
	}
	_, folder, err := flowlog.BucketFolder(f.Destination)
	if err != nil {
		return nil, err
	}
	cfg := recorder.Config{Format: format, Traffic: traffic, Ranges: ranges}
	for n := range 2 {
		cfg.InterfaceTags[n] = f.TagKey("network-interface", n)
		cfg.InstanceTags[n] = f.TagKey("instance", n)
	}
	return &files{
		log: f, batch: b, folder: folder, format: format, full: recordfile.Size.Full,
		options:  recordfile.Options{Hive: f.Hive, PerHour: f.PerHour, Parquet: f.Parquet},
		recorder: recorder.New(cfg),
		stamps:   make(map[string]*vpc.Stamp),
		open:     make(map[int64]*file),
	}, nil
}

// add records those windows of a message that the flow log covers.
func (fs *files) add(m *journal.Message) error {
	for i := range m.Entries {
		e := &m.Entries[i]
		stamp, err := fs.stamp(e.Meta)
		if err != nil {
			return fmt.Errorf("message %d: %w", m.Seq, err)
		}
		r := flowlog.Resources{VPC: stamp.VPC, Subnet: stamp.Subnet, Interface: stamp.ID}
		start := e.Window.Start
		if e.Window.Quiet && start.Before(fs.log.Created) && e.Window.End.After(fs.log.Created) {
			start = fs.log.Created // it was quiet from then on as well
		}
		if !fs.log.Covers(r) || !fs.log.Wants(start) {
			continue
		}
		if err := fs.recorder.Each(e.Window, stamp, fs.write); err != nil {
			return fmt.Errorf("message %d: %w", m.Seq, err)
		}
	}
	return nil
}

func (fs *files) stamp(meta []byte) (*vpc.Stamp, error) {
	if s := fs.stamps[string(meta)]; s != nil {
		return s, nil
	}
	s := new(vpc.Stamp)
	if err := json.Unmarshal(meta, s); err != nil {
		return nil, fmt.Errorf("what is known of the interface: %w", err)
	}
	fs.stamps[string(meta)] = s
	return s, nil
}

func (fs *files) write(r *record.Record) error {
	end, _ := r.Int(record.End)
	start := end - end%int64(recordfile.Interval/time.Second)
	f := fs.open[start]
	if f == nil {
		f = &file{start: time.Unix(start, 0), buf: new(bytes.Buffer)}
		var err error
		if f.writer, err = recordfile.NewWriter(f.buf, fs.format, fs.options); err != nil {
			return err
		}
		fs.open[start] = f
	}
	if err := f.writer.Write(r); err != nil {
		return err
	}
	if !fs.full(f.writer.Size()) {
		return nil
	}
	if err := fs.finish(f); err != nil {
		return err
	}
	if f.part++; f.part == maxParts {
		return fmt.Errorf("batch %d to %d fills more than %d files", fs.batch.From, fs.batch.To, maxParts)
	}
	f.buf = new(bytes.Buffer)
	return f.writer.Reset(f.buf)
}

func (fs *files) finish(f *file) error {
	records := f.writer.Size().Records
	if err := f.writer.Close(); err != nil {
		return err
	}
	key := recordfile.Key{
		Prefix: fs.folder, Account: fs.log.Account, Region: fs.log.Region, FlowLog: fs.log.ID,
		Time: f.start, Hash: fs.batch.hash(fs.log.ID, f.part), Options: fs.options,
	}
	if err := key.Check(); err != nil {
		return err
	}
	fs.done = append(fs.done, object{key.String(), f.buf.Bytes(), records})
	return nil
}

// close returns the objects, in the order of their keys.
func (fs *files) close() ([]object, error) {
	for _, f := range fs.open {
		if f.writer.Size().Records == 0 {
			continue // it was closed for its size, and nothing came after
		}
		if err := fs.finish(f); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(fs.done, func(a, b object) int { return cmp.Compare(a.key, b.key) })
	return fs.done, nil
}
