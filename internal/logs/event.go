package logs

import "cmp"

// A Position is the place of an event among all of a group: events are in the order of
// their times, those of one time in the order in which they came. No two have the same.
type Position struct {
	Time  int64  // milliseconds since 1970
	Seq   uint64 // of the batch it came with
	Index uint32 // in that batch
}

// Compare returns -1, 0 or 1 as p lies before, at or after q.
func (p Position) Compare(q Position) int {
	return cmp.Or(cmp.Compare(p.Time, q.Time), cmp.Compare(p.Seq, q.Seq), cmp.Compare(p.Index, q.Index))
}

// An Event is an event of a stream.
type Event struct {
	Position
	Stream   string
	Ingested int64  // when it was taken, in milliseconds since 1970
	Message  string // may share memory with others of its batch
}

// A Query chooses events of a group.
type Query struct {
	Group   string
	Streams []string // nil is all
	Prefix  string   // of streams; not with Streams

	// From and To bound the times, in milliseconds since 1970, To exclusive; 0 is no
	// bound.
	From, To int64

	// After is where to begin: with the next event in the direction of reading; nil is at
	// the end it comes from.
	After *Position

	// Backward reads from the newest to the oldest.
	Backward bool
}

// A Group is a log group.
type Group struct {
	Name      string
	Created   int64             // milliseconds since 1970
	Retention int               // days; 0 keeps events for ever
	Class     string            // "STANDARD" if it was not said
	Tags      map[string]string // not to be changed
	Bytes     int64             // of its messages, with 26 for each event, as Amazon counts
	Filters   int               // metric filters
}

// A Stream is a log stream. Times are in milliseconds since 1970, 0 if it has no event.
type Stream struct {
	Name         string
	Created      int64
	First, Last  int64 // times of the oldest and the newest event
	LastIngested int64
	Bytes        int64
}

// Rejected says which events of a batch were not taken, as
// cloudwatch.Rejected does: those before Old and before Expired, and those from New on.
type Rejected struct {
	New     int // index of the first that is too new; the length of the batch if none is
	Old     int // index behind the last that is too old; 0 if none is
	Expired int // index behind the last that the group would not keep; 0 if none is
}
