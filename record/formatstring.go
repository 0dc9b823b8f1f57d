package record

import (
	"strconv"
	"strings"
)

// ParseLogFormat reads a format as Amazon's API takes it: ${name} tokens with
// exactly one space between them and no other text, at least one, none twice.
// Names that begin with "x-" are extensions of ours; whoever must not write
// them looks at [Format.Extensions]. The error is a [*FormatError].
//
// That a repeated field is an error is our decision: what Amazon does with one
// is not documented.
func ParseLogFormat(s string) (Format, error) {
	b := formatBuilder{src: s}
	for i := 0; ; i++ { // i is where a token must begin
		if !strings.HasPrefix(s[i:], "${") {
			end := i + len(word(s[i:], " "))
			if end == i && i < len(s) {
				end++ // a space too many
			}
			return Format{}, b.fail(i, end, "want ${name}", "")
		}
		n := strings.IndexAny(s[i:], "} ")
		if n < 0 || s[i+n] == ' ' {
			return Format{}, b.fail(i, i+len(word(s[i:], " ")), "no closing brace in", "")
		}
		end := i + n + 1
		if err := b.addName(i+2, end-1, false); err != nil {
			return Format{}, err
		}
		if end == len(s) {
			return b.format(), nil
		}
		if s[end] != ' ' {
			return Format{}, b.fail(end, end+len(word(s[end:], " ")), "want one space before", "")
		}
		i = end
	}
}

// ParseFormat reads a format as a user types it: names separated by spaces,
// commas or plus signs, each one of
//
//	account-id, ${account-id}   a field; account_id and accountId will do
//	x-drop-reason               an extension
//	default                     the 14 fields of version 2
//	v2 v3 v4 v5 v7 v8 v9 v10 v11  all fields of VPC flow logs up to that version
//	all                         all fields of VPC flow logs
//	tgw                         the default of transit gateway flow logs
//
// so that "default+tcp-flags+vpc-id" is the default format and two fields. No
// field may come twice. The error is a [*FormatError].
func ParseFormat(s string) (Format, error) {
	const sep = " ,+\t\r\n"
	b := formatBuilder{src: s}
	for i := 0; i < len(s); {
		if strings.IndexByte(sep, s[i]) >= 0 {
			i++
			continue
		}
		end := i + len(word(s[i:], sep))
		var err error
		switch tok := s[i:end]; {
		case !strings.HasPrefix(tok, "${"):
			err = b.addWord(i, end)
		case !strings.HasSuffix(tok, "}"):
			err = b.fail(i, end, "no closing brace in", "")
		default:
			err = b.addName(i+2, end-1, true)
		}
		if err != nil {
			return Format{}, err
		}
		i = end
	}
	if len(b.fields) == 0 {
		return Format{}, b.fail(len(s), len(s), "no fields", "")
	}
	return b.format(), nil
}

// word returns s up to the first byte that is in sep.
func word(s, sep string) string {
	if i := strings.IndexAny(s, sep); i >= 0 {
		return s[:i]
	}
	return s
}

// formatBuilder collects the fields of a format string.
type formatBuilder struct {
	src    string
	fields []Field
	ext    []string
	seen   bitmap
}

func (b *formatBuilder) format() Format { return Format{newPlan(b.fields, b.ext)} }

// fail returns an error about src[from:to].
func (b *formatBuilder) fail(from, to int, reason, suggest string) *FormatError {
	return &FormatError{Format: b.src, Offset: from, Token: b.src[from:to], Reason: reason, Suggest: suggest}
}

// addWord adds the field or the group of fields that src[from:to] names.
func (b *formatBuilder) addWord(from, to int) error {
	var fields []Field
	switch tok := b.src[from:to]; tok {
	case "default":
		fields = upTo(2)
	case "all":
		fields = upTo(maxByte)
	case "tgw":
		fields = transitGateway[:]
	default:
		v, err := strconv.ParseUint(strings.TrimPrefix(tok, "v"), 10, 31)
		if tok[0] != 'v' || err != nil {
			return b.addName(from, to, true)
		}
		f, err := UpTo(int(v))
		if err != nil {
			suggest := "all"
			if v == 6 {
				suggest = "tgw"
			}
			return b.fail(from, to, "no such version of VPC flow logs:", suggest)
		}
		fields = f.Fields()
	}
	for _, f := range fields {
		if err := b.add(f, from, to); err != nil {
			return err
		}
	}
	return nil
}

// addName adds the field that src[from:to] names, in any spelling if loose.
func (b *formatBuilder) addName(from, to int, loose bool) error {
	name := b.src[from:to]
	f, ok := looseNames[looseKey(name)]
	switch {
	case ok && (loose && isName(name) || f.Name() == name):
		return b.add(f, from, to)
	case isExtension(name):
		for _, e := range b.ext {
			if e == name {
				return b.fail(from, to, "field comes twice:", "")
			}
		}
		if len(b.ext) == maxExtensions {
			return b.fail(from, to, "too many extensions with", "")
		}
		b.ext = append(b.ext, name)
		b.fields = append(b.fields, None)
		return nil
	}
	return b.fail(from, to, "unknown field", nearest(name, loose && b.src[max(0, from-1)] != '{'))
}

// add adds f, which src[from:to] stands for.
func (b *formatBuilder) add(f Field, from, to int) error {
	if b.seen.has(uint8(f)) {
		reason := "field comes twice:"
		if looseKey(b.src[from:to]) != looseKey(f.Name()) {
			reason = "field " + f.Name() + " comes twice, again in"
		}
		return b.fail(from, to, reason, "")
	}
	b.seen.add(uint8(f))
	b.fields = append(b.fields, f)
	return nil
}

// isExtension reports whether name may be one of a field beyond Amazon's: "x-"
// and lower-case letters, digits and hyphens.
func isExtension(name string) bool {
	if len(name) < 3 || len(name) > maxName || name[:2] != "x-" {
		return false
	}
	for _, c := range []byte(name) {
		if c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// nearest returns the name that is fewest edits away from name, and "" if none
// is near. The group words count only where they are allowed.
func nearest(name string, words bool) string {
	if len(name) == 0 || len(name) > maxName {
		return ""
	}
	best, most := "", 1+max(1, len(name)/3)
	try := func(s string) {
		if d := distance(strings.ToLower(name), s); d < most {
			best, most = s, d
		}
	}
	for _, f := range AllFields() {
		try(f.Name())
	}
	if words {
		for _, w := range []string{"default", "all", "tgw"} {
			try(w)
		}
	}
	return best
}

// distance returns how many insertions, deletions, replacements and exchanges
// of neighbours make b of a.
func distance(a, b string) int {
	var rows [3][2*maxName + 1]int // this row, the one before, the one before that
	cur, prev, old := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		cur[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur, prev, old = old, cur, prev
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			d := prev[j-1]
			if a[i-1] != b[j-1] {
				d++
			}
			d = min(d, prev[j]+1, cur[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, old[j-2]+1)
			}
			cur[j] = d
		}
	}
	return cur[len(b)]
}
