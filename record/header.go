package record

// maxName is the longest field name a header may have.
const maxName = 64

// looseNames finds a field by looseKey of its name.
var looseNames = func() map[string]Field {
	m := make(map[string]Field, numFields)
	for f := Version; f < numFields; f++ {
		m[looseKey(f.Name())] = f
	}
	return m
}()

// looseKey reduces the spellings account-id, account_id and accountId to one;
// it returns "" for what is too long to be a name.
func looseKey(name string) string {
	var buf [maxName]byte
	return string(appendLooseKey(buf[:0], name))
}

func appendLooseKey[T string | []byte](b []byte, name T) []byte {
	if len(name) > maxName {
		return b
	}
	for i := range len(name) {
		c := name[i]
		if c == '-' || c == '_' {
			continue
		}
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		b = append(b, c)
	}
	return b
}

// isName reports whether s is shaped like the name of a field: a letter, then
// letters, digits, hyphens and underscores.
func isName[T string | []byte](s T) bool {
	if len(s) == 0 || len(s) > maxName {
		return false
	}
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (i == 0 || c != '-' && c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return true
}

// ParseHeader reports whether a line, without its newline, is a header: the
// names of the fields of the lines below it. It may stand anywhere in a file
// and more than once. Names may be written account-id, account_id (Athena) or
// accountId (CloudWatch Logs Insights), with or without ${}.
//
// A line is a header if all its fields are shaped like names, none comes twice,
// and it has more names of Amazon's fields than of fields that are neither
// Amazon's nor begin with "x-". What is not Amazon's, or newer than this package,
// becomes an extension of the format under the name it has: it is kept, and does
// not shift its neighbours.
//
// A line that is no header costs no allocation, and if it begins with a digit
// or a hyphen next to no time.
func ParseHeader(line []byte) (Format, bool) {
	if len(line) == 0 || line[0] < 'A' && line[0] != '$' || !scanHeader(line, nil) {
		return Format{}, false
	}
	var b formatBuilder
	if !scanHeader(line, &b) {
		return Format{}, false
	}
	return b.format(), true
}

// scanHeader reports whether line is a header. It stores the fields in b, if
// that is not nil, and only then looks for unknown names that come twice.
func scanHeader(line []byte, b *formatBuilder) bool {
	var seen bitmap
	known, others, ext := 0, 0, 0
	for rest, more := line, true; more; {
		var name []byte
		name, rest, more = cutSpace(rest)
		if n := len(name); n > 3 && name[0] == '$' && name[1] == '{' && name[n-1] == '}' {
			name = name[2 : n-1]
		}
		if !isName(name) {
			return false
		}
		var buf [maxName]byte
		if f, ok := looseNames[string(appendLooseKey(buf[:0], name))]; ok {
			if seen.has(uint8(f)) {
				return false
			}
			seen.add(uint8(f))
			known++
			if b != nil {
				b.fields = append(b.fields, f)
			}
			continue
		}
		if len(name) < 3 || name[0] != 'x' || name[1] != '-' {
			others++
		}
		if ext++; ext > maxExtensions {
			return false
		}
		if b != nil {
			for _, e := range b.ext {
				if e == string(name) {
					return false
				}
			}
			b.ext = append(b.ext, string(name))
			b.fields = append(b.fields, None)
		}
	}
	return known > others
}

// cutSpace cuts line at its first space.
func cutSpace(line []byte) (before, after []byte, found bool) {
	for i, c := range line {
		if c == ' ' {
			return line[:i], line[i+1:], true
		}
	}
	return line, nil, false
}
