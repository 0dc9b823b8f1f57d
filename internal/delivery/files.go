package delivery

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"weir/internal/flowlog"
	"weir/record"
	"weir/recordfile"
)

// objects is the [Sink] of S3: files under names that derive from the range of the
// journal, so that one that is sent again replaces itself.
type objects struct{ store ObjectStore }

// NewObjects returns a sink of files in buckets.
func NewObjects(store ObjectStore) Sink { return objects{store} }

// Place is the bucket.
func (o objects) Place(f *flowlog.FlowLog) (string, error) {
	bucket, _, err := flowlog.BucketFolder(f.Destination)
	return "s3://" + bucket, err
}

// Make implements [Sink].
func (o objects) Make(f *flowlog.FlowLog, from, to uint64) (Maker, error) {
	return newFiles(o.store, f, from, to)
}

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
	store    ObjectStore
	log      *flowlog.FlowLog
	from, to uint64
	bucket   string
	folder   string
	options  recordfile.Options
	format   record.Format
	full     func(recordfile.Size) bool // whether a file has to be closed

	open map[int64]*file // by the Unix second their five minutes begin at
	done []object
}

type file struct {
	start  time.Time
	part   int
	buf    *bytes.Buffer
	writer recordfile.Writer
}

func newFiles(store ObjectStore, f *flowlog.FlowLog, from, to uint64) (*files, error) {
	format, err := f.RecordFormat()
	if err != nil {
		return nil, err
	}
	bucket, folder, err := flowlog.BucketFolder(f.Destination)
	if err != nil {
		return nil, err
	}
	return &files{
		store: store, log: f, from: from, to: to, bucket: bucket, folder: folder, format: format, full: recordfile.Size.Full,
		options: recordfile.Options{Hive: f.Hive, PerHour: f.PerHour, Parquet: f.Parquet},
		open:    make(map[int64]*file),
	}, nil
}

// Full implements [Maker]: files are compressed, and grow slowly.
func (fs *files) Full() bool { return false }

// Write implements [Maker].
func (fs *files) Write(r *record.Record, _ flowlog.Resources) error {
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
		return fmt.Errorf("batch %d to %d fills more than %d files", fs.from, fs.to, maxParts)
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
		Time: f.start, Hash: hash(fs.log.ID, fs.from, f.part), Options: fs.options,
	}
	if err := key.Check(); err != nil {
		return err
	}
	fs.done = append(fs.done, object{key.String(), f.buf.Bytes(), records})
	return nil
}

// Close implements [Maker].
func (fs *files) Close() (items int, err error) {
	for _, f := range fs.open {
		if f.writer.Size().Records == 0 {
			continue // it was closed for its size, and nothing came after
		}
		if err := fs.finish(f); err != nil {
			return 0, err
		}
	}
	slices.SortFunc(fs.done, func(a, b object) int { return cmp.Compare(a.key, b.key) })
	return 0, nil
}

// Parcels returns all objects, in the order of their keys.
func (fs *files) Parcels(context.Context, Spans) ([]Parcel, error) {
	contentType := "application/x-gzip"
	if fs.log.Parquet {
		contentType = "application/octet-stream"
	}
	parcels := make([]Parcel, len(fs.done))
	for i := range fs.done {
		o := &fs.done[i]
		parcels[i] = Parcel{Name: "put " + o.key, Records: o.records, Bytes: int64(len(o.body)),
			Send: func(ctx context.Context) (Answer, error) {
				return Answer{}, fs.store.Put(ctx, fs.bucket, o.key, o.body, contentType)
			}}
	}
	return parcels, nil
}
