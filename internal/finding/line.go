package finding

import (
	"encoding/binary"
	"slices"
	"strings"

	"weir/internal/rows"
)

// Classes of lines, of which a talk keeps two each at most.
const (
	asked = iota
	answered
	refused
	late // asked after the last answer, or long after the first; the last two of them
)

// lines are records as they were, in lists. A line is its header and its text, in units
// of 16 bytes; what is free is used again for a line of as many.
//
//	next u32, start u32, length u16, class u8, format u8, units u16
type lines struct {
	chunks [][]byte
	free   [maxLine/lineUnit + 1][]uint32 // places, by units
}

const (
	lineChunk  = 1 << 18
	lineHeader = 14
	lineUnit   = 16
	maxLine    = 4096 // with its header; what is longer is not kept
	lateAfter  = 600  // seconds after the first
)

// add puts a line before the list that begins with next, and returns where it is; 0 if
// there may be no more.
func (l *lines) add(next, start uint32, class, format uint8, text []byte, b *budget) uint32 {
	units := (lineHeader + len(text) + lineUnit - 1) / lineUnit
	if units >= len(l.free) {
		return 0
	}
	var at uint32
	if n := len(l.free[units]); n > 0 {
		at = l.free[units][n-1]
		l.free[units] = l.free[units][:n-1]
	} else {
		if !take(&b.lines, int64(units*lineUnit)) {
			return 0
		}
		k := len(l.chunks) - 1
		if k < 0 || len(l.chunks[k])+units*lineUnit > lineChunk {
			l.chunks = append(l.chunks, make([]byte, 0, lineChunk))
			k++
		}
		from := len(l.chunks[k])
		l.chunks[k] = l.chunks[k][:from+units*lineUnit]
		at = uint32((k*lineChunk+from)/lineUnit) + 1
	}
	x := l.at(at)
	binary.NativeEndian.PutUint32(x, next)
	x[10], x[11] = class, format
	binary.NativeEndian.PutUint16(x[12:], uint16(units))
	write(x, start, text)
	return at
}

// write puts another text in the place of a line, which must have room for it.
func write(b []byte, start uint32, text []byte) {
	binary.NativeEndian.PutUint32(b[4:], start)
	binary.NativeEndian.PutUint16(b[8:], uint16(len(text)))
	copy(b[lineHeader:], text)
}

func (l *lines) at(line uint32) []byte {
	const perChunk = lineChunk / lineUnit
	return l.chunks[(line-1)/perChunk][(line-1)%perChunk*lineUnit:]
}

func next(b []byte) uint32  { return binary.NativeEndian.Uint32(b) }
func start(b []byte) uint32 { return binary.NativeEndian.Uint32(b[4:]) }
func units(b []byte) int    { return int(binary.NativeEndian.Uint16(b[12:])) }
func text(b []byte) []byte {
	return b[lineHeader : lineHeader+int(binary.NativeEndian.Uint16(b[8:]))]
}

// drop frees those of a list that fn does not want to keep, and returns what is left.
func (l *lines) drop(list uint32, keep func(line []byte) bool) uint32 {
	first, last := uint32(0), []byte(nil)
	for at := list; at != 0; {
		b := l.at(at)
		following := next(b)
		switch {
		case !keep(b):
			l.free[units(b)] = append(l.free[units(b)], at)
		case last == nil:
			first, last = at, b
		default:
			binary.NativeEndian.PutUint32(last, at)
			last = b
		}
		at = following
	}
	if last != nil {
		binary.NativeEndian.PutUint32(last, 0)
	}
	return first
}

// join adds the chunks of others. What is returned is added to the place of a line of
// theirs.
func (l *lines) join(o *lines) (offset uint32) {
	offset = uint32(len(l.chunks) * (lineChunk / lineUnit))
	l.chunks = append(l.chunks, o.chunks...)
	return offset
}

// splice moves a list by offset, and puts it before another.
func (l *lines) splice(list, offset, other uint32, format func(uint8) uint8) uint32 {
	if list == 0 {
		return other
	}
	list += offset
	for at := list; ; {
		b := l.at(at)
		b[11] = format(b[11])
		n := next(b)
		if n == 0 {
			binary.NativeEndian.PutUint32(b, other)
			return list
		}
		binary.NativeEndian.PutUint32(b, n+offset)
		at = n + offset
	}
}

// keep keeps the line of a record of a talk, before it is added to it: what may become
// evidence. What was answered is none, unless it comes by the clock or everything is
// wanted.
func (c *Collector) keep(t *talk, b *rows.Batch, r *row, ask bool) {
	if c.finder.keep == NoLines {
		return
	}
	class := uint8(asked)
	switch {
	case r.refused && ask:
		class = refused
	case r.refused:
		return
	case !ask:
		c.heard(t, r)
		if t.asks > 0 {
			return
		}
		class = answered
	case c.finder.keep == AllLines || t.asks > 0 && t.even():
	case r.protocol == udp:
		return
	case t.kept&(3<<(2*answered)) != 0:
		c.forget(t, answered, r.end)
	}
	if class == asked && (t.answers > 0 && r.start > t.answered+60 || t.first > 0 && r.start >= t.first+lateAfter) {
		class = late
	}
	n := t.kept >> (2 * class) & 3
	// The second one is kept while there is plenty of room.
	if class != late && (n >= 2 || n == 1 && c.finder.budget.lines.Load() < maxLines/2) {
		return
	}
	c.text = b.AppendLine(c.text[:0], int(r.n))
	if n >= 2 {
		c.replace(t, r.start)
		return
	}
	at := c.lines.add(t.line, r.start, class, c.format, c.text, &c.finder.budget)
	if at == 0 {
		t.untold = true
		return
	}
	t.line = at
	t.kept += 1 << (2 * class)
}

// even reports whether all asks have about as many bytes, so that they may come by the
// clock.
func (t *talk) even() bool { return uint64(t.most-t.least)*100 <= uint64(t.most)*sameSize }

// heard forgets the asks that an answer is for, unless they may be a scan's or come by
// the clock.
func (c *Collector) heard(t *talk, r *row) {
	if c.finder.keep == AllLines || t.asks >= leastPause && t.even() || t.asks <= 3 && t.bare == t.asks {
		return
	}
	if t.kept&(3<<(2*asked)|3<<(2*late)) != 0 {
		c.forget(t, asked, r.end)
		c.forget(t, late, r.end)
	}
}

// forget drops the lines of a class that start until then.
func (c *Collector) forget(t *talk, class uint8, until uint32) {
	t.line = c.lines.drop(t.line, func(b []byte) bool {
		if b[10] != class || start(b) > until {
			return true
		}
		t.kept -= 1 << (2 * class)
		return false
	})
}

// replace puts a late line in the place of the earliest of them.
func (c *Collector) replace(t *talk, began uint32) {
	var least []byte
	for at := t.line; at != 0; {
		b := c.lines.at(at)
		if b[10] == late && (least == nil || start(b) < start(least)) {
			least = b
		}
		at = next(b)
	}
	if start(least) < began && lineHeader+len(c.text) <= units(least)*lineUnit && least[11] == c.format {
		write(least, began, c.text)
	}
}

// since returns lines of asks, refused ones too, that start after a time.
func (c *Collector) since(t uint32, some ...*talk) []Evidence {
	return c.choose(func(b []byte) bool { return b[10] != answered && start(b) > t }, some)
}

// evidence returns the first lines of a class of some talks, in the order of time.
func (c *Collector) evidence(class uint8, some ...*talk) []Evidence {
	return c.choose(func(b []byte) bool { return b[10] == class || b[10] == late && class == asked }, some)
}

func (c *Collector) choose(wanted func(line []byte) bool, some []*talk) []Evidence {
	var all [][]byte
	for _, t := range some {
		for at := t.line; at != 0; {
			b := c.lines.at(at)
			if wanted(b) {
				all = append(all, b)
			}
			at = next(b)
		}
		if len(all) > 64 {
			break
		}
	}
	slices.SortFunc(all, func(a, b []byte) int {
		if x, y := start(a), start(b); x != y {
			if x < y {
				return -1
			}
			return 1
		}
		return strings.Compare(string(text(a)), string(text(b)))
	})
	out := []Evidence{}
	for _, b := range all[:min(len(all), maxEvidence)] {
		out = append(out, Evidence{c.formats[b[11]], string(text(b))})
	}
	return out
}

// untold returns how many talks have no line because there was no room.
func (c *Collector) untold() (n int) {
	for i := range uint32(c.talks.n) {
		if t := c.talks.at(i); t.untold && t.line == 0 {
			n++
		}
	}
	return n
}
