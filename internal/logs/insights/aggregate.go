package insights

import (
	"fmt"
	"hash/maphash"
	"math"
	"math/bits"
	"slices"
	"strings"
	"unsafe"

	"weir/internal/logs"
)

// aggregateKind says what an aggregate function works out.
type aggregateKind uint8

const (
	count aggregateKind = iota
	countDistinct
	sum
	avg
	minimum
	maximum
	percentile
	stddev
	earliest
	latest
	sortsFirst
	sortsLast
)

// aggregates has the aggregate functions by their names in lower case. Source: "stats",
// CloudWatch Logs User Guide.
var aggregates = map[string]aggregateKind{
	"count": count, "count_distinct": countDistinct, "sum": sum, "avg": avg, "min": minimum, "max": maximum, "pct": percentile,
	"percentile": percentile, "median": percentile, "stddev": stddev, "earliest": earliest, "latest": latest,
	"sortsfirst": sortsFirst, "sortslast": sortsLast,
}

// An aggregate is a function of many rows. of is what it is of; eval is nil for count(*).
type aggregate struct {
	kind aggregateKind
	of   expr
	p    float64 // of a percentile, 0 to 100
}

// An acc is an aggregate that grows.
type acc struct {
	n       uint64 // of rows or numbers
	sum, m2 float64
	*rest   // of those that need it
}

type rest struct {
	best     value
	at       logs.Position // of best
	hashes   distinct
	quantile quantiles
}

// aggregate reads a call of an aggregate function.
func (p *parser) aggregate(t token, kind aggregateKind) (expr, error) {
	if (!p.aggregating || p.inAggregate) && !p.shadow {
		return expr{}, p.fail(t.from, t.to, "%s adds up many events: it stands in stats only, and in no other function of this kind", t.text)
	}
	a := aggregate{kind: kind}
	text := "*"
	p.inAggregate = true
	args, listed, err := p.arguments(kind == count)
	p.inAggregate = false
	if err != nil {
		return expr{}, err
	}
	most := 1
	if kind == percentile && !strings.EqualFold(t.text, "median") {
		most = 2
	}
	if len(args) != most && (kind != count || len(args) > 1) {
		return expr{}, p.fail(t.from, p.last, "%s takes %s, and has %d", t.text, arguments(most, most), len(args))
	}
	if len(args) > 0 {
		a.of, text = args[0], listed
	}
	if kind == percentile {
		a.p = 50
		if most == 2 {
			p50, ok := args[1].value.number()
			if a.p = p50; !ok || !args[1].literal || a.p < 0 || a.p > 100 {
				return expr{}, p.fail(t.from, p.last, "%s takes a field and a number from 0 to 100", t.text)
			}
		}
	}
	if len(args) == 0 && listed == "" {
		text = ""
	}
	if p.shadow {
		return expr{text: strings.ToLower(t.text) + "(" + text + ")"}, nil
	}
	i := len(p.stage.aggregates)
	p.stage.aggregates = append(p.stage.aggregates, a)
	return expr{text: strings.ToLower(t.text) + "(" + text + ")", eval: func(r *row) value { return a.result(&r.accs[i]) }}, nil
}

// arguments reads those of an aggregate function, * for none if that is allowed.
func (p *parser) arguments(star bool) ([]expr, string, error) {
	before := *p.lexer
	if star {
		if err := p.next(); err != nil {
			return nil, "", err
		}
		if p.token.is("*") {
			if err := p.next(); err != nil {
				return nil, "", err
			}
			if !p.token.is(")") {
				return nil, "", p.unexpected(")")
			}
			return nil, "*", p.next()
		}
		*p.lexer = before
	}
	return p.list(")")
}

// arguments says how many a function takes.
func arguments(least, most int) string {
	switch {
	case most < 0:
		return fmt.Sprintf("%d or more arguments", least)
	case least != most:
		return fmt.Sprintf("%d to %d arguments", least, most)
	case least == 1:
		return "one argument"
	}
	return fmt.Sprintf("%d arguments", least)
}

// add adds a row, and returns how many bytes of memory that has taken.
func (a *aggregate) add(c *acc, r *row) (bytes int) {
	if a.of.eval == nil {
		c.n++
		return 0
	}
	v := a.of.eval(r)
	if v.kind == absent {
		return 0
	}
	if c.rest == nil && a.kind != count && a.kind != sum && a.kind != avg && a.kind != stddev {
		c.rest = &rest{}
		bytes = int(unsafe.Sizeof(rest{}))
	}
	switch a.kind {
	case count:
		c.n++
		return 0
	case countDistinct:
		return bytes + c.hashes.add(v)
	case minimum, maximum, sortsFirst, sortsLast:
		if c.n++; c.n == 1 || a.beats(v, c.best) {
			bytes += c.replace(v)
		}
		return bytes
	case earliest, latest:
		at := r.position()
		if c.n++; c.n == 1 || a.kind == earliest && at.Compare(c.at) < 0 || a.kind == latest && at.Compare(c.at) > 0 {
			bytes += c.replace(v)
			c.at = at
		}
		return bytes
	}
	f, ok := v.number()
	if !ok {
		return bytes
	}
	c.n++
	switch a.kind {
	case percentile:
		bytes += c.quantile.add(f)
	case stddev:
		delta := f - c.sum // sum is the mean here, as Welford does
		c.sum += delta / float64(c.n)
		c.m2 += delta * (f - c.sum)
	default:
		c.sum += f
	}
	return bytes
}

// replace sets the best value, and returns how many bytes that takes more than the old one.
func (c *acc) replace(v value) int {
	more := len(v.s) - len(c.best.s)
	c.best = v.clone()
	return more
}

// beats reports whether a value takes the place of the best so far. Numbers do in any case
// of what is none, such as the dash of a record without traffic.
func (a *aggregate) beats(v, best value) bool {
	_, isNumber := v.number()
	_, was := best.number()
	switch a.kind {
	case minimum, maximum:
		if isNumber != was {
			return isNumber
		}
	}
	switch a.kind {
	case minimum:
		return compare(v, best) < 0
	case maximum:
		return compare(v, best) > 0
	case sortsFirst:
		return v.String() < best.String()
	}
	return v.String() > best.String()
}

// position is where an event is, or where a group would be if it were one.
func (r *row) position() logs.Position {
	if r.event == nil {
		return logs.Position{Seq: r.seq}
	}
	return r.event.Position
}

func (a *aggregate) result(c *acc) value {
	switch {
	case a.kind == count:
		return numberOf(float64(c.n))
	case a.kind == countDistinct:
		if c.rest == nil {
			return numberOf(0)
		}
		return numberOf(c.hashes.count())
	case c.n == 0:
		return value{}
	}
	switch a.kind {
	case sum:
		return numberOf(c.sum)
	case avg:
		return numberOf(c.sum / float64(c.n))
	case stddev:
		return numberOf(math.Sqrt(c.m2 / float64(c.n)))
	case percentile:
		return numberOf(c.quantile.at(a.p))
	}
	return c.best
}

// exactly is how many values are counted and ranked exactly.
const exactly = 10_000

var seed = maphash.MakeSeed()

// distinct counts different values: up to exactly of them by their hashes, more by an
// estimate (HyperLogLog, with a standard error of 0.8 %).
type distinct struct {
	hashes map[uint64]struct{}
	ranks  []uint8 // 1 << rankBits of them, once there are many hashes
	buf    []byte
}

const rankBits = 14

// add adds a value, and returns how many bytes of memory that has taken, about.
func (d *distinct) add(v value) int {
	d.buf = v.append(d.buf[:0])
	h := maphash.Bytes(seed, d.buf)
	if d.ranks != nil {
		d.rank(h)
		return 0
	}
	if d.hashes == nil {
		d.hashes = map[uint64]struct{}{}
	}
	before := len(d.hashes)
	if d.hashes[h] = (struct{}{}); len(d.hashes) > exactly {
		d.ranks = make([]uint8, 1<<rankBits)
		for h := range d.hashes {
			d.rank(h)
		}
		d.hashes = nil
		return 1<<rankBits - before*hashBytes
	}
	return (len(d.hashes) - before) * hashBytes
}

// hashBytes is about what a hash takes in a map.
const hashBytes = 16

func (d *distinct) rank(h uint64) {
	i := h >> (64 - rankBits)
	d.ranks[i] = max(d.ranks[i], uint8(bits.LeadingZeros64(h<<rankBits|1<<(rankBits-1))+1))
}

func (d *distinct) count() float64 {
	if d.ranks == nil {
		return float64(len(d.hashes))
	}
	const m = 1 << rankBits
	inverse, zeros := 0.0, 0.0
	for _, r := range d.ranks {
		inverse += math.Ldexp(1, -int(r))
		if r == 0 {
			zeros++
		}
	}
	estimate := 0.7213 / (1 + 1.079/m) * m * m / inverse
	if estimate <= 2.5*m && zeros > 0 {
		estimate = m * math.Log(m/zeros)
	}
	return math.Round(estimate)
}

// quantiles ranks numbers: up to exactly of them as they are, more in buckets whose bounds
// are 1 % apart.
type quantiles struct {
	numbers []float64
	buckets map[int]uint64
	n       uint64
}

// base is the ratio of a bucket's bounds.
const base = 1.01

// add adds a number, and returns how many bytes of memory that has taken, about.
func (q *quantiles) add(f float64) int {
	q.n++
	if q.buckets != nil {
		q.buckets[bucket(f)]++
		return 0
	}
	if q.numbers = append(q.numbers, f); len(q.numbers) > exactly {
		q.buckets = map[int]uint64{}
		for _, f := range q.numbers {
			q.buckets[bucket(f)]++
		}
		q.numbers = nil
	}
	return 8
}

// offset keeps buckets of positive numbers above 0, and of negative ones below.
const offset = 100_000

func bucket(f float64) int {
	switch {
	case f > 0:
		return offset + int(math.Ceil(math.Log(f)/math.Log(base)))
	case f < 0:
		return -offset - int(math.Ceil(math.Log(-f)/math.Log(base)))
	}
	return 0
}

// at returns the number that p percent of all do not exceed.
func (q *quantiles) at(p float64) float64 {
	rank := uint64(math.Ceil(p / 100 * float64(q.n)))
	rank = max(rank, 1) - 1
	if q.buckets == nil {
		slices.Sort(q.numbers)
		return q.numbers[rank]
	}
	var keys []int
	for k := range q.buckets {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		if n := q.buckets[k]; rank >= n {
			rank -= n
			continue
		}
		middle := 2 / (1 + base) // of a bucket, relative to its upper bound
		switch {
		case k > 0:
			return math.Pow(base, float64(k-offset)) * middle
		case k < 0:
			return -math.Pow(base, float64(-k-offset)) * middle
		}
		return 0
	}
	return 0
}
