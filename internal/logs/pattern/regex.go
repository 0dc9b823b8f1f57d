package pattern

import (
	"regexp"
	"regexp/syntax"
	"strings"
)

// maxRegexps is how many regular expressions a pattern of fields or of JSON has at most.
// Source: "Supported regular expressions (regex) syntax", CloudWatch Logs User Guide.
const maxRegexps = 2

// regex reads a regular expression between percent signs, which comes next. It returns it
// compiled, and as it is written.
func (s *scanner) regex() (*regexp.Regexp, string, error) {
	from := s.at
	end := from + 1
	for ; ; end++ {
		if end >= len(s.text) {
			return nil, "", s.fail(from, "the regular expression is not closed: write %% behind it")
		}
		if s.text[end] == '\\' {
			end++
		} else if s.text[end] == '%' {
			break
		}
	}
	expr := s.text[from+1 : end]
	if expr == "" {
		return nil, "", s.fail(from, "the regular expression is empty: write it between the percent signs")
	}
	translated, err := s.translate(from+1, end)
	if err != nil {
		return nil, "", err
	}
	re, err := regexp.Compile(translated)
	if err != nil {
		return nil, "", s.fail(from, "%s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	if size(translated) > maxSize {
		return nil, "", s.fail(from, "the regular expression is too large: write smaller counts in braces")
	}
	s.at = end + 1
	return re, expr, nil
}

// maxSize bounds the steps that an expression takes for each character of a message: counts
// in braces make it as large as if its part were written so many times.
const maxSize = 2000

// size returns how many steps an expression has that compiles.
func size(expr string) int {
	parsed, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return 0
	}
	prog, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return 0
	}
	return len(prog.Inst)
}

// translate checks that the expression in a part of the text has only what Amazon allows,
// and writes it as package regexp reads it.
func (s *scanner) translate(from, end int) (string, error) {
	var b strings.Builder
	class := 0 // where a class in brackets began
	for i := from; i < end; i++ {
		c := s.text[i]
		switch {
		case c == '\\':
			n, err := s.escape(&b, i+1, end)
			if err != nil {
				return "", err
			}
			i += n
			continue
		case c == '[' && class > 0:
			return "", s.fail(i, "a bracket within brackets needs a backslash")
		case c == '[':
			class = i
			if i+1 < end && s.text[i+1] == '^' {
				b.WriteByte(c)
				i++
				c = '^'
			}
		case c == ']' && class > 0:
			class = 0
		case isAlnum(c), strings.IndexByte(` :_#=@/;,-^$?]}|*+.`, c) >= 0:
		case c == '{':
			if b.WriteByte(c); i+1 < end && s.text[i+1] == ',' {
				b.WriteByte('0') // {,3} has no meaning to package regexp
			}
			continue
		case c == '(' || c == ')':
			return "", s.fail(i, "a regular expression has no groups: write a|b without parentheses, and \\%c for the character", c)
		case c >= 0x80:
			return "", s.fail(i, "a regular expression has ASCII characters only")
		default:
			return "", s.fail(i, "a regular expression cannot have %q: write a backslash before it", string(c))
		}
		b.WriteByte(c)
	}
	return b.String(), nil
}

// escape writes what a backslash before i means, and returns how many bytes that takes.
func (s *scanner) escape(b *strings.Builder, i, end int) (int, error) {
	if i >= end {
		return 0, s.fail(i-1, "a backslash needs a character behind it")
	}
	c := s.text[i]
	switch {
	case c == 'x':
		if i+3 > end || strings.Trim(s.text[i+1:i+3], "0123456789abcdefABCDEF") != "" {
			return 0, s.fail(i-1, "\\x needs two hexadecimal digits behind it")
		}
		b.WriteString(s.text[i-1 : i+3])
		return 3, nil
	case strings.IndexByte("dDsSwW", c) >= 0:
		b.WriteByte('\\')
		b.WriteByte(c)
	case isAlnum(c) || c >= 0x80:
		return 0, s.fail(i-1, "\\%c is not known: \\d, \\D, \\s, \\S, \\w, \\W and \\xhh are", c)
	default:
		b.WriteString(regexp.QuoteMeta(string(c)))
	}
	return 1, nil
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
