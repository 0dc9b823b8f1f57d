package explain

import (
	"net/netip"
	"slices"

	"weir/internal/firewall"
	"weir/internal/vpc"
	"weir/record"
)

// Words are how numbers and names are written. Every function but Name is required.
type Words struct {
	Protocol func(number int64) string // such as "tcp", or the number
	Service  func(port int64) string   // such as "ssh"; "" if the port has no name
	Count    func(n int64) string
	Bytes    func(n int64) string
	Time     func(unix int64) string

	// Name returns what the value of a field is called at a time, seen from a VPC; "" if
	// it has no name. nil names nothing.
	Name func(f record.Field, value, vpc string, unix int64) string
}

// Config says how an [Explainer] works. Words is required.
type Config struct {
	Words   Words
	Network *vpc.Network // with the rules to ask; nil: none. It must not change any more
	Why     bool         // whether to name the rules that let accepted traffic through, too

	// Connections is how many connections are remembered; default 65536. Each takes
	// some 300 bytes.
	Connections int
}

// An Explainer explains records. It belongs to one goroutine.
type Explainer struct {
	words  Words
	why    bool
	memory *memory
	index  *vpc.Index // nil without rules
	rules  *firewall.Set

	// holders are the interfaces that have addresses; nil where two VPCs have the same.
	holders map[netip.Addr]*vpc.Interface
}

// New returns an explainer that has seen no record.
func New(cfg Config) *Explainer {
	e := &Explainer{words: cfg.Words, why: cfg.Why, memory: newMemory(cfg.Connections)}
	if cfg.Network != nil {
		e.index, e.rules = vpc.NewIndex(*cfg.Network), firewall.Compile(cfg.Network)
		e.holders = map[netip.Addr]*vpc.Interface{}
		for _, i := range cfg.Network.Interfaces {
			for _, addr := range i.Addrs {
				if other, ok := e.holders[addr]; ok && other != i {
					e.holders[addr] = nil
				} else {
					e.holders[addr] = i
				}
			}
		}
	}
	return e
}

// An Explanation is what a record means.
type Explanation struct {
	Facts  Facts
	Head   []Sentence // one paragraph: what happened
	Points []Point    // what else the record says
	Rules  []Point    // what the rules say of it; empty without rules
	Cannot []Sentence // what the record does not tell
}

// A Point is a sentence with what belongs to it.
type Point struct {
	Sentence
	Code  []string // lines to copy, such as a command
	Below []Point
}

// Facts are what is known of a record, in words for programs: each is empty if it is not
// known.
type Facts struct {
	Status        string `json:"status,omitempty"`         // OK, NODATA, SKIPDATA
	Verdict       string `json:"verdict,omitempty"`        // accepted, refused
	Direction     string `json:"direction,omitempty"`      // ingress, egress
	DirectionFrom string `json:"direction_from,omitempty"` // flow-direction, traffic-path, addresses
	Interface     string `json:"interface,omitempty"`
	Protocol      string `json:"protocol,omitempty"`
	Service       string `json:"service,omitempty"`
	Flags         string `json:"flags,omitempty"` // a code such as syn, syn-fin, none
	Late          bool   `json:"late,omitempty"`  // after its connection was closed, as the records before say
	ByRules       string `json:"by_rules,omitempty"`
}

// account is a record while it is explained.
type account struct {
	*Explainer
	format record.Format
	r      *record.Record
	x      *Explanation

	iface *vpc.Interface // nil if no network has it
	back  way            // what the other direction of the same connection had
	mine  way            // what this one had, this record included
}

// See remembers the connection of a record. Records should come in the order of time.
func (e *Explainer) See(r *record.Record) { e.memory.see(r) }

// Explain returns what a record of a format means. It knows of connections what [Explainer.See]
// has seen until now.
func (e *Explainer) Explain(f record.Format, r *record.Record) *Explanation {
	a := &account{Explainer: e, format: f, r: r, x: &Explanation{}}
	a.mine, a.back = e.memory.look(r)
	a.x.Facts.Interface = a.text(record.InterfaceID)
	if r.Status() != record.NoStatus {
		a.x.Facts.Status = r.Status().String()
	}
	if e.index != nil {
		if a.iface = a.known(); a.iface != nil {
			a.x.Facts.Interface = a.iface.ID
		}
	}
	if r.Status() == record.NoData || r.Status() == record.SkipData {
		a.nothing()
		a.location()
		a.others()
		return a.x
	}
	a.direction()
	a.head()
	a.verdict()
	a.flags()
	a.addresses()
	a.path()
	a.hop()
	a.encryption()
	a.gateway()
	a.owner()
	a.location()
	a.others()
	a.askRules()
	a.unknowns()
	return a.x
}

// text returns a field as it stands in a line, "" if it is absent.
func (a *account) text(f record.Field) string {
	if !a.r.Has(f) {
		return ""
	}
	return string(a.r.AppendField(nil, f))
}

// number returns an integer field, -1 if it is absent.
func (a *account) number(f record.Field) int64 {
	if n, ok := a.r.Int(f); ok {
		return n
	}
	return -1
}

// at is when a name has to be right.
func (a *account) at() int64 {
	if n := a.number(record.Start); n >= 0 {
		return n
	}
	return max(0, a.number(record.End))
}

// called returns the value of a field with its name, if it has one.
func (a *account) called(f record.Field) any {
	v := a.text(f)
	if a.words.Name == nil || v == "" {
		return v
	}
	if name := a.words.Name(f, v, a.text(record.VPCID), a.at()); name != "" && name != v {
		return say("named", "name", name, "value", v)
	}
	return v
}

// known returns the interface of the record as the network has it.
func (a *account) known() *vpc.Interface {
	if id := a.text(record.InterfaceID); id != "" {
		return a.index.ByID(id)
	}
	if a.format.Has(record.InterfaceID) || a.format.Has(record.TGWID) {
		return nil
	}
	// The format has no interface: one that has exactly one of the two addresses is it.
	src, dst := a.holder(record.SrcAddr), a.holder(record.DstAddr)
	switch {
	case src == nil:
		return dst
	case dst == nil:
		return src
	case a.text(record.FlowDirection) == "egress":
		return src
	case a.text(record.FlowDirection) == "ingress":
		return dst
	}
	return nil
}

func (a *account) holder(f record.Field) *vpc.Interface {
	addr, ok := a.r.Addr(f)
	if !ok {
		return nil
	}
	if v := a.text(record.VPCID); v != "" {
		return a.index.ByAddr(v, addr)
	}
	return a.holders[addr]
}

// own says whether the record's interface has an address, as far as the network knows.
func (a *account) own(addr netip.Addr) bool {
	return a.iface != nil && slices.Contains(a.iface.Addrs, addr)
}

func (a *account) point(s Sentence, below ...Point) {
	a.x.Points = append(a.x.Points, Point{Sentence: s, Below: below})
}

func (a *account) cannot(code string, args ...any) {
	a.x.Cannot = append(a.x.Cannot, say(code, args...))
}
