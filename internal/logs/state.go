package logs

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"weir/internal/journal"
)

// Keys of the bucket. Names of groups and streams may be longer than a key, so their
// hashes are in the keys, and they themselves in the values. A stream belongs to the id
// of its group, events to the ids of group and stream: what is made again under a name
// that was deleted has another id.
//
//	group.HASH             groupRecord
//	stream.GROUP.HASH      streamRecord
//	filter.GROUP.HASH      MetricFilter
//	gone.GROUP             goneRecord: a group whose parts are being removed
//	gone.GROUP.STREAM      … a stream
const (
	groupKeys  = "group."
	streamKeys = "stream."
	filterKeys = "filter."
	goneKeys   = "gone."
)

func hash(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:16])
}

func newID() string { return rand.Text()[:20] }

type groupRecord struct {
	ID        string            `json:"id"`
	Name      string            `json:"name"`
	Created   int64             `json:"created"`
	Retention int               `json:"retention,omitempty"`
	Class     string            `json:"class"`
	Tags      map[string]string `json:"tags,omitempty"`
}

type streamRecord struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Created int64  `json:"created"`
}

// A goneRecord is written before anything of what it names is removed, so that who comes
// after a crash goes on.
type goneRecord struct {
	Key     string `json:"key"`   // of the group or the stream
	Since   int64  `json:"since"` // milliseconds since 1970
	Cleared bool   `json:"cleared,omitempty"`
}

// state is what the bucket and the heads of the log say.
type state struct {
	groups map[string]*group // by name, those there are
	keys   map[string]*group // the same by key
	ids    map[string]*group // by id, also those of which only streams or batches are known yet
	gone   map[string]bool   // ids of groups and streams that were deleted
	undone map[string]goneRecord
	seen   uint64        // revision of the bucket up to which it is known
	told   uint64        // sequence up to which the log has told of batches
	last   uint64        // of the last batch known: this process's own may be ahead
	news   chan struct{} // closed when seen grows
}

type group struct {
	id       string
	key      string // "" as long as its record is not known
	revision uint64
	groupRecord
	streams map[string]*stream // by name
	ids     map[string]*stream // by id, also those whose record is not known yet
	filters map[string]filter  // by key
	bytes   int64
	dropped chan struct{} // closed when it is deleted
	tails   map[*tail]struct{}
}

type stream struct {
	group    *group
	id, key  string
	revision uint64
	streamRecord
	index
}

type filter struct {
	MetricFilter
	revision uint64
}

func newState() state {
	return state{groups: map[string]*group{}, keys: map[string]*group{}, ids: map[string]*group{}, gone: map[string]bool{},
		undone: map[string]goneRecord{}, news: make(chan struct{})}
}

// groupOf returns the group of an id, nil if it was deleted. What is told of a stream may
// come before what is told of its group.
func (s *state) groupOf(id string) *group {
	g := s.ids[id]
	if g == nil && !s.gone[id] {
		g = &group{id: id, streams: map[string]*stream{}, ids: map[string]*stream{}, filters: map[string]filter{},
			dropped: make(chan struct{}), tails: map[*tail]struct{}{}}
		s.ids[id] = g
	}
	return g
}

// streamOf returns the stream of an id, nil if it was deleted.
func (s *state) streamOf(group, id string) *stream {
	g := s.groupOf(group)
	if g == nil {
		return nil
	}
	st := g.ids[id]
	if st == nil && !s.gone[id] {
		st = &stream{group: g, id: id}
		g.ids[id] = st
	}
	return st
}

// apply takes a change of the bucket, which may be known already; value is nil if the key
// was deleted.
func (s *state) apply(key string, value []byte, revision uint64) error {
	kind, rest, _ := strings.Cut(key, ".")
	owner, _, _ := strings.Cut(rest, ".")
	switch kind + "." {
	case groupKeys:
		return s.applyGroup(key, value, revision)
	case streamKeys:
		if g := s.groupOf(owner); g != nil {
			return s.applyStream(g, key, value, revision)
		}
	case filterKeys:
		if g := s.groupOf(owner); g != nil {
			return s.applyFilter(g, key, value, revision)
		}
	case goneKeys:
		return s.applyGone(key, value)
	}
	return nil
}

// saw says that all up to a revision was applied.
func (s *state) saw(revision uint64) {
	if revision > s.seen {
		s.seen = revision
		close(s.news)
		s.news = make(chan struct{})
	}
}

func (s *state) applyGroup(key string, value []byte, revision uint64) error {
	old := s.keys[key]
	if old != nil && revision <= old.revision {
		return nil
	}
	if value == nil {
		if old != nil {
			s.dropGroup(old)
		}
		return nil
	}
	var r groupRecord
	if err := json.Unmarshal(value, &r); err != nil {
		return err
	}
	if old != nil && old.id != r.ID {
		s.dropGroup(old)
	}
	if g := s.groupOf(r.ID); g != nil {
		g.key, g.revision, g.groupRecord = key, revision, r
		s.groups[r.Name], s.keys[key] = g, g
	}
	return nil
}

func (s *state) dropGroup(g *group) {
	s.gone[g.id] = true
	delete(s.ids, g.id)
	if s.groups[g.Name] == g {
		delete(s.groups, g.Name)
		delete(s.keys, g.key)
	}
	close(g.dropped)
}

func (s *state) applyStream(g *group, key string, value []byte, revision uint64) error {
	var old *stream
	var r streamRecord
	if value != nil {
		if err := json.Unmarshal(value, &r); err != nil {
			return err
		}
		old = g.streams[r.Name]
	} else {
		for _, st := range g.streams { // streams are deleted rarely
			if st.key == key {
				old = st
			}
		}
	}
	if old != nil && revision <= old.revision {
		return nil
	}
	if old != nil && old.id != r.ID {
		s.dropStream(old)
	}
	if value == nil {
		return nil
	}
	if st := s.streamOf(g.id, r.ID); st != nil {
		st.key, st.revision, st.streamRecord = key, revision, r
		g.streams[r.Name] = st
	}
	return nil
}

func (s *state) dropStream(st *stream) {
	s.gone[st.id] = true
	g := st.group
	g.bytes -= st.bytes
	delete(g.ids, st.id)
	if g.streams[st.Name] == st {
		delete(g.streams, st.Name)
	}
}

func (s *state) applyFilter(g *group, key string, value []byte, revision uint64) error {
	if old, ok := g.filters[key]; ok && revision <= old.revision {
		return nil
	}
	delete(g.filters, key)
	if value == nil {
		return nil
	}
	f := filter{revision: revision}
	if err := json.Unmarshal(value, &f.MetricFilter); err != nil {
		return err
	}
	g.filters[key] = f
	return nil
}

func (s *state) applyGone(key string, value []byte) error {
	if value == nil {
		delete(s.undone, key)
		return nil
	}
	var r goneRecord
	if err := json.Unmarshal(value, &r); err != nil {
		return err
	}
	s.undone[key] = r
	owner, id, ofStream := strings.Cut(strings.TrimPrefix(key, goneKeys), ".")
	switch {
	case !ofStream && s.ids[owner] != nil:
		s.dropGroup(s.ids[owner])
	case !ofStream:
		s.gone[owner] = true
	case s.ids[owner] != nil && s.ids[owner].ids[id] != nil:
		s.dropStream(s.ids[owner].ids[id])
	default:
		s.gone[id] = true
	}
	return nil
}

// addHead takes the head of a batch, which may be known already.
func (s *state) addHead(h *journal.Head) error {
	s.last = max(s.last, h.Seq)
	if len(h.Subject) != 2 {
		return fmt.Errorf("subject %q: %w", h.Subject, errDamaged)
	}
	e, ingested, err := parseNote(h)
	if err != nil {
		return err
	}
	if st := s.streamOf(h.Subject[0], h.Subject[1]); st != nil && st.add(e, ingested) {
		st.group.bytes += int64(e.bytes)
		for t := range st.group.tails {
			t.offer(tailed{st, e})
		}
	}
	return nil
}
