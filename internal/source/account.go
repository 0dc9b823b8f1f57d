package source

import (
	"cmp"
	"encoding/binary"
	"maps"
	"math"
	"slices"
	"sync"

	"weir/internal/rows"
	"weir/record"
)

// An Account says what a scan has read, and what not.
type Account struct {
	Objects int   // that were opened
	Bytes   int64 // of them, as they are stored
	Lines   int64 // records, and lines that are none; headers and empty lines are not counted
	Refused int64 // of Lines
	Kept    int64 // of Lines: those that were asked for

	Refusals []Refusal // some of each reason
	Reasons  map[string]int64
	Damaged  []Damage // objects that could not be read to the end, or at all
	Assumed  []Assumption

	// Formats are the formats of the records, each once.
	Formats []FormatCount
	// Start and End are the least start and the greatest end of all records, in
	// Unix seconds; 0 if none has one.
	Start, End int64
	// Gaps are the interfaces of which records say that there was nothing to
	// record, or that some was not recorded. Formats without log-status and
	// interface-id tell nothing here.
	Gaps map[string]Gap
}

// A Refusal is a line that is no record of its format.
type Refusal struct {
	Object string
	Row    bool // Line is a row of a Parquet file, or a value of JSON, from 1
	Line   int64
	Text   string // at most 200 bytes of it
	Reason string
}

// Damage is an object that could not be read to its end.
type Damage struct {
	Object string
	Lines  int64 // read before
	Err    error
}

// An Assumption is a format that an object does not say itself.
type Assumption struct {
	Object string
	Format record.Format
	Reason string // such as "14 fields that look like the default format"
}

// A FormatCount says how many records had a format.
type FormatCount struct {
	Format  record.Format
	Records int64
}

// count adds to the count of a format.
func count(all []FormatCount, f record.Format, n int64) []FormatCount {
	for i := range all {
		if all[i].Format.Equal(f) {
			all[i].Records += n
			return all
		}
	}
	return append(all, FormatCount{f, n})
}

// A Gap counts the records of an interface that are none of a flow.
type Gap struct {
	NoData   int64 `json:"nodata"`
	SkipData int64 `json:"skipdata"`
}

const (
	maxRefusals = 5   // examples of each reason
	maxText     = 200 // bytes of a refused line
	maxReasons  = 100 // what comes after them is refused for otherReasons
)

const otherReasons = "other reasons"

// book is an account that several goroutines write in.
type book struct {
	mu sync.Mutex
	Account
}

func (b *book) refuse(r Refusal) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.Reasons == nil {
		b.Reasons = map[string]int64{}
	}
	b.Refused++
	if b.Reasons[r.Reason] == 0 && len(b.Reasons) >= maxReasons {
		r.Reason = otherReasons
	}
	if b.Reasons[r.Reason]++; b.Reasons[r.Reason] <= maxRefusals {
		if len(r.Text) > maxText {
			r.Text = r.Text[:maxText] + "…"
		}
		b.Refusals = append(b.Refusals, r)
	}
}

// close puts the account in order.
func (b *book) close() *Account {
	slices.SortStableFunc(b.Refusals, func(x, y Refusal) int {
		return cmp.Or(cmp.Compare(x.Object, y.Object), cmp.Compare(x.Line, y.Line))
	})
	slices.SortStableFunc(b.Damaged, func(x, y Damage) int { return cmp.Compare(x.Object, y.Object) })
	slices.SortStableFunc(b.Assumed, func(x, y Assumption) int { return cmp.Compare(x.Object, y.Object) })
	return &b.Account
}

// An observer notes what the records of one worker cover.
type observer struct {
	start, end int64
	gaps       map[string]Gap
	formats    []FormatCount
	rows       int64 // of the format that is bound, not in formats yet
	bound      record.Format
	ready      bool
	cols       struct{ start, end, status, eni int }
}

// needs are the columns that every scan looks at.
var needs = [...]record.Field{record.Start, record.End, record.LogStatus, record.InterfaceID}

func (o *observer) bind(f record.Format) {
	if o.ready && o.bound.Equal(f) {
		return
	}
	o.flush()
	o.ready, o.bound = true, f
	o.cols.start, o.cols.end = f.Index(record.Start), f.Index(record.End)
	o.cols.status, o.cols.eni = f.Index(record.LogStatus), f.Index(record.InterfaceID)
}

// flush counts the rows of the format that is bound.
func (o *observer) flush() {
	if o.rows > 0 {
		o.formats, o.rows = count(o.formats, o.bound, o.rows), 0
	}
}

func (o *observer) batch(b *rows.Batch) {
	o.bind(b.Format)
	o.rows += int64(b.Rows)
	if c := o.cols.start; c >= 0 {
		extremes(&b.Columns[c], b.Rows, func(v int64) {
			if o.start == 0 || v < o.start {
				o.start = v
			}
		})
	}
	if c := o.cols.end; c >= 0 {
		extremes(&b.Columns[c], b.Rows, func(v int64) { o.end = max(o.end, v) })
	}
	if c := o.cols.status; c >= 0 {
		o.status(b, &b.Columns[c])
	}
}

// extremes calls fn with numbers of a column, its least and greatest among them.
func extremes(c *rows.Column, n int, fn func(int64)) {
	switch c.Kind {
	case rows.Ints:
		for _, v := range c.Ints[:n] {
			if v != rows.Null {
				fn(v)
			}
		}
	case rows.Dict:
		seen := make([]bool, c.Values.Len()) // a dictionary may have what no row has
		for _, code := range c.Codes[:n] {
			if code == rows.NullCode || seen[code] {
				continue
			}
			seen[code] = true
			if v, ok := rows.ParseInt(c.Values.Text(int(code))); ok {
				fn(v)
			}
		}
	case rows.Text:
		// Times of ten digits compare as the digits do.
		var least, greatest uint64
		var last, end uint16
		all := n
		least = math.MaxUint64
		data, ends := c.Data, c.Ends
		for k := c.At; n > 0; k, n = k+c.Stride, n-1 {
			from, to := int(ends[k]+1), int(ends[k+1])
			if to-from != 10 {
				if v, ok := rows.ParseInt(data[from:to]); ok {
					fn(v)
				}
				continue
			}
			v := data[from : from+10 : from+10]
			hi, lo := binary.BigEndian.Uint64(v), binary.BigEndian.Uint16(v[8:])
			if hi < least || hi == least && lo < last {
				least, last = hi, lo
			}
			if hi > greatest || hi == greatest && lo > end {
				greatest, end = hi, lo
			}
		}
		if greatest == 0 {
			return
		}
		lo, good := rows.ParseInt(digits(least, last))
		hi, fine := rows.ParseInt(digits(greatest, end))
		if good && fine {
			fn(lo)
			fn(hi)
			return
		}
		for row := range all { // something that is no number hides what is
			if v, ok := rows.ParseInt(c.Text(row)); ok {
				fn(v)
			}
		}
	}
}

func digits(hi uint64, lo uint16) []byte {
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint64(nil, hi), lo)
}

func (o *observer) status(b *rows.Batch, c *rows.Column) {
	if c.Kind == rows.Missing {
		return
	}
	if c.Kind == rows.Dict {
		plain := true
		for i := range c.Values.Len() {
			plain = plain && string(c.Values.Text(i)) == "OK"
		}
		if plain {
			return
		}
	}
	for row := range b.Rows {
		if c.Kind == rows.Text {
			// Of what a log-status may be only OK has two letters.
			if k := row*c.Stride + c.At; c.Ends[k+1]-c.Ends[k] == 3 {
				continue
			}
		}
		v := c.Bytes(row, nil)
		nodata, skip := string(v) == "NODATA", string(v) == "SKIPDATA"
		if !nodata && !skip {
			continue
		}
		eni := "-"
		if o.cols.eni >= 0 {
			eni = string(b.Columns[o.cols.eni].Bytes(row, nil))
		}
		g := o.gaps[eni]
		if nodata {
			g.NoData++
		} else {
			g.SkipData++
		}
		if o.gaps == nil {
			o.gaps = map[string]Gap{}
		}
		o.gaps[eni] = g
	}
}

// add adds what a worker did to the account.
func (b *book) add(w *Worker) {
	b.merge(&w.observed)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.Lines += w.rows
	b.Kept += w.kept
}

// merge adds what an observer saw to the account.
func (b *book) merge(o *observer) {
	o.flush()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.Start == 0 || o.start != 0 && o.start < b.Start {
		b.Start = o.start
	}
	b.End = max(b.End, o.end)
	for _, f := range o.formats {
		b.Formats = count(b.Formats, f.Format, f.Records)
	}
	if b.Gaps == nil {
		b.Gaps = map[string]Gap{}
	}
	for eni := range maps.Keys(o.gaps) {
		g := b.Gaps[eni]
		g.NoData += o.gaps[eni].NoData
		g.SkipData += o.gaps[eni].SkipData
		b.Gaps[eni] = g
	}
}
