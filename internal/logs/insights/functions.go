package insights

import (
	"encoding/binary"
	"math"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"
)

// A function computes a value from others. most is how many it takes at most, -1 for any
// number.
type function struct {
	least, most int
	call        func(args []value) value
}

// functions are those that need nothing but their arguments, by their names in lower case.
// Source: "Boolean, comparison, numeric, datetime, and other functions", CloudWatch Logs
// User Guide.
var functions = map[string]function{
	"abs":      {1, 1, onNumber(math.Abs)},
	"ceil":     {1, 1, onNumber(math.Ceil)},
	"floor":    {1, 1, onNumber(math.Floor)},
	"log":      {1, 1, onNumber(math.Log)},
	"sqrt":     {1, 1, onNumber(math.Sqrt)},
	"round":    {1, 2, rounded},
	"greatest": {1, -1, extreme(1)},
	"least":    {1, -1, extreme(-1)},

	"ispresent": {1, 1, func(a []value) value { return boolOf(a[0].kind != absent) }},
	"isempty":   {1, 1, func(a []value) value { return boolOf(a[0].String() == "") }},
	"isblank":   {1, 1, func(a []value) value { return boolOf(strings.TrimSpace(a[0].String()) == "") }},
	"coalesce": {1, -1, func(a []value) value {
		for _, v := range a {
			if v.kind != absent {
				return v
			}
		}
		return value{}
	}},
	"if": {3, 3, func(a []value) value {
		if a[0].true() {
			return a[1]
		}
		return a[2]
	}},
	"case": {2, -1, func(a []value) value {
		for ; len(a) > 1; a = a[2:] {
			if a[0].true() {
				return a[1]
			}
		}
		if len(a) == 1 {
			return a[0]
		}
		return value{}
	}},
	"isnumeric": {1, 1, func(a []value) value {
		_, ok := a[0].number()
		return boolOf(ok)
	}},
	"tonumber": {1, 1, onNumber(func(f float64) float64 { return f })},
	"todouble": {1, 1, onNumber(func(f float64) float64 { return f })},
	"toint":    {1, 1, onNumber(math.Trunc)},
	"tolong":   {1, 1, onNumber(math.Trunc)},

	"unmask": {1, 1, func(a []value) value { return a[0] }}, // nothing is masked

	"strlen":      {1, 1, onText(func(s string) value { return numberOf(float64(utf8.RuneCountInString(s))) })},
	"messagesize": {1, 1, onText(func(s string) value { return numberOf(float64(len(s))) })},
	"tolower":     {1, 1, onText(func(s string) value { return textOf(strings.ToLower(s)) })},
	"toupper":     {1, 1, onText(func(s string) value { return textOf(strings.ToUpper(s)) })},
	"trim":        {1, 2, trimmed(strings.TrimSpace, strings.Trim)},
	"ltrim":       {1, 2, trimmed(func(s string) string { return strings.TrimLeft(s, " \t\r\n") }, strings.TrimLeft)},
	"rtrim":       {1, 2, trimmed(func(s string) string { return strings.TrimRight(s, " \t\r\n") }, strings.TrimRight)},
	"concat": {1, -1, func(a []value) value {
		var b strings.Builder
		for _, v := range a {
			s := v.String()
			if b.Len()+len(s) > maxText {
				return value{}
			}
			b.WriteString(s)
		}
		return textOf(b.String())
	}},
	"replace": {3, 3, func(a []value) value {
		s, from, to := a[0].String(), a[1].String(), a[2].String()
		if a[0].kind == absent || from == "" {
			return a[0]
		}
		if len(to) > len(from) && len(s)+strings.Count(s, from)*(len(to)-len(from)) > maxText {
			return value{}
		}
		return textOf(strings.ReplaceAll(s, from, to))
	}},
	"strcontains": {2, 2, func(a []value) value {
		return boolOf(a[0].kind != absent && a[1].kind != absent && strings.Contains(a[0].String(), a[1].String()))
	}},
	"substr": {2, 3, substr},

	"frommillis": {1, 1, func(a []value) value {
		f, ok := a[0].number()
		if !ok || math.Abs(f) > maxMillis {
			return value{}
		}
		return timeOf(f)
	}},
	"tomillis": {1, 1, func(a []value) value {
		if a[0].kind != moment {
			return value{}
		}
		return numberOf(a[0].f)
	}},

	"isvalidip":   {1, 1, isAddr(func(netip.Addr) bool { return true })},
	"isvalidipv4": {1, 1, isAddr(netip.Addr.Is4)},
	"isvalidipv6": {1, 1, isAddr(netip.Addr.Is6)},
	"isprivateip": {1, 1, isAddr(func(a netip.Addr) bool { return a.Is4() && a.IsPrivate() })}, // RFC 1918
	"ipv4tonumber": {1, 1, onText(func(s string) value {
		addr, err := netip.ParseAddr(s)
		if err != nil || !addr.Is4() {
			return value{}
		}
		b := addr.As4()
		return numberOf(float64(binary.BigEndian.Uint32(b[:])))
	})},
	"isipinsubnet":   {2, 2, inSubnet(func(netip.Addr) bool { return true })},
	"isipv4insubnet": {2, 2, inSubnet(netip.Addr.Is4)},
	"isipv6insubnet": {2, 2, inSubnet(netip.Addr.Is6)},
}

// maxText is how long in bytes a text is at most that a function makes longer than its
// arguments: as long as the longest message. A longer one is absent.
const maxText = 1 << 20

// maxMillis is the end of the year 9999.
const maxMillis = 253402300799999

func onNumber(f func(float64) float64) func([]value) value {
	return func(a []value) value {
		x, ok := a[0].number()
		if !ok {
			return value{}
		}
		return numberOf(f(x))
	}
}

// rounded returns a number with so many decimals, none without a second argument.
func rounded(a []value) value {
	x, ok := a[0].number()
	decimals := 0.0
	if len(a) == 2 {
		d, isNumber := a[1].number()
		decimals, ok = math.Trunc(d), ok && isNumber
	}
	if !ok || math.Abs(decimals) > 15 {
		return value{}
	}
	scale := math.Pow(10, decimals)
	return numberOf(math.Round(x*scale) / scale)
}

func onText(f func(string) value) func([]value) value {
	return func(a []value) value {
		if a[0].kind == absent {
			return value{}
		}
		return f(a[0].String())
	}
}

// extreme returns the largest number for sign 1, the smallest for -1.
func extreme(sign float64) func([]value) value {
	return func(a []value) value {
		best := value{}
		for _, v := range a {
			if x, ok := v.number(); ok && (best.kind == absent || x*sign > best.f*sign) {
				best = numberOf(x)
			}
		}
		return best
	}
}

func trimmed(space func(string) string, chars func(s, cutset string) string) func([]value) value {
	return func(a []value) value {
		switch {
		case a[0].kind == absent:
			return value{}
		case len(a) == 1:
			return textOf(space(a[0].String()))
		}
		return textOf(chars(a[0].String(), a[1].String()))
	}
}

// substr returns what begins at a character, from 0, and has so many characters.
func substr(a []value) value {
	from, ok := a[1].number()
	if a[0].kind == absent || !ok {
		return value{}
	}
	s := []rune(a[0].String())
	from = min(max(from, 0), float64(len(s)))
	s = s[int(from):]
	if len(a) == 3 {
		n, ok := a[2].number()
		if !ok {
			return value{}
		}
		s = s[:int(min(max(n, 0), float64(len(s))))]
	}
	return textOf(string(s))
}

func isAddr(is func(netip.Addr) bool) func([]value) value {
	return func(a []value) value {
		addr, err := netip.ParseAddr(a[0].String())
		return boolOf(err == nil && is(addr))
	}
}

func inSubnet(is func(netip.Addr) bool) func([]value) value {
	return func(a []value) value {
		prefix, err := netip.ParsePrefix(a[1].String())
		return boolOf(err == nil && inPrefix(a[0], prefix, is))
	}
}

func inPrefix(v value, prefix netip.Prefix, is func(netip.Addr) bool) bool {
	if len(v.s) < 2 || v.kind != text { // "-"
		return false
	}
	addr, err := netip.ParseAddr(v.s)
	return err == nil && is(addr) && prefix.Contains(addr)
}

// call reads a call; the current token is the opening parenthesis behind its name.
func (p *parser) call(t token) (expr, error) {
	if p.grouped && !p.shadow {
		if e, ok := p.columnCall(t); ok {
			return e, nil
		}
	}
	name := strings.ToLower(t.text)
	if kind, ok := aggregates[name]; ok {
		return p.aggregate(t, kind)
	}
	switch name {
	case "bin", "datefloor", "dateceil":
		return p.period(t, name)
	case "now":
		if _, _, err := p.list(")"); err != nil {
			return expr{}, err
		}
		return expr{text: "now()", eval: func(r *row) value { return numberOf(r.now) }}, nil
	}
	f, ok := functions[name]
	if !ok {
		return expr{}, p.fail(t.from, t.to, "%q is not a function of Weir's; docs/logs-insights.md lists them", t.text)
	}
	args, text, err := p.list(")")
	if err != nil {
		return expr{}, err
	}
	if len(args) < f.least || f.most >= 0 && len(args) > f.most {
		return expr{}, p.fail(t.from, p.last, "%s takes %s, and has %d", t.text, arguments(f.least, f.most), len(args))
	}
	e := expr{text: name + "(" + text + ")"}
	if strings.HasSuffix(name, "insubnet") && args[1].literal {
		return p.constantSubnet(t, e, args)
	}
	e.eval = func(r *row) value {
		var buf [4]value
		values := buf[:0]
		for i := range args {
			values = append(values, args[i].eval(r))
		}
		return f.call(values)
	}
	return e, nil
}

// columnCall reads a call that a column of stats is called after, such as bin(5m), and goes
// past it; ok is false for other calls, and nothing is read then.
func (p *parser) columnCall(t token) (e expr, ok bool) {
	before := *p.lexer
	p.shadow = true
	e, err := p.call(t)
	p.shadow = false
	if slot, ok := p.scope[e.text]; ok && err == nil {
		return expr{text: e.text, eval: func(r *row) value { return r.vars[slot] }}, true
	}
	*p.lexer = before
	return e, false
}

// constantSubnet checks a subnet that is the same for all events once.
func (p *parser) constantSubnet(t token, e expr, args []expr) (expr, error) {
	prefix, err := netip.ParsePrefix(args[1].value.String())
	if err != nil {
		return e, p.fail(t.from, p.last, "%s is not a subnet: write one such as \"10.0.0.0/8\"", args[1].text)
	}
	is := func(netip.Addr) bool { return true }
	switch strings.ToLower(t.text) {
	case "isipv4insubnet":
		is = netip.Addr.Is4
	case "isipv6insubnet":
		is = netip.Addr.Is6
	}
	addr := args[0].eval
	e.eval = func(r *row) value { return boolOf(inPrefix(addr(r), prefix, is)) }
	return e, nil
}

// period reads bin(period), datefloor(time, period) or dateceil(time, period).
func (p *parser) period(t token, name string) (expr, error) {
	if err := p.next(); err != nil {
		return expr{}, err
	}
	var of expr
	var err error
	text := ""
	if name == "bin" {
		of, err = p.name(token{kind: word, text: "@timestamp", from: t.from, to: t.to})
	} else if of, err = p.expr(); err == nil {
		if text = of.text + ", "; !p.token.is(",") {
			return of, p.unexpected(", and a period such as 5m")
		}
		err = p.next()
	}
	if err != nil {
		return of, err
	}
	per := p.token
	count, unit, ok := parsePeriod(per.text)
	if per.kind != period || !ok {
		return of, p.unexpected("a period such as 5m or 1h")
	}
	if err := p.next(); err != nil {
		return of, err
	}
	if !p.token.is(")") {
		return of, p.unexpected(")")
	}
	eval := of.eval
	return expr{text: name + "(" + text + per.text + ")", eval: func(r *row) value {
		v := eval(r)
		ms, ok := v.number()
		if !ok || math.Abs(ms) > maxMillis {
			return value{}
		}
		low := floorTime(int64(ms), count, unit)
		if name == "dateceil" && float64(low) != ms {
			low = nextTime(low, count, unit)
		}
		return timeOf(float64(low))
	}}, p.next()
}

// units has the milliseconds of each unit of a period; those below 0 are months.
var units = map[string]int64{
	"ms": 1, "msec": 1, "millisecond": 1, "s": 1000, "sec": 1000, "second": 1000, "m": 60_000, "min": 60_000, "minute": 60_000,
	"h": 3_600_000, "hr": 3_600_000, "hour": 3_600_000, "d": 86_400_000, "day": 86_400_000, "w": 7 * 86_400_000, "week": 7 * 86_400_000,
	"mo": -1, "mon": -1, "month": -1, "q": -3, "qtr": -3, "quarter": -3, "y": -12, "yr": -12, "year": -12,
}

// most is how many of a unit a period has at most; more is taken for that, as Amazon does:
// bin(300s) is bin(60s).
var most = map[int64]int64{1: 1000, 1000: 60, 60_000: 60, 3_600_000: 24}

// parsePeriod reads a period such as 5m or 2hrs.
func parsePeriod(s string) (count, unit int64, ok bool) {
	n := run(s, func(r rune) bool { return r >= '0' && r <= '9' })
	for _, c := range s[:n] {
		if count = count*10 + int64(c-'0'); count > 100_000_000 {
			return 0, 0, false
		}
	}
	name := strings.ToLower(s[n:])
	unit, ok = units[name]
	if !ok && len(name) > 2 {
		unit, ok = units[strings.TrimSuffix(name, "s")]
	}
	if limit := most[unit]; limit > 0 {
		count = min(count, limit)
	}
	return count, unit, ok && count > 0
}

// floorTime returns where the period around a time in milliseconds begins. Weeks begin on
// Mondays, and months are those of the calendar; all is in UTC.
func floorTime(ms, count, unit int64) int64 {
	if unit < 0 {
		t := time.UnixMilli(ms).UTC()
		months := int64(t.Year())*12 + int64(t.Month()) - 1
		return monthStart(months - floorMod(months, -unit*count))
	}
	shift := int64(0)
	if unit == units["week"] {
		shift = 3 * units["day"] // 1970 began on a Thursday
	}
	return ms - floorMod(ms+shift, count*unit)
}

func nextTime(ms, count, unit int64) int64 {
	if unit < 0 {
		t := time.UnixMilli(ms).UTC()
		return monthStart(int64(t.Year())*12 + int64(t.Month()) - 1 - unit*count)
	}
	return ms + count*unit
}

func monthStart(months int64) int64 {
	return time.Date(int(months/12), time.Month(months%12+1), 1, 0, 0, 0, 0, time.UTC).UnixMilli()
}

func floorMod(a, b int64) int64 {
	if m := a % b; m < 0 {
		return m + b
	} else {
		return m
	}
}
