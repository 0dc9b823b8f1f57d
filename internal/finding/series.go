package finding

import (
	"maps"
	"slices"

	"weir/internal/rows"
)

// series are what interfaces recorded over time, in stretches of equal length.
type series struct {
	width   int64 // seconds
	numbers map[string]uint32
	faces   []face // by number; the first is none
	buckets map[bucketKey]*bucket
	full    bool

	last    *bucket
	lastKey bucketKey
	longest uint32 // seconds of a record
	touched uint32 // so that touching is not for nothing
}

type bucketKey struct {
	face uint32
	at   uint32 // start / width
}

// A bucket is what an interface recorded in a stretch of time.
type bucket struct {
	records, bytes uint64
	most           uint64 // bytes of the record of line
	line           []byte
	format         string
}

// A face is an interface, and its records that say that some were not recorded.
type face struct {
	id          string
	skipped     int64
	first, last uint32 // of skipped
	evidence    []Evidence
}

// leastWidth is the length of the longest window.
const leastWidth = 600

func newSeries() series {
	return series{width: leastWidth, numbers: map[string]uint32{}, faces: make([]face, 1), buckets: map[bucketKey]*bucket{}}
}

// number returns the number of an interface, 0 if there are too many.
func (s *series) number(id []byte) uint32 {
	n, ok := s.numbers[string(id)]
	if !ok {
		if len(s.faces) > maxInterface {
			s.full = true
			return 0
		}
		n = uint32(len(s.faces))
		s.numbers[string(id)] = n
		s.faces = append(s.faces, face{id: string(id)})
	}
	return n
}

// add adds a record.
func (s *series) add(b *rows.Batch, r *row, id []byte, status byte, names string) uint32 {
	n := s.number(id)
	if n == 0 {
		return 0
	}
	if status == 'S' {
		s.faces[n].skip(b, r, names)
	}
	if r.end > r.start {
		s.longest = max(s.longest, r.end-r.start)
	}
	key := bucketKey{n, uint32(int64(r.start) / s.width)}
	if s.last == nil || s.lastKey != key {
		if s.last = s.buckets[key]; s.last == nil {
			if len(s.buckets) >= maxSeries {
				s.widen()
				return s.add(b, r, id, 'O', names)
			}
			s.last = &bucket{}
			s.buckets[key] = s.last
		}
		s.lastKey = key
	}
	x := s.last
	x.records++
	x.bytes += r.bytes
	if x.line == nil || r.bytes > x.most*2 { // not each that is a little larger
		x.most = r.bytes
		x.line, x.format = b.AppendLine(x.line[:0], int(r.n)), names
	}
	return n
}

func (f *face) skip(b *rows.Batch, r *row, names string) {
	if f.first == 0 || r.start < f.first {
		f.first = r.start
	}
	f.last = max(f.last, r.end)
	if f.skipped++; len(f.evidence) < maxEvidence {
		f.evidence = append(f.evidence, Evidence{names, string(b.AppendLine(nil, int(r.n)))})
	}
}

func (x *bucket) merge(o *bucket) {
	x.records += o.records
	x.bytes += o.bytes
	if x.line == nil || o.most > x.most {
		x.most, x.line, x.format = o.most, o.line, o.format
	}
}

// widen makes stretches twice as long.
func (s *series) widen() {
	old := s.buckets
	s.width *= 2
	s.last = nil
	s.buckets = make(map[bucketKey]*bucket, len(old)/2)
	for k, x := range old {
		k.at /= 2
		if y := s.buckets[k]; y != nil {
			y.merge(x)
		} else {
			s.buckets[k] = x
		}
	}
}

// merge adds others, and returns their numbers here.
func (s *series) merge(o *series) []uint32 {
	numbers := make([]uint32, len(o.faces))
	for i := range o.faces[1:] {
		f := &o.faces[i+1]
		n := s.number([]byte(f.id))
		if numbers[i+1] = n; n == 0 {
			continue
		}
		x := &s.faces[n]
		if f.skipped > 0 {
			if x.first == 0 || f.first < x.first {
				x.first = f.first
			}
			x.skipped, x.last = x.skipped+f.skipped, max(x.last, f.last)
			x.evidence = append(x.evidence, f.evidence...)
		}
	}
	for s.width < o.width {
		s.widen()
	}
	for o.width < s.width {
		o.widen()
	}
	for k, x := range o.buckets {
		k.face = numbers[k.face]
		if k.face == 0 {
			continue
		}
		if y := s.buckets[k]; y != nil {
			y.merge(x)
		} else {
			s.buckets[k] = x
		}
	}
	for len(s.buckets) > maxSeries {
		s.widen()
	}
	s.full = s.full || o.full
	s.longest = max(s.longest, o.longest)
	return numbers
}

// A stretch is a bucket and where it is.
type stretch struct {
	at uint32
	*bucket
}

// byFace returns the buckets of each interface in the order of time.
func (s *series) byFace() map[uint32][]stretch {
	out := map[uint32][]stretch{}
	for k, x := range s.buckets {
		out[k.face] = append(out[k.face], stretch{k.at, x})
	}
	for _, all := range out {
		slices.SortFunc(all, func(a, b stretch) int { return int(int64(a.at) - int64(b.at)) })
	}
	return out
}

// window is the length of the aggregation intervals, in seconds.
func (s *series) window() int64 {
	if s.longest > 90 { // of 60 seconds there are some that take a little longer
		return 600
	}
	return 60
}

// named returns the numbers of interfaces in the order of their ids.
func (s *series) named() []uint32 {
	var out []uint32
	for _, id := range slices.Sorted(maps.Keys(s.numbers)) {
		out = append(out, s.numbers[id])
	}
	return out
}
