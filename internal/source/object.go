package source

import (
	"context"
	"io"

	"weir/recordfile"
)

// An Object is something that holds records: a file, an object in a bucket, standard
// input.
type Object struct {
	// Name is what the user would call it: a path, an address such as
	// s3://bucket/key, or "-".
	Name string
	// File is what the name says about the object; nil if it is not the name of
	// a flow log file.
	File *recordfile.Name
	// Size is how many bytes the object has, -1 if that is not known.
	Size int64
	// Open begins to read it.
	Open func(ctx context.Context) (io.ReadCloser, error)
	// OpenAt opens it for reading anywhere; nil if that can't be done, in which
	// case a Parquet file is read into memory. What it returns is closed if it
	// is an io.Closer, and told what will be read if it is a [Planner].
	OpenAt func(ctx context.Context) (r io.ReaderAt, size int64, err error)
	// Remote is set where opening waits for a network.
	Remote bool
	// Stream is set where the object is a part of something that comes in parts;
	// nil where it is whole.
	Stream *Stream
}

// A Planner is read anywhere, and is better off to know what will be read: parts, in
// bytes, as pairs of where they begin and where they end. Plan is called once, before
// anything of them is read.
type Planner interface {
	Plan(parts [][2]int64)
}
