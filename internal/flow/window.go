package flow

import "time"

// An Interface is a network interface packets were captured on.
type Interface struct {
	Name  string // in its network namespace, when capture of it began
	Index int    // likewise
	MAC   string // as "02:00:00:00:00:01"; empty for a device without one

	// Netns is the cookie of the network namespace, unique until the machine
	// restarts. NetnsName is the name it was asked for by, empty for the
	// namespace the capture itself runs in.
	Netns     uint64
	NetnsName string
}

// A Window is what one interface carried between two moments.
type Window struct {
	// Tables tells sets of kernel tables apart: Unix nanoseconds at which
	// they were created, so later ones have a higher number. Sequence numbers
	// their windows from 1; windows that end together share it. A window that
	// is offered again, by whichever process, keeps both.
	Tables, Sequence uint64

	Interface  Interface
	Start, End time.Time // End is exclusive, and the Start of the next window
	Flows      []Flow    // in no particular order; at most one per Key

	// Skipped counts packets that could not be counted into any flow, by
	// direction, because the table was full.
	Skipped [2]Count

	// Quiet says that this window ends an aggregation interval in which the
	// interface carried nothing that is recorded.
	Quiet bool
}

// LastSecond returns the last Unix second that lies in the window, wholly or in
// part. No flow of the window ends later.
func (w *Window) LastSecond() int64 {
	return w.End.Add(-1).Unix()
}

// SkippedAll returns the sum of Skipped over both directions.
func (w *Window) SkippedAll() Count {
	c := w.Skipped[Ingress]
	c.Add(w.Skipped[Egress])
	return c
}
