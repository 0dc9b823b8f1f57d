package place

import (
	"cmp"
	"slices"
	"time"

	"weir/recordfile"
)

// A Gap is time for which a flow log has no file. Amazon's service makes one for each
// five minutes in which a record ends, also if that says that there was no traffic; so
// a gap is no sign of silence.
type Gap struct {
	Account, Region, FlowLog string
	From, To                 time.Time // of the five minutes; To is exclusive
}

// flowLog is whose files they are.
type flowLog struct{ account, region, id string }

// slots are the files of a flow log by the number of their five minutes since 1970,
// in any order and some of them twice.
type slots []int32

func slot(t time.Time) int32 { return int32(t.Unix() / int64(recordfile.Interval/time.Second)) }

// slotTime is when the five minutes of a slot begin.
func slotTime(n int32) time.Time {
	return time.Unix(int64(n)*int64(recordfile.Interval/time.Second), 0).UTC()
}

// delivery is how long after its interval a file may still come ("Delivery of flow
// logs", about ten minutes to S3, and the five that it covers).
const delivery = 15 * time.Minute

// Missing returns the five minutes for which flow logs have no file: within the time
// that is wanted as far as it is bounded, else between a flow log's first and last
// file. It knows what the list has named, so it is right when that has come to its end.
// Flow logs of which there is no file at all are not in it.
func (l *List) Missing() []Gap {
	l.mu.Lock()
	defer l.mu.Unlock()
	var gaps []Gap
	for of, have := range l.seen {
		slices.Sort(have)
		have = slices.Compact(have)
		l.seen[of] = have
		first, last := have[0], have[len(have)-1]
		if s := l.cfg.Since; !s.IsZero() {
			first = slot(s)
		}
		if u := l.cfg.Until; !u.IsZero() {
			// The file of what ends just before Until is the last.
			if now := l.cfg.Now().Add(-delivery); u.After(now) {
				u = now
			}
			last = max(slot(u.Add(-1)), first-1)
		}
		next := first
		add := func(until int32) {
			if until > next {
				gaps = append(gaps, Gap{of.account, of.region, of.id, slotTime(next), slotTime(until)})
			}
		}
		for _, n := range have {
			if n < first || n > last {
				continue
			}
			add(n)
			next = n + 1
		}
		add(last + 1)
	}
	slices.SortFunc(gaps, func(a, b Gap) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region), cmp.Compare(a.FlowLog, b.FlowLog), a.From.Compare(b.From))
	})
	return gaps
}
