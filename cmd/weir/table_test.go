package main

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func example() *table {
	t := &table{columns: []column{{"ID", false, 0}, {"NAME", true, 1}, {"VPC", false, 3}, {"DESCRIPTION", true, 2}}}
	t.add("eni-0a1b2c3d", "web", "vpc-1", "a long description of what it is")
	t.add("eni-1", "", "vpc-0a1b2c3d", "ein Gerät")
	return t
}

func TestTableFits(t *testing.T) {
	for _, tt := range []struct {
		name  string
		width int
		want  string
	}{
		{"all of it where there is no terminal", 0, `
ID            NAME  VPC           DESCRIPTION
eni-0a1b2c3d  web   vpc-1         a long description of what it is
eni-1         -     vpc-0a1b2c3d  ein Gerät
`},
		{"long values are cut", 52, `
ID            NAME  VPC           DESCRIPTION
eni-0a1b2c3d  web   vpc-1         a long descriptio…
eni-1         -     vpc-0a1b2c3d  ein Gerät
`},
		{"an id is not cut, its column goes", 44, `
ID            NAME  DESCRIPTION
eni-0a1b2c3d  web   a long description of w…
eni-1         -     ein Gerät
`},
		{"one column after the other goes", 20, `
ID            NAME
eni-0a1b2c3d  web
eni-1         -
`},
		{"the last column is cut if it must be", 6, `
ID
eni-0…
eni-1
`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b bytes.Buffer
			if err := example().write(&b, tt.width); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(b.String(), tt.want[1:]); diff != "" {
				t.Errorf("the table (-got +want):\n%s", diff)
			}
		})
	}
	for width := 1; width < 80; width++ {
		var b bytes.Buffer
		if err := example().write(&b, width); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > width {
				t.Errorf("at %d columns a line has %d: %q", width, n, line)
			}
		}
	}
}

func TestTableIsHarmless(t *testing.T) {
	tab := &table{columns: []column{{"NAME", true, 0}}}
	tab.add("\x1b[2J\xffa\nb")
	if got, want := tab.rows[0][0], "?[2J?a?b"; got != want {
		t.Errorf("the value is %q, want %q", got, want)
	}
}
