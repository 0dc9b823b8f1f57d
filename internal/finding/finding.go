package finding

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"

	"weir/internal/firewall"
)

// A Kind says which rule found something.
type Kind string

// Kinds, those that matter most first.
const (
	Flood      Kind = "half-open-flood"
	Stopped    Kind = "stopped-answering"
	Vertical   Kind = "vertical-scan"
	Horizontal Kind = "horizontal-scan"
	Slow       Kind = "slow-scan"
	Skipped    Kind = "skipped"
	Refused    Kind = "refused-again"
	OneWay     Kind = "one-way"
	NewService Kind = "new-service"
	NewTalker  Kind = "new-talker"
	Volume     Kind = "unusual-volume"
	Missing    Kind = "missing-windows"
	Beacon     Kind = "beacon"
)

var kinds = []Kind{Flood, Stopped, Vertical, Horizontal, Slow, Skipped, Refused, OneWay, NewService, NewTalker, Volume, Missing, Beacon}

// Confidence says how likely it is that a finding is what its kind says.
type Confidence string

// Confidences.
const (
	Low    Confidence = "low"
	Medium Confidence = "medium"
	High   Confidence = "high"
)

// A Finding is something that looks wrong or is worth a look.
type Finding struct {
	Kind       Kind       `json:"kind"`
	Confidence Confidence `json:"confidence"`
	Text       string     `json:"text"` // one sentence, without a full stop

	// Records are those that the rule counted; the condition may select more, such as
	// the answers to them.
	Records int64 `json:"records"`
	// Count is what the kind counts: ports, addresses, clients, times, intervals.
	Count int64 `json:"count"`
	// First and Last are the least start and the greatest end, in Unix seconds.
	First int64 `json:"-"`
	Last  int64 `json:"-"`

	Where    string     `json:"where"` // condition that selects the records
	Evidence []Evidence `json:"evidence"`
}

// Evidence is one record of a finding, as it was.
type Evidence struct {
	Fields string `json:"fields"` // their names, as in a header
	Line   string `json:"line"`
}

// Options say what to look for.
type Options struct {
	// Rules tell which rule refused; nil is that nobody knows them.
	Rules *firewall.Set
	// Against has the records of an earlier period; nil is that there is none.
	Against *Finder
	// Partial says that a condition chose the records, so that what is missing means
	// nothing: no connections in one direction, no stopped services, no gaps.
	Partial bool
}

// A Report is what was found, and what was not looked at.
type Report struct {
	Findings []Finding // those that matter most first
	// More counts, by kind, findings that are left out because there are more than
	// [MaxOfKind].
	More map[Kind]int

	Talks       int   // clients of services that were told apart
	Beyond      int64 // records that came when no more talks could be kept: services alone were told apart
	Unread      int64 // records with addresses, ports or times that cannot be read
	WithoutLine int   // talks of which no record could be kept
	Buckets     int64 // seconds of a stretch in which volumes are added up; 0: none
	Incomplete  bool  // interfaces that came when no more could be kept are left out
}

// MaxOfKind is how many findings of a kind a report has.
const MaxOfKind = 100

// Limits of a Finder, for all its collectors together.
const (
	maxTalks     = 1 << 20
	maxAddrs     = 1 << 20
	maxLines     = 64 << 20 // bytes
	maxEvidence  = 3        // lines of a finding
	maxSeries    = 1 << 16  // stretches of time of interfaces
	maxInterface = 1 << 14
)

// A Finder collects what findings are made of. Any number of goroutines may ask it for
// a collector.
type Finder struct {
	seed   uint64
	keep   Lines
	budget budget

	mu  sync.Mutex
	all []*Collector
}

// budget is what may still be kept.
type budget struct{ talks, addrs, lines atomic.Int64 }

// take takes n, unless no more is left.
func take(from *atomic.Int64, n int64) bool {
	if from.Add(-n) >= 0 {
		return true
	}
	from.Add(n)
	return false
}

// Lines says which records are kept as they were, for evidence.
type Lines uint8

// Lines that are kept.
const (
	Doubtful Lines = iota // of what may look wrong by itself
	AllLines              // also of what may be new against another Finder
	NoLines               // none: nothing is looked for
)

// New returns a Finder that has seen nothing.
func New(keep Lines) *Finder { return newFinder(keep, maxTalks-maxTalks/16, maxAddrs, maxLines) }

func newFinder(keep Lines, talks, addrs, lines int64) *Finder {
	f := &Finder{seed: newSeed(), keep: keep}
	f.budget.talks.Store(talks)
	f.budget.addrs.Store(addrs)
	f.budget.lines.Store(lines)
	return f
}

// Collector returns a collector for one goroutine.
func (f *Finder) Collector() *Collector {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := newCollector(f)
	f.all = append(f.all, c)
	return c
}

// joined returns all that was collected. The other collectors must not be used again.
func (f *Finder) joined() *Collector {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.all) == 0 {
		f.all = append(f.all, newCollector(f))
	}
	for _, c := range f.all[1:] {
		f.all[0].merge(c)
	}
	f.all = f.all[:1]
	return f.all[0]
}

// Find looks at everything that was collected. Nothing must be added meanwhile or
// afterwards.
func (f *Finder) Find(o Options) Report {
	c := f.joined()
	s := &search{Collector: c, o: o, r: Report{More: map[Kind]int{}, Talks: c.talks.n, Beyond: c.beyond, Unread: c.unread, WithoutLine: c.untold(),
		Buckets: c.series.width, Incomplete: c.series.full}}
	s.clients()
	s.services()
	s.beacons()
	s.refusals()
	s.against()
	s.interfaces()
	s.r.Findings = s.ranked()
	return s.r
}

// A search is one run of all rules.
type search struct {
	*Collector
	o     Options
	r     Report
	found []Finding
}

func (s *search) add(f Finding) { s.found = append(s.found, f) }

// ranked returns the findings in their order: confidence, then kind, then how much.
func (s *search) ranked() []Finding {
	order := func(f Finding) int {
		return slices.Index([]Confidence{High, Medium, Low}, f.Confidence)*len(kinds) + slices.Index(kinds, f.Kind)
	}
	slices.SortFunc(s.found, func(a, b Finding) int {
		return cmp.Or(order(a)-order(b), cmp.Compare(b.Count, a.Count), cmp.Compare(b.Records, a.Records), cmp.Compare(a.Text, b.Text))
	})
	n := map[Kind]int{}
	return slices.DeleteFunc(s.found, func(f Finding) bool {
		if n[f.Kind]++; n[f.Kind] > MaxOfKind {
			s.r.More[f.Kind]++
			return true
		}
		return false
	})
}

// confidence returns the highest of which the condition holds.
func confidence(high, medium bool) Confidence {
	switch {
	case high:
		return High
	case medium:
		return Medium
	}
	return Low
}
