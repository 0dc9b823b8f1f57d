package insights

import (
	"regexp"
	"strings"
)

// parse reads the command that takes a field apart: by a text with asterisks, or by a
// regular expression.
func (p *parser) parse() error {
	of, err := p.name(token{kind: word, text: "@message"})
	if p.grouped {
		of, err = expr{}, nil // it has no message
	}
	if p.token.kind != quoted && !p.token.is("/") {
		of, err = p.primary()
	}
	if err != nil {
		return err
	}
	if of.eval == nil {
		return p.unexpected("a field")
	}
	t := p.token
	var take func(s string, parts []string) bool
	var names []string
	n := 0
	switch {
	case t.kind == quoted:
		g := strings.Split(t.text, "*")
		if n = len(g) - 1; n < 1 {
			return p.fail(t.from, t.to, "the text has no asterisk: write one for each part, such as \"user=*, id=*\"")
		}
		take = func(s string, parts []string) bool { return glob(g, s, parts) }
		err = p.next()
	case t.is("/"):
		var re *regexp.Regexp
		if re, _, err = p.compiled(); err == nil {
			take, names, err = p.groups(t, re)
			n = len(names)
		}
	default:
		return p.unexpected("a text in quotation marks with asterisks, or a /regular expression/")
	}
	if err != nil {
		return err
	}
	if p.token.is("as") {
		if names, err = p.names(); err != nil {
			return err
		}
	}
	if len(names) != n {
		return p.fail(t.from, p.last, "there are %d names for %d parts: write as and a name for each", len(names), n)
	}
	p.extract(of, take, names)
	return nil
}

// names reads as and names with commas between them.
func (p *parser) names() (names []string, err error) {
	for more := true; more; more = p.token.is(",") {
		if err := p.next(); err != nil {
			return nil, err
		}
		name, err := p.newName()
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}

// groups returns what takes a text apart by a regular expression, and the names of its groups.
func (p *parser) groups(t token, re *regexp.Regexp) (take func(string, []string) bool, names []string, err error) {
	var at []int
	for i, name := range re.SubexpNames() {
		if name != "" {
			names, at = append(names, name), append(at, i)
		}
	}
	if len(at) == 0 { // they are named by as
		for i := 1; i <= re.NumSubexp(); i++ {
			names, at = append(names, ""), append(at, i)
		}
		if len(at) == 0 || !p.token.is("as") {
			return nil, nil, p.fail(t.from, p.last, "the regular expression has no named groups: write one for each part, such as (?<user>\\w+)")
		}
	}
	return func(s string, parts []string) bool {
		found := re.FindStringSubmatchIndex(s)
		if found == nil {
			return false
		}
		for i, group := range at {
			parts[i] = ""
			if from := found[2*group]; from >= 0 {
				parts[i] = s[from:found[2*group+1]]
			}
		}
		return true
	}, names, nil
}

// extract adds the step that sets what take finds.
func (p *parser) extract(of expr, take func(string, []string) bool, names []string) {
	first := p.q.vars
	for _, name := range names {
		slot := p.define(name)
		p.parsed = append(p.parsed, column{name, func(r *row) value { return r.vars[slot] }})
	}
	if len(p.columns) > 0 || p.grouped {
		p.parsed = nil
	}
	count := len(names)
	p.add(func(r *row) bool {
		if len(r.parts) < count {
			r.parts = make([]string, count)
		}
		parts := r.parts[:count]
		v := of.eval(r)
		found := v.kind != absent && take(v.String(), parts)
		for i := range parts {
			if r.vars[first+i] = (value{}); found {
				r.vars[first+i] = textOf(parts[i])
			}
		}
		return true
	})
}

// glob finds the parts of s that asterisks stand for, between the texts around them. What is
// before the first text and behind the last does not matter; an asterisk at the end takes
// all that is left, and others as little as they can.
func glob(texts []string, s string, parts []string) bool {
	if texts[0] != "" {
		i := strings.Index(s, texts[0])
		if i < 0 {
			return false
		}
		s = s[i+len(texts[0]):]
	}
	for n, t := range texts[1:] {
		if t == "" {
			if n < len(parts)-1 {
				parts[n] = "" // ** leaves all to the second
				continue
			}
			parts[n] = s
			return true
		}
		i := strings.Index(s, t)
		if i < 0 {
			return false
		}
		parts[n], s = s[:i], s[i+len(t):]
	}
	return true
}
