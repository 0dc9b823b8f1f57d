package delivery

import (
	"context"

	"weir/internal/flowlog"
	"weir/record"
)

// A Sink is a kind of destination: S3, CloudWatch Logs, Firehose. Its methods may be
// called from several goroutines.
type Sink interface {
	// Place names what the flow log's records wait for: those that go to one place
	// share its slots, and hold up nobody else.
	Place(f *flowlog.FlowLog) (string, error)

	// Make begins the parcels of a range of the journal, both ends inclusive.
	Make(f *flowlog.FlowLog, from, to uint64) (Maker, error)
}

// A Maker makes parcels of the records of one range of the journal. The same records
// make the same items in the same order, whenever and in whichever process.
type Maker interface {
	// Write takes the next record, of an interface; the record is the caller's.
	Write(r *record.Record, on flowlog.Resources) error

	// Full says that the range should end here, so as to be held in memory.
	Full() bool

	// Close ends the records and returns how many items they are.
	Close() (items int, err error)

	// Parcels returns what has to be sent for these items, after Close. Every one of
	// them is in one parcel.
	Parcels(ctx context.Context, items Spans) ([]Parcel, error)
}

// A Parcel is what is sent in one piece.
type Parcel struct {
	Name string // what messages call it

	// Items are those of the batch that are in it. A parcel without items replaces
	// itself when it is sent again: nothing has to be known of it after a crash.
	Items Spans

	Records, Bytes int64

	// Send sends the parcel and returns nil only when what was taken is durable. When
	// ctx ends it returns ctx's error soon; every other error is a [*Failure], and
	// none of the items are known to have been taken. Nothing of what failed comes
	// later by itself, and Send may be called again.
	Send func(ctx context.Context) (Answer, error)
}

// An Answer is what became of a parcel that was answered. The zero Answer says that all
// of it was taken.
type Answer struct {
	// Left are items that were not taken and have to be sent again, because of Why.
	Left Spans
	Why  *Failure // not nil if Left is not empty

	// Ahead says that time makes the difference: what else there is need not wait.
	Ahead bool

	// Lost is how many records the destination will never take, because of LostWhy.
	// They are not in Left.
	Lost    int64
	LostWhy string
}
