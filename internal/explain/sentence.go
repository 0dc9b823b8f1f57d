package explain

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Lang is a language that explanations are in.
type Lang uint8

// Languages.
const (
	English Lang = iota
	Japanese
)

// ParseLang reads "en" or "ja".
func ParseLang(s string) (Lang, bool) {
	switch s {
	case "en":
		return English, true
	case "ja":
		return Japanese, true
	}
	return English, false
}

// LocaleLang returns the language of a locale such as "ja_JP.UTF-8": English, unless it
// is Japanese.
func LocaleLang(locale string) Lang {
	locale, _, _ = strings.Cut(locale, ".")
	if language, _, _ := strings.Cut(locale, "_"); language == "ja" {
		return Japanese
	}
	return English
}

// A Sentence is a message with what is in its places. Its code, the key of the message,
// stays the same from release to release.
type Sentence struct {
	Key  string
	Args map[string]any // a string, a Sentence, or several, by the name of the place
}

// say returns a sentence; args are names of places, each followed by what stands there.
func say(key string, args ...any) Sentence {
	s := Sentence{Key: key}
	for i := 0; i+1 < len(args); i += 2 {
		if s.Args == nil {
			s.Args = map[string]any{}
		}
		s.Args[args[i].(string)] = args[i+1]
	}
	return s
}

// Text returns the sentence in a language. Nothing that a record has in it can make a
// terminal do things.
func (s Sentence) Text(l Lang) string {
	m, ok := messages[s.Key]
	if !ok {
		panic("BUG: explain: no message " + s.Key)
	}
	rest := m[l]
	var b []byte
	for {
		before, after, found := strings.Cut(rest, "{")
		b = glue(b, before, l)
		if !found {
			return string(b)
		}
		name, tail, _ := strings.Cut(after, "}")
		b = glue(b, argText(s.Args[name], l), l)
		rest = tail
	}
}

// glue appends a piece of a text. In Japanese there is a space between letters and digits
// on one side and Japanese on the other, and none beside its own punctuation.
func glue(b []byte, s string, l Lang) []byte {
	if l != Japanese || len(b) == 0 || s == "" {
		return append(b, s...)
	}
	left, right := bytes.TrimRight(b, " "), strings.TrimLeft(s, " ")
	last, _ := utf8.DecodeLastRune(left)
	first, _ := utf8.DecodeRuneInString(right)
	switch {
	case len(left) == 0 || right == "":
	case wide(last) && wide(first), full(last), full(first):
		return append(left, right...)
	case wide(last) != wide(first) && len(left) == len(b) && len(right) == len(s) && (ascii(last) || ascii(first)):
		b = append(b, ' ')
	}
	return append(b, s...)
}

// full says whether a character is punctuation as wide as a Japanese one.
func full(r rune) bool { return wide(r) && !unicode.IsLetter(r) }

func ascii(r rune) bool { return r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)) }

func argText(v any, l Lang) string {
	switch v := v.(type) {
	case Sentence:
		return v.Text(l)
	case []Sentence:
		var all []string
		for _, s := range v {
			all = append(all, s.Text(l))
		}
		return strings.Join(all, messages["list"][l])
	case string:
		return printable(v)
	}
	panic(fmt.Sprintf("BUG: explain: %T in a sentence", v))
}

// printable replaces what is not to be seen.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return '?'
		}
		return r
	}, s)
}
