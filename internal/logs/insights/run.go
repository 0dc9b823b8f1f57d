package insights

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"
	"unsafe"

	"weir/internal/logs"
)

// Options are what a run needs beside its query.
type Options struct {
	// Discover returns the names of the fields of a group's records, by their places, such
	// as [Names] makes them. If it is nil, or returns nil, lines that look like records of
	// the default format are taken for that. JSON objects are known without it.
	Discover func(group string) []string

	Account string    // for @log; "" leaves it out
	Limit   int       // of rows, if the query does not end with its own; 0 is DefaultLimit
	Memory  int       // bytes that the groups or rows may take, about; 0 is DefaultMemory
	Now     time.Time // for now(); the zero time is that of NewRun
}

// DefaultMemory is how many bytes the groups or rows of a run may take, about.
const DefaultMemory = 256 << 20

// ErrTooLarge is why a run ends whose groups or rows take too much memory.
var ErrTooLarge = errors.New("insights: the query needs too much memory: group by what has fewer values, or set a smaller limit")

// A Run is a query while it runs. Its methods may be called by several goroutines.
type Run struct {
	mu      sync.Mutex
	q       *Query
	opts    Options
	now     float64
	sources map[string]*source
	last    *source
	first   *sink
	row     row
	event   logs.Event // what row points to
	stats   Statistics
	held    int // bytes of the first sink, about
}

// Statistics count events.
type Statistics struct {
	RecordsMatched, RecordsScanned int64
	BytesScanned                   int64 // of messages
}

// A Cell is a value of a row.
type Cell struct{ Field, Value string }

// A Result is what follows from the events so far.
type Result struct {
	// Rows have no cells for fields that they lack. Rows of events end with @ptr.
	Rows       [][]Cell
	Statistics Statistics
}

// NewRun begins a run.
func (q *Query) NewRun(o Options) *Run {
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	o.Limit = min(cmp.Or(max(o.Limit, 0), DefaultLimit), MaxLimit)
	o.Memory = cmp.Or(o.Memory, DefaultMemory)
	r := &Run{q: q, opts: o, now: float64(o.Now.Unix()), sources: map[string]*source{}}
	r.first = r.newSink(0)
	r.row = row{fields: make([]value, len(q.names)), vars: make([]value, q.vars), now: r.now}
	return r
}

// Add adds an event of a group. What it keeps of e it copies.
func (r *Run) Add(group string, e *logs.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held > r.opts.Memory {
		return
	}
	r.stats.RecordsScanned++
	r.stats.BytesScanned += int64(len(e.Message))
	if r.last == nil || r.last.name != group {
		r.last = r.source(group)
	}
	r.event = *e
	r.row.event, r.row.source, r.row.split = &r.event, r.last, false
	if r.first.stage.passes(&r.row) {
		r.stats.RecordsMatched++
		r.held += r.first.add(&r.row)
	}
}

// Err returns [ErrTooLarge] once the run has taken too much memory. It adds no events then.
func (r *Run) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held > r.opts.Memory {
		return ErrTooLarge
	}
	return nil
}

func (r *Run) source(group string) *source {
	s := r.sources[group]
	if s == nil {
		var names []string
		if r.opts.Discover != nil {
			names = r.opts.Discover(group)
		}
		group = strings.Clone(group)
		s = newSource(group, r.opts.Account, names, r.q.names)
		r.sources[group] = s
	}
	return s
}

// passes takes a row through the steps of a stage.
func (s *stage) passes(r *row) bool {
	for _, step := range s.steps {
		if !step(r) {
			return false
		}
	}
	return true
}

// Result returns what follows from the events so far. The run may go on.
func (r *Run) Result() Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.first
	for i := range r.q.stages[1:] {
		next := r.newSink(i + 1)
		for _, row := range s.rows() {
			if next.stage.passes(row) {
				next.add(row)
			}
		}
		s = next
	}
	result := Result{Statistics: r.stats}
	for _, row := range s.rows() {
		result.Rows = append(result.Rows, r.q.cells(row))
	}
	return result
}

// cells returns a row as it is shown.
func (q *Query) cells(r *row) []Cell {
	cells := make([]Cell, 0, len(q.columns)+1)
	pointer := r.event != nil
	for _, c := range q.columns {
		if v := c.eval(r); v.kind != absent {
			cells = append(cells, Cell{c.name, v.clone().String()})
		}
		pointer = pointer && c.name != "@ptr"
	}
	if pointer {
		cells = append(cells, Cell{"@ptr", r.pointer()})
	}
	return cells
}

// A sink holds what a stage needs of the rows that have come.
type sink struct {
	run   *Run
	stage *stage
	limit int

	groups map[string]*group // of stats
	list   []*group          // the same, in their order
	best   map[string]*kept  // of dedup
	heap   []*kept           // of keep: the last in the order is the first here
	buf    []byte
	keys   []value
}

// A group is what stats adds up.
type group struct {
	by   []value
	accs []acc
}

// A kept row is in the result as far as it is known.
type kept struct {
	row  *row
	keys []value // of the order
}

func (r *Run) newSink(i int) *sink {
	s := &sink{run: r, stage: r.q.stages[i]}
	switch s.stage.kind {
	case stats:
		s.groups = map[string]*group{}
	case dedup:
		s.best = map[string]*kept{}
	case keep:
		s.limit = cmp.Or(s.stage.limit, r.opts.Limit)
	}
	return s
}

// add adds a row, and returns how many bytes of memory that has taken, about.
func (s *sink) add(r *row) int {
	switch s.stage.kind {
	case stats:
		return s.group(r)
	case dedup:
		return s.choose(r)
	}
	return s.keep(r)
}

// group adds a row to its group.
func (s *sink) group(r *row) (bytes int) {
	st := s.stage
	s.keys, s.buf = s.keys[:0], s.buf[:0]
	for i := range st.by {
		v := st.by[i].eval(r)
		s.keys = append(s.keys, v)
		s.buf = v.append(s.buf)
	}
	g := s.groups[string(s.buf)]
	if g == nil {
		g = &group{by: make([]value, len(s.keys)), accs: make([]acc, len(st.aggregates))}
		for i, v := range s.keys {
			g.by[i] = v.clone()
		}
		s.groups[string(s.buf)] = g
		s.list = append(s.list, g)
		bytes = 2*len(s.buf) + 100 + len(g.accs)*int(unsafe.Sizeof(acc{})) + len(g.by)*int(unsafe.Sizeof(value{}))
	}
	for i := range st.aggregates {
		bytes += st.aggregates[i].add(&g.accs[i], r)
	}
	return bytes
}

// order sets keys to what a row is sorted by.
func (s *sink) order(r *row) {
	s.keys = s.keys[:0]
	for i := range s.stage.order {
		s.keys = append(s.keys, s.stage.order[i].eval(r))
	}
}

// before reports whether row a, with keys x, comes before row b, with keys y.
func (s *sink) before(a *row, x []value, b *row, y []value) bool {
	for i, k := range s.stage.order {
		c := compare(x[i], y[i])
		if k.desc && alike(x[i], y[i]) {
			c = -c
		}
		if c != 0 {
			return c < 0
		}
	}
	if a.event == nil || b.event == nil {
		return a.seq < b.seq
	}
	if c := a.event.Position.Compare(b.event.Position); c != 0 {
		return c > 0
	}
	return a.source.name < b.source.name
}

// alike reports whether the order of two values turns with the direction: what is no number
// is behind numbers in both, what is absent behind all.
func alike(a, b value) bool {
	_, isX := a.number()
	_, isY := b.number()
	return isX == isY && (a.kind == absent) == (b.kind == absent)
}

// retain returns a row that lives on. It takes the memory of one that does not, if there is
// any.
func (s *sink) retain(r *row, old *kept) *kept {
	k := old
	if k == nil {
		k = &kept{row: &row{vars: make([]value, len(r.vars))}}
	}
	event := k.row.own
	*k.row = row{event: r.event, source: r.source, vars: k.row.vars, seq: r.seq, now: r.now}
	if r.event != nil && r.own == nil {
		if event == nil {
			event = &logs.Event{}
		}
		*event = *r.event
		event.Message = strings.Clone(event.Message)
		k.row.event, k.row.own = event, event
	}
	for i, v := range r.vars {
		k.row.vars[i] = v.clone()
	}
	k.keys = k.keys[:0]
	for _, v := range s.keys {
		k.keys = append(k.keys, v.clone())
	}
	return k
}

// choose keeps a row if it is the first with its values.
func (s *sink) choose(r *row) int {
	s.buf = s.buf[:0]
	for i := range s.stage.by {
		s.buf = s.stage.by[i].eval(r).append(s.buf)
	}
	s.order(r)
	if k := s.best[string(s.buf)]; k == nil || s.before(r, s.keys, k.row, k.keys) {
		bytes := 0
		if k == nil {
			bytes = len(s.buf) + 50
		}
		before := k.size()
		k = s.retain(r, k)
		s.best[string(s.buf)] = k
		return bytes + k.size() - before
	}
	return 0
}

// size returns how many bytes a row takes, about; 0 if it is nil.
func (k *kept) size() int {
	if k == nil {
		return 0
	}
	n := int(unsafe.Sizeof(*k)+unsafe.Sizeof(*k.row)) + (len(k.keys)+len(k.row.vars))*int(unsafe.Sizeof(value{}))
	for _, v := range k.keys {
		n += len(v.s)
	}
	for _, v := range k.row.vars {
		n += len(v.s)
	}
	if e := k.row.own; e != nil {
		n += int(unsafe.Sizeof(*e)) + len(e.Message)
	}
	return n
}

// keep keeps a row if it is among the first.
func (s *sink) keep(r *row) int {
	s.order(r)
	if len(s.heap) == s.limit {
		last := s.heap[0]
		if !s.before(r, s.keys, last.row, last.keys) {
			return 0
		}
		before := last.size()
		s.heap[0] = s.retain(r, last)
		bytes := last.size() - before
		s.down()
		return bytes
	}
	k := s.retain(r, nil)
	s.heap = append(s.heap, k)
	for i := len(s.heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if !s.later(i, parent) {
			break
		}
		s.heap[i], s.heap[parent] = s.heap[parent], s.heap[i]
		i = parent
	}
	return k.size()
}

func (s *sink) later(i, j int) bool {
	return s.before(s.heap[j].row, s.heap[j].keys, s.heap[i].row, s.heap[i].keys)
}

// down moves the first of the heap to its place.
func (s *sink) down() {
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(s.heap) {
			return
		}
		if child+1 < len(s.heap) && s.later(child+1, child) {
			child++
		}
		if !s.later(child, i) {
			return
		}
		s.heap[i], s.heap[child] = s.heap[child], s.heap[i]
		i = child
	}
}

// rows returns what the stage has made of its rows, in order.
func (s *sink) rows() []*row {
	if s.stage.kind == stats {
		return s.grouped()
	}
	list := slices.Clone(s.heap)
	for _, k := range s.best {
		list = append(list, k)
	}
	slices.SortFunc(list, func(a, b *kept) int {
		if s.before(a.row, a.keys, b.row, b.keys) {
			return -1
		}
		return 1
	})
	rows := make([]*row, len(list))
	for i, k := range list {
		rows[i] = k.row
	}
	return rows
}

// grouped returns the groups as rows.
func (s *sink) grouped() []*row {
	rows := make([]*row, len(s.list))
	for i, g := range s.list {
		r := &row{vars: make([]value, s.run.q.vars), accs: g.accs, seq: uint64(i), now: s.run.now}
		for j, v := range g.by {
			r.vars[s.stage.slots[j]] = v
		}
		for j := range s.stage.columns {
			r.vars[s.stage.slots[len(g.by)+j]] = s.stage.columns[j].eval(r)
		}
		rows[i] = r
	}
	return rows
}
