package source

import (
	"bytes"
	"fmt"
	"strings"

	"weir/record"
)

// maxStray is how long a line may be that is taken for a header with unknown names.
const maxStray = 4096

// strayHeader says why a line that [record.ParseHeader] does not take for a header is
// one all the same, and what below it is: every word is shaped like a name, and two or
// more are names of fields. No record looks like that. It is refused, and what is below
// it must not be read as what was above.
func strayHeader(line []byte) (reason string, stray bool) {
	if len(line) > maxStray {
		return "", false
	}
	for word := range bytes.SplitSeq(line, []byte{' '}) {
		if !isName(word) {
			return "", false
		}
	}
	known := 0
	var others []string
	for word := range bytes.SplitSeq(line, []byte{' '}) {
		if _, ok := record.ParseHeader(word); ok {
			known++
		} else {
			others = append(others, string(word))
		}
	}
	if known < 2 {
		return "", false
	}
	if len(others) == 0 {
		return "a header in which a name comes twice", true
	}
	more := ""
	if n := len(others) - 3; n > 0 {
		others, more = others[:3], fmt.Sprintf(" and %d more", n)
	}
	return "a header with unknown names: " + strings.Join(others, ", ") + more, true
}

// isName reports whether a word is shaped like a name in a header.
func isName(b []byte) bool {
	if len(b) > 3 && string(b[:2]) == "${" && b[len(b)-1] == '}' {
		b = b[2 : len(b)-1]
	}
	if len(b) == 0 || len(b) > 64 {
		return false
	}
	for i, c := range b {
		if letter := 'a' <= c|0x20 && c|0x20 <= 'z'; !letter && (i == 0 || c != '-' && c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return true
}

// maxInfer is how much of a text is looked at where its beginning does not tell its
// format, such as that of interfaces without traffic.
const maxInfer = 4 << 20

// undecided reports whether the format of a text without a header can't be told yet, and
// more of it may help.
func (r *run) undecided(text []byte) bool {
	if r.Assume != nil {
		return false
	}
	begin, at := 0, 0
	for line := range bytes.Lines(text) {
		at += len(line)
		if c := line[0]; c <= '9' && c >= '-' {
			continue
		}
		line = bytes.TrimRight(bytes.TrimPrefix(line, bom), " \t\r\n")
		if _, ok := record.ParseHeader(line); ok {
			return false
		}
		if _, stray := strayHeader(line); stray {
			begin = at
		}
	}
	_, _, err := infer(text[begin:])
	return err != nil
}
