package described

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"weir/internal/vpc"
)

// missing returns what a network does not have and ought to have.
func (b *builder) missing(n *vpc.Network) (out []string) {
	none := func(is bool, what string) {
		if is {
			out = append(out, "no "+what+": nothing can be said of them")
		}
	}
	none(len(n.SecurityGroups) == 0, "security groups")
	none(len(n.NetworkACLs) == 0, "network ACLs")
	none(len(n.Interfaces) == 0, "network interfaces")
	say := func(which *ids, what, is string) {
		if len(which.list) > 0 {
			out = append(out, which.are(what)+" "+is)
		}
	}
	groups, lists := b.referred(n)
	say(groups, "security group", "referred to and not described")
	say(lists, "prefix list", "referred to, with entries that are not known")
	say(&b.bare, "security group", "known by rules alone")
	say(b.strayRules(), "security group rule", "left out: the group, as it is described, has no such rule")
	for _, id := range slices.Sorted(slices.Values(b.portZero.list)) {
		out = append(out, "a rule for port 0 alone is left out of "+id)
	}
	if len(n.NetworkACLs) > 0 {
		unknown, open := b.subnetsWithout(n)
		say(unknown, "subnet", "not described: what stays in it, where no network ACL sees it, is not known")
		say(open, "subnet", "in no network ACL that is described")
	}
	for _, call := range b.unknown {
		out = append(out, "the API does not know "+call)
	}
	return out
}

// referred returns the groups and prefix lists that something refers to and that nobody
// described.
func (b *builder) referred(n *vpc.Network) (groups, lists *ids) {
	groups, lists = new(ids), new(ids)
	group := func(id string) {
		if b.groups.get(id) == nil {
			groups.add(id)
		}
	}
	for _, g := range n.SecurityGroups {
		for _, r := range slices.Concat(g.Ingress, g.Egress) {
			for _, id := range r.Groups {
				group(id)
			}
			for _, id := range r.PrefixLists {
				if b.prefixes.get(id) == nil {
					lists.add(id)
				}
			}
		}
	}
	if len(n.SecurityGroups) == 0 {
		return groups, lists // that there are none has been said
	}
	for _, i := range n.Interfaces {
		for _, id := range i.SecurityGroups {
			group(id)
		}
	}
	return groups, lists
}

// strayRules returns the rules that have an id and are in no description of their group.
func (b *builder) strayRules() *ids {
	out := new(ids)
	for _, g := range b.ruleGroups.list {
		for _, r := range slices.Concat(g.Ingress, g.Egress) {
			if !b.used[r.ID] {
				out.add(r.ID)
			}
		}
	}
	return out
}

// subnetsWithout returns the subnets of interfaces that are without networks, and those
// without a network ACL.
func (b *builder) subnetsWithout(n *vpc.Network) (unknown, open *ids) {
	unknown, open = new(ids), new(ids)
	for _, i := range n.Interfaces {
		if s := b.subnets.get(i.SubnetID); i.SubnetID != "" && (s == nil || len(s.CIDRs) == 0) {
			unknown.add(i.SubnetID)
		} else if s != nil && s.NetworkACLID == "" && !b.given[s.ID] {
			open.add(i.SubnetID)
		}
	}
	return unknown, open
}

// ids are those of one kind of things, each once.
type ids struct {
	list []string
	seen map[string]bool
}

func (s *ids) add(id string) {
	if s.seen[id] {
		return
	}
	if s.seen == nil {
		s.seen = map[string]bool{}
	}
	s.seen[id] = true
	s.list = append(s.list, id)
}

// are returns a text like "security group sg-1 is" or "security groups sg-1, sg-2 and 7
// more are".
func (s *ids) are(what string) string {
	const shown = 5
	list := slices.Sorted(slices.Values(s.list))
	switch n := len(list); {
	case n == 1:
		return what + " " + list[0] + " is"
	case n > shown:
		return fmt.Sprintf("%ss %s and %d more are", what, strings.Join(list[:shown], ", "), n-shown)
	default:
		return what + "s " + strings.Join(list[:n-1], ", ") + " and " + list[n-1] + " are"
	}
}

// at is the place of an element's field, such as "IpRanges[0].CidrIp".
func at(list string, n int, field string) string {
	s := fmt.Sprintf("%s[%d]", list, n)
	if field != "" {
		s += "." + field
	}
	return s
}

// absent is a field that has to be there.
func absent(field string) error { return fmt.Errorf("%s: it is not there", field) }

// inside says that an error is about a part of an element.
func inside(place string, err error) error {
	var f *FieldError
	if errors.As(err, &f) {
		return &FieldError{place + "." + f.Field, f.Value, f.Err}
	}
	return fmt.Errorf("%s.%w", place, err)
}
