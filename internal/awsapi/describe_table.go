package awsapi

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"weir/internal/ec2"
	"weir/internal/vpc"
)

// The bounds of MaxResults in calls that describe.
const minResults, maxResults = 5, 1000

// An ask is what the requests of all calls that describe have in common.
type ask struct {
	tagger  *tagger
	ids     []string
	filters []ec2.Filter
	max     *int
	token   string
}

// A kind is what a call describes: how a resource is identified and filtered.
type kind[T any] struct {
	names idNames
	id    func(*T) string
	tags  func(*T) *[]ec2.Tag      // where an answer has them; nil if it has none
	own   func(id string) vpc.Tags // the model's
	attrs map[string]func(*T) []string
}

// idNames are Amazon's words for the ids of a kind.
type idNames struct {
	prefix string // "i"

	// malformed is for an id of another form, ofOthers for one that begins like
	// those of another kind; nil where Amazon says of such an id, too, that there
	// is none.
	malformed, ofOthers *ec2.Kind

	notFound *ec2.Kind
	several  *ec2.Kind // if several are not there; nil where that is notFound

	// set is what Amazon calls the list of ids in the message that refuses it
	// beside MaxResults; empty where the two go together.
	set string
}

// A table has every resource of a kind, by id, as answers show them.
type table[T any] struct {
	kind[T]
	rows []*T // sorted by id
	byID map[string]*T
}

func newTable[T any](k kind[T], list []T) *table[T] {
	t := &table[T]{kind: k, byID: make(map[string]*T, len(list)), rows: make([]*T, 0, len(list))}
	model := new(tagger)
	for i := range list {
		id := k.id(&list[i])
		if t.byID[id] == nil { // the first one has it, as in a vpc.Index
			t.byID[id] = &list[i]
			if k.tags != nil {
				*k.tags(&list[i]) = model.of(id, k.own(id))
			}
			t.rows = append(t.rows, &list[i])
		}
	}
	slices.SortFunc(t.rows, func(a, b *T) int { return strings.Compare(k.id(a), k.id(b)) })
	return t
}

// current returns the tags of a resource: listed are the model's, by key, and own
// returns these for the few resources whose tags were changed since.
func (t *tagger) current(id string, listed []ec2.Tag, own func(id string) vpc.Tags) []ec2.Tag {
	if t.changes[id] == nil {
		return listed
	}
	return t.of(id, own(id))
}

// describe returns the resources that are asked for, in copies with their tags,
// and the token for those that follow.
func describe[T any](t *table[T], a ask) ([]T, string, error) {
	var tags func(*T) []ec2.Tag
	if t.tags != nil {
		tags = func(x *T) []ec2.Tag { return a.tagger.current(t.id(x), *t.tags(x), t.own) }
	}
	m, err := newMatcher(a.filters, t.attrs, tags)
	if err != nil {
		return nil, "", err
	}
	if t.names.set != "" {
		if err := notPaged(len(a.ids), t.names.set, a.max); err != nil {
			return nil, "", err
		}
	}
	rows, err := t.chosen(a.ids)
	if err != nil {
		return nil, "", err
	}
	var found []*T
	for _, r := range rows {
		if m.match(r) {
			found = append(found, r)
		}
	}
	found, next, err := page(found, func(x **T) string { return t.id(*x) }, a.max, a.token, minResults, maxResults)
	if err != nil {
		return nil, "", err
	}
	out := make([]T, len(found))
	for i, r := range found {
		out[i] = *r
		if tags != nil {
			*t.tags(&out[i]) = tags(r)
		}
	}
	return out, next, nil
}

// chosen returns the rows with the given ids, or all without any.
func (t *table[T]) chosen(ids []string) ([]*T, error) {
	if len(ids) == 0 {
		return t.rows, nil
	}
	var out []*T
	var missing []string
	seen := make(map[string]bool, len(ids))
	for _, id := range ids {
		if err := t.names.check(id); err != nil {
			return nil, err
		}
		if seen[id] {
			continue
		}
		seen[id] = true
		if r := t.byID[id]; r != nil {
			out = append(out, r)
		} else {
			missing = append(missing, id)
		}
	}
	if len(missing) > 0 {
		return nil, t.names.none(missing)
	}
	return out, nil
}

var idDigits = regexp.MustCompile(`^([0-9a-f]{8}|[0-9a-f]{17})$`)

func (n *idNames) check(id string) error {
	if n.malformed == nil {
		return nil
	}
	digits, ok := strings.CutPrefix(id, n.prefix+"-")
	switch {
	case !ok:
		return n.ofOthers.With(id)
	case !idDigits.MatchString(digits):
		return n.malformed.With(id)
	}
	return nil
}

func (n *idNames) none(ids []string) error {
	if len(ids) > 1 && n.several != nil {
		return n.several.With(strings.Join(ids, ", "))
	}
	return n.notFound.With(ids[0])
}

// one makes an attribute of what an item has one of. An empty string is unknown,
// which no pattern matches.
func one[T any](get func(*T) string) func(*T) []string {
	return func(x *T) []string {
		if s := get(x); s != "" {
			return []string{s}
		}
		return nil
	}
}

// always makes an attribute of what is the same of every item.
func always[T any](value string) func(*T) []string {
	list := []string{value}
	return func(*T) []string { return list }
}

// flag makes an attribute of a boolean.
func flag[T any](get func(*T) bool) func(*T) []string {
	return func(x *T) []string { return []string{strconv.FormatBool(get(x))} }
}

// many makes an attribute of what an item has a list of.
func many[T, E any](list func(*T) []E, get func(*E) string) func(*T) []string {
	return func(x *T) []string {
		all := list(x)
		out := make([]string, 0, len(all))
		for i := range all {
			if s := get(&all[i]); s != "" {
				out = append(out, s)
			}
		}
		return out
	}
}

// unknown adds filters for what no item here ever has.
func unknown[T any](attrs map[string]func(*T) []string, names ...string) {
	for _, name := range names {
		attrs[name] = nil
	}
}

// hashID makes an id of Amazon's shape, the same for the same parts.
func hashID(prefix string, parts ...string) string {
	sum := sha256.Sum256([]byte(prefix + "\x00" + strings.Join(parts, "\x00")))
	return prefix + "-" + hex.EncodeToString(sum[:])[:17]
}
