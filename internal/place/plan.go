package place

import (
	"cmp"
	"slices"
	"sort"
)

const (
	// near is how far apart two parts may be that one request reads: what is between
	// them costs less than another request.
	near = 64 << 10
	// planMemory is how much of what was planned is kept, in bytes.
	planMemory = 64 << 20
)

// A planned part of the object will be read: it is fetched once, with one request, when
// the first byte of it is wanted.
type planned struct {
	off, n int64
	done   chan struct{} // closed when b or err is there; nil before it is fetched
	b      []byte        // nil again when others needed the memory
	err    error
	used   int64 // by clock
}

// Plan says which parts of the object will be read, in bytes from its beginning: pairs
// of where they begin and where they end. It may be called once, before they are read.
func (a *ranges) Plan(parts [][2]int64) {
	parts = slices.Clone(parts)
	slices.SortFunc(parts, func(x, y [2]int64) int { return cmp.Compare(x[0], y[0]) })
	var plan []*planned
	for _, p := range parts {
		from, to := p[0], min(p[1], a.end.off) // the end is there already
		if len(plan) > 0 {
			last := plan[len(plan)-1]
			end := last.off + last.n
			from = max(from, end)
			if from-end < near && to-last.off <= aheadMax {
				last.n = max(last.n, to-last.off)
				continue
			}
		}
		for ; from < to; from += aheadMax {
			plan = append(plan, &planned{off: from, n: min(aheadMax, to-from)})
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.plan = plan
}

// readPlanned reads into b from one planned part; n is 0 where off is in none.
func (a *ranges) readPlanned(b []byte, off int64) (n int, err error) {
	a.mu.Lock()
	i := sort.Search(len(a.plan), func(i int) bool { return a.plan[i].off+a.plan[i].n > off })
	if i == len(a.plan) || off < a.plan[i].off {
		a.mu.Unlock()
		return 0, nil
	}
	p := a.plan[i]
	for {
		a.clock++
		p.used = a.clock
		if p.b != nil {
			n := copy(b, p.b[off-p.off:])
			a.mu.Unlock()
			return n, nil
		}
		if p.done == nil {
			break
		}
		done := p.done
		a.mu.Unlock()
		<-done
		a.mu.Lock()
		if p.err != nil {
			a.mu.Unlock()
			return 0, p.err
		}
	}
	p.done = make(chan struct{})
	a.mu.Unlock()
	got, err := a.fetch(p.off, p.n)
	a.mu.Lock()
	defer a.mu.Unlock()
	close(p.done)
	if p.err = err; err != nil {
		return 0, err
	}
	p.b = got
	a.planHeld += p.n
	a.forget(p)
	return copy(b, got[off-p.off:]), nil
}

// forget lets go of what was not used for the longest time, but not of keep, while there
// is more than planMemory.
func (a *ranges) forget(keep *planned) {
	for a.planHeld > planMemory {
		var oldest *planned
		for _, p := range a.plan {
			if p.b != nil && p != keep && (oldest == nil || p.used < oldest.used) {
				oldest = p
			}
		}
		if oldest == nil {
			return
		}
		a.planHeld -= oldest.n
		oldest.b, oldest.done = nil, nil
	}
}
