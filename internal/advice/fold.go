package advice

import (
	"math"
	"net/netip"
	"slices"
)

// fit makes a side have so many rules at most: addresses of one service that one rule
// let pass are joined to networks, the closest first; rules that this is not enough for
// stay as they are.
func (s *Side) fit(most int) {
	s.Before = len(s.Rules)
	s.known()
	for bits := 1; bits <= 128 && s.count() > most; bits++ {
		over := s.count() - most
		for i := range s.Rules {
			r := &s.Rules[i]
			r.Narrower, over = fold(r.Narrower, bits, over)
		}
		s.known()
	}
	for s.count() > most {
		widest := -1
		for i := range s.Rules {
			if n := len(s.Rules[i].Narrower); n > 1 && (widest < 0 || n > len(s.Rules[widest].Narrower)) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		r := &s.Rules[widest]
		r.Verdict, r.Narrower, r.Note = Used, nil, "narrower rules would be too many"
	}
	s.After = s.count()
}

// known leaves out proposals that a present rule says already, and keeps that rule.
func (s *Side) known() {
	at := map[ruleKey]int{}
	for i := range s.Rules {
		at[keyOf(&s.Rules[i].Rule)] = i
	}
	for i := range s.Rules {
		r := &s.Rules[i]
		r.Narrower = slices.DeleteFunc(r.Narrower, func(p Proposal) bool {
			j, ok := at[keyOfChange(&p.Change)]
			if !ok {
				return false
			}
			have := &s.Rules[j]
			if i != j {
				have.add(p.Sums)
				r.Note = "another rule of the group has a part of it"
			}
			if have.Replaced() {
				have.Verdict = Used
			}
			return true
		})
	}
	for i := range s.Rules {
		if !s.Rules[i].Replaced() {
			s.Rules[i].Narrower = nil
		}
	}
}

// count is how many rules the side has with the proposal.
func (s *Side) count() int {
	n := 0
	for i := range s.Rules {
		if !s.Rules[i].Replaced() {
			n++
		}
		n += len(s.Rules[i].Narrower)
	}
	return n
}

// fold joins neighbours of one service, whose networks have so many bits in common that
// what is left is bits, until there are over less. It returns how many are still over.
func fold(list []Proposal, bits, over int) ([]Proposal, int) {
	out := list[:0]
	for _, p := range list {
		if n := len(out); over > 0 && n > 0 {
			last := &out[n-1]
			if joined, ok := common(last, &p, bits); ok {
				seen := add(size(last.Peer)-last.Widened, size(p.Peer)-p.Widened)
				last.Peer, last.Widened = joined, size(joined)-seen
				last.add(p.Sums)
				over--
				continue
			}
		}
		out = append(out, p)
	}
	return out, over
}

// common is the smallest network of two, if both are of one service and family and it is
// not larger than 2^bits.
func common(x, y *Proposal, bits int) (netip.Prefix, bool) {
	if x.Group != "" || y.Group != "" || x.Protocol != y.Protocol || x.Ports != y.Ports || x.Peer.Addr().Is4() != y.Peer.Addr().Is4() {
		return netip.Prefix{}, false
	}
	most := x.Peer.Addr().BitLen() - bits
	if most < 0 {
		return netip.Prefix{}, false
	}
	for n := min(x.Peer.Bits(), y.Peer.Bits()); n >= most; n-- {
		if p := netip.PrefixFrom(x.Peer.Addr(), n).Masked(); p.Contains(y.Peer.Addr()) {
			return p, true
		}
	}
	return netip.Prefix{}, false
}

// size is how many addresses a network has, at most the greatest int64.
func size(p netip.Prefix) int64 {
	if host := p.Addr().BitLen() - p.Bits(); host < 63 {
		return 1 << host
	}
	return math.MaxInt64
}

func add(x, y int64) int64 {
	if x > math.MaxInt64-y {
		return math.MaxInt64
	}
	return x + y
}
