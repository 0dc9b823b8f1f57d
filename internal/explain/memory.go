package explain

import (
	"bytes"

	"weir/record"
)

// defaultConnections is how many connections a memory holds unless told otherwise.
const defaultConnections = 1 << 16

// A memory knows what was recorded of the last connections, those that came first
// forgotten first.
type memory struct {
	conns map[string]*connection
	order []string // a ring, once it has max
	max   int
	next  int
	key   []byte
}

// A connection is seen by one interface; ways[0] is from the lesser end.
type connection struct{ ways [2]way }

// A way is what records said of one direction.
type way struct {
	accepted, refused bool
	flags             record.Flags // of what was accepted

	// closing and closed are start and end of the first accepted record with FIN or RST
	// after the last one with SYN, in Unix seconds; 0 is none.
	closing, closed int64
}

func newMemory(n int) *memory {
	if n <= 0 {
		n = defaultConnections
	}
	return &memory{conns: map[string]*connection{}, max: n}
}

// find makes the key of a record's connection. dir is 1 if the record is of the way from
// the greater end.
func (m *memory) find(r *record.Record) (dir int, ok bool) {
	if !r.Has(record.SrcAddr) || !r.Has(record.DstAddr) || r.Verdict() == record.NoVerdict {
		return 0, false
	}
	b := m.key[:0]
	for _, f := range [...]record.Field{record.InterfaceID, record.ResourceID, record.Protocol} {
		b = append(r.AppendField(b, f), ' ')
	}
	head := len(b)
	b = append(r.AppendField(append(r.AppendField(b, record.SrcAddr), ' '), record.SrcPort), ' ')
	middle := len(b)
	b = append(r.AppendField(append(r.AppendField(b, record.DstAddr), ' '), record.DstPort), ' ')
	if bytes.Compare(b[head:middle], b[middle:]) > 0 {
		dir = 1
		src := bytes.Clone(b[head:middle])
		b = append(append(b[:head], b[middle:]...), src...)
	}
	m.key = b
	return dir, true
}

func (m *memory) see(r *record.Record) {
	dir, ok := m.find(r)
	if !ok {
		return
	}
	c := m.conns[string(m.key)]
	if c == nil {
		c = &connection{}
		key := string(m.key)
		if len(m.order) < m.max {
			m.order = append(m.order, key)
		} else {
			delete(m.conns, m.order[m.next])
			m.order[m.next] = key
			m.next = (m.next + 1) % len(m.order)
		}
		m.conns[key] = c
	}
	w := &c.ways[dir]
	if r.Verdict() == record.Reject {
		w.refused = true
		return
	}
	w.accepted = true
	flags, _ := r.Flags()
	w.flags |= flags
	if flags&record.SYN != 0 { // the ports are used again
		for i := range c.ways {
			c.ways[i].closing, c.ways[i].closed = 0, 0
		}
	}
	if flags&(record.FIN|record.RST) != 0 && w.closed == 0 {
		w.closing, _ = r.Int(record.Start)
		w.closed, _ = r.Int(record.End)
	}
}

// look returns what is known of both directions of a record's connection.
func (m *memory) look(r *record.Record) (mine, back way) {
	dir, ok := m.find(r)
	if !ok {
		return way{}, way{}
	}
	c := m.conns[string(m.key)]
	if c == nil {
		return way{}, way{}
	}
	return c.ways[dir], c.ways[1-dir]
}
