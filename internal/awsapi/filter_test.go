package awsapi

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"weir/internal/ec2"
)

type thing struct {
	name, kind string
	tags       []ec2.Tag
}

var things = []thing{
	{"alpha", "a", []ec2.Tag{{Key: "Name", Value: "web-1"}, {Key: "env", Value: "prod"}}},
	{"beta", "b", []ec2.Tag{{Key: "Name", Value: "db"}}},
	{"be*a", "", nil},
	{`c\d`, "c", []ec2.Tag{{Key: "", Value: "nothing"}}},
	{"größe", "Ä", nil},
}

var thingAttrs = map[string]func(*thing) []string{
	"name":   func(t *thing) []string { return []string{t.name} },
	"either": func(t *thing) []string { return []string{t.name, t.kind} },
	"absent": nil,
}

func thingTags(t *thing) []ec2.Tag { return t.tags }

func filter(name string, values ...string) ec2.Filter { return ec2.Filter{Name: name, Values: values} }

func TestMatcher(t *testing.T) {
	for _, tt := range []struct {
		rule string
		fs   []ec2.Filter
		want string
	}{
		{"no filter lets all through", nil, `alpha beta be*a c\d größe`},
		{"a literal is the whole value", []ec2.Filter{filter("name", "alph")}, ""},
		{"values are alternatives", []ec2.Filter{filter("name", "alpha", "beta", "x")}, "alpha beta"},
		{"filters must all match", []ec2.Filter{filter("name", "alpha", "beta"), filter("either", "a")}, "alpha"},
		{"the same filter twice must match twice", []ec2.Filter{filter("name", "alpha"), filter("name", "beta")}, ""},
		{"one of an item's values is enough", []ec2.Filter{filter("either", "b")}, "beta"},
		{"case matters", []ec2.Filter{filter("name", "Alpha")}, ""},
		{"star is any characters, also none", []ec2.Filter{filter("name", "be*ta*", "*ph*a")}, "alpha beta"},
		{"question mark is one character, not one byte", []ec2.Filter{filter("name", "gr??e", "bet")}, "größe"},
		{"an escaped star is a star", []ec2.Filter{filter("name", `be\*a`)}, "be*a"},
		{"an escaped star in a pattern", []ec2.Filter{filter("name", `?e\**`)}, "be*a"},
		{"an escaped backslash is one", []ec2.Filter{filter("name", `c\\d`)}, `c\d`},
		{"an escaped letter is the letter", []ec2.Filter{filter("name", `\b\eta`)}, "beta"},
		{"an empty value matches an empty value", []ec2.Filter{filter("either", "")}, "be*a"},
		{"a filter without values matches nothing", []ec2.Filter{filter("name")}, ""},
		{"a filter for what nothing has matches nothing", []ec2.Filter{filter("absent", "*")}, ""},
		{"a tag by its key", []ec2.Filter{filter("tag:Name", "web-*", "x")}, "alpha"},
		{"a tag's key is case-sensitive", []ec2.Filter{filter("tag:name", "*")}, ""},
		{"any value of a tag", []ec2.Filter{filter("tag:Name", "*")}, "alpha beta"},
		{"a tag's key alone", []ec2.Filter{filter("tag-key", "env", "Na?")}, "alpha"},
		{"a tag's key alone, as a pattern", []ec2.Filter{filter("tag-key", "N*")}, "alpha beta"},
	} {
		m, err := newMatcher(tt.fs, thingAttrs, thingTags)
		if err != nil {
			t.Errorf("%s: %v", tt.rule, err)
			continue
		}
		var got []string
		for i := range things {
			if m.match(&things[i]) {
				got = append(got, things[i].name)
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%s: got %q, want %q", tt.rule, got, tt.want)
		}
	}
}

func TestMatcherRefuses(t *testing.T) {
	many := make([]string, maxFilterValues)
	for _, tt := range []struct {
		rule string
		fs   []ec2.Filter
		tags func(*thing) []ec2.Tag
		want string // "" for none
	}{
		{"an unknown name", []ec2.Filter{filter("x", "y")}, thingTags, "InvalidParameterValue: The filter 'x' is invalid"},
		{"names are case-sensitive", []ec2.Filter{filter("Name", "y")}, thingTags, "InvalidParameterValue: The filter 'Name' is invalid"},
		{"no name", []ec2.Filter{filter("", "y")}, thingTags, "InvalidParameterValue: The filter 'null' is invalid"},
		{"a tag without a key", []ec2.Filter{filter("tag:", "y")}, thingTags, "InvalidParameterValue: The filter 'tag:' is invalid"},
		{"tags where there are none", []ec2.Filter{filter("tag:a", "y")}, nil, "InvalidParameterValue: The filter 'tag:a' is invalid"},
		{"keys where there are no tags", []ec2.Filter{filter("tag-key", "y")}, nil, "InvalidParameterValue: The filter 'tag-key' is invalid"},
		{"200 values", []ec2.Filter{filter("name", many...)}, thingTags, ""},
		{"201 values of two filters", []ec2.Filter{filter("name", many...), filter("either", "y")}, thingTags,
			"FilterLimitExceeded: The maximum number of filter values specified on a single call is 200"},
		{"a value of 255 characters", []ec2.Filter{filter("name", strings.Repeat("ä", 255))}, thingTags, ""},
		{"a value of 256 characters", []ec2.Filter{filter("name", strings.Repeat("a", 256))}, thingTags,
			"FilterLimitExceeded: The maximum length for a filter value is 255 characters"},
	} {
		_, err := newMatcher(tt.fs, thingAttrs, tt.tags)
		var e *ec2.Error
		if got := ""; err != nil && !errors.As(err, &e) || err != nil && err.Error() != tt.want || err == nil && tt.want != got {
			t.Errorf("%s: got %v, want %q", tt.rule, err, tt.want)
		}
	}
}

// naive is what a filter value means, without a thought of speed.
func naive(value, s []rune) bool {
	switch {
	case len(value) == 0:
		return len(s) == 0
	case value[0] == '*':
		return naive(value[1:], s) || len(s) > 0 && naive(value, s[1:])
	case len(s) == 0:
		return false
	case value[0] == '?':
		return naive(value[1:], s[1:])
	case value[0] == '\\' && len(value) > 1:
		return value[1] == s[0] && naive(value[2:], s[1:])
	}
	return value[0] == s[0] && naive(value[1:], s[1:])
}

func FuzzFilterValue(f *testing.F) {
	for _, s := range [][2]string{
		{"*", ""}, {"a*b*c", "aXbXbc"}, {"a?c", "abc"}, {`a\*`, "a*"}, {`\`, `\`}, {`*\`, `x\`}, {"*a", "aa"}, {"??", "ä"},
		{"a*a", "a"}, {"**", "x"}, {`\?*`, "?"}, {"*ab*ab", "abab"}, {`\\*`, `\x`}, {"", ""},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, value, s string) {
		if len(value) > 24 || len(s) > 48 || !utf8.ValidString(value) || !utf8.ValidString(s) {
			return // naive takes exponential time, and XML takes no such string
		}
		var set valueSet
		set.add(value)
		if got, want := set.has(s), naive([]rune(value), []rune(s)); got != want {
			t.Errorf("%q matches %q: %v, want %v", value, s, got, want)
		}
	})
}

func TestMatchDoesNotAllocate(t *testing.T) {
	values := []string{"alpha"}
	m, err := newMatcher([]ec2.Filter{filter("name", "alpha", "b*"), filter("tag:Name", "web-1")},
		map[string]func(*thing) []string{"name": func(*thing) []string { return values }}, thingTags)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { m.match(&things[0]) }); n != 0 {
		t.Errorf("match allocates %v times, want 0", n)
	}
	if !slices.Equal(values, []string{"alpha"}) || !m.match(&things[0]) {
		t.Error("the first thing doesn't match")
	}
}
