package delivery

import (
	"encoding/json"
	"fmt"
)

// A Span is a run of items of a batch: those from From on, up to To but without it.
type Span struct{ From, To int }

// MarshalJSON writes [From,To].
func (s Span) MarshalJSON() ([]byte, error) { return json.Marshal([2]int{s.From, s.To}) }

// UnmarshalJSON reads [From,To].
func (s *Span) UnmarshalJSON(raw []byte) error {
	var ends [2]int
	if err := json.Unmarshal(raw, &ends); err != nil {
		return err
	}
	if ends[0] < 0 || ends[0] >= ends[1] {
		return fmt.Errorf("%d to %d is no run of items", ends[0], ends[1])
	}
	s.From, s.To = ends[0], ends[1]
	return nil
}

// Spans are items of a batch: runs in their order that do not touch each other. The
// methods return new ones and keep nothing of what they are given.
type Spans []Span

// Len returns how many items they are.
func (s Spans) Len() int {
	n := 0
	for _, r := range s {
		n += r.To - r.From
	}
	return n
}

// add appends a run that does not begin before the last one does.
func (s Spans) add(r Span) Spans {
	switch last := len(s) - 1; {
	case r.From >= r.To:
		return s
	case last >= 0 && r.From <= s[last].To:
		s[last].To = max(s[last].To, r.To)
		return s
	}
	return append(s, r)
}

// Plus returns the items of both.
func (s Spans) Plus(t Spans) Spans {
	var out Spans
	for len(s) > 0 || len(t) > 0 {
		if len(t) == 0 || len(s) > 0 && s[0].From <= t[0].From {
			out, s = out.add(s[0]), s[1:]
		} else {
			out, t = out.add(t[0]), t[1:]
		}
	}
	return out
}

// Minus returns the items of s that are not in t.
func (s Spans) Minus(t Spans) Spans {
	var out Spans
	for _, r := range s {
		for len(t) > 0 && t[0].To <= r.From {
			t = t[1:]
		}
		for _, gone := range t {
			if gone.From >= r.To {
				break
			}
			out = out.add(Span{r.From, gone.From})
			r.From = max(r.From, gone.To)
		}
		out = out.add(r)
	}
	return out
}

// Each calls fn for every item, in their order.
func (s Spans) Each(fn func(item int)) {
	for _, r := range s {
		for i := r.From; i < r.To; i++ {
			fn(i)
		}
	}
}

// SpansOf returns items that are given in their order.
func SpansOf(items ...int) Spans {
	var out Spans
	for _, i := range items {
		out = out.add(Span{i, i + 1})
	}
	return out
}
