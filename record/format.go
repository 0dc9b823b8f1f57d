package record

import (
	"fmt"
	"slices"
)

const (
	// maxExtensions is how many fields unknown to us a header may name.
	maxExtensions = 32

	// numSlots is how many values a Record can hold: one for each field, then
	// one for each extension. It is a power of two, which saves checking indices.
	numSlots = 128
)

// A Format is a list of fields, compiled for reading and printing lines. It is
// immutable and may be used by any number of goroutines. The zero Format is the
// default format.
type Format struct {
	p *plan // nil is defaultPlan
}

// plan is what a Format points to. Nothing changes it once it is made.
type plan struct {
	cols    []column
	set     bitmap   // slots of all columns
	ext     []string // names of the extensions, by slot
	version int      // what the version field holds
	width   int      // longest line without the text fields' own bytes, and slack
}

// column is one field of a plan.
type column struct {
	max      uint64 // of kindInt
	slot     uint8  // of the value in a Record; numFields and above: extension
	kind     kind
	nullable bool
	words    [3]uint64 // setWord of each value of kindSet: at most 3 values, at most 8 bytes each
}

// setWord returns a value of kindSet, of 1 to 8 bytes, as a number: the last
// byte is the highest, as lastBytes has it.
func setWord(s string) (w uint64) {
	for i := range len(s) {
		w = w>>8 | uint64(s[i])<<56
	}
	return w
}

var defaultPlan = newPlan(upTo(2), nil)

// newPlan compiles columns. None stands for the next of the names in ext.
func newPlan(fields []Field, ext []string) *plan {
	p := &plan{cols: make([]column, len(fields)), ext: ext, version: 2, width: 32}
	n := numFields
	for i, f := range fields {
		c := column{slot: uint8(f), nullable: true}
		if f == None {
			c.slot = uint8(n)
			n++
		} else {
			in := f.info()
			c.kind, c.max, c.nullable = in.kind, in.max, f.Nullable()
			if in.kind == kindSet {
				for i := range c.words {
					c.words[i] = setWord(in.values[min(i, len(in.values)-1)])
				}
			}
			p.version = max(p.version, int(in.version))
		}
		p.set.add(c.slot)
		p.cols[i] = c
		switch c.kind {
		case kindAddr:
			p.width += 40 // the longest IPv6 address and a space
		case kindInt:
			p.width += 21
		default:
			p.width += 2
		}
	}
	return p
}

// Default returns Amazon's default format: the 14 fields of version 2.
func Default() Format { return Format{defaultPlan} }

// TransitGateway returns Amazon's default format of transit gateway flow logs:
// 36 fields, version 6.
func TransitGateway() Format { return Format{newPlan(transitGateway[:], nil)} }

// UpTo returns the format of all fields of VPC flow logs up to a version, in
// Amazon's order: 54 fields for version 11. It fails if no such field was
// introduced by that version, which for 6 is so because it is the transit
// gateway's.
func UpTo(version int) (Format, error) {
	for _, v := range versions() {
		if v == version {
			return Format{newPlan(upTo(version), nil)}, nil
		}
	}
	return Format{}, fmt.Errorf("record: no version %d of VPC flow logs, want one of %v", version, versions())
}

// NewFormat returns the format of these fields. It fails if there is none, one
// is not a field, or one comes twice.
func NewFormat(fields ...Field) (Format, error) {
	var seen bitmap
	for i, f := range fields {
		if !f.known() {
			return Format{}, fmt.Errorf("record: field %d of the format is none", i+1)
		}
		if seen.has(uint8(f)) {
			return Format{}, fmt.Errorf("record: field %s comes twice in the format", f)
		}
		seen.add(uint8(f))
	}
	if len(fields) == 0 {
		return Format{}, fmt.Errorf("record: the format has no fields")
	}
	return Format{newPlan(fields, nil)}, nil
}

// upTo returns the fields of VPC flow logs up to a version, in order.
func upTo(version int) []Field {
	var fs []Field
	for _, f := range AllFields() {
		if f.InVPC() && f.Version() <= version {
			fs = append(fs, f)
		}
	}
	return fs
}

// versions returns the versions that brought fields to VPC flow logs, rising.
func versions() []int {
	var vs []int
	for _, f := range AllFields() {
		if f.InVPC() && !slices.Contains(vs, f.Version()) {
			vs = append(vs, f.Version())
		}
	}
	return vs
}

func (f Format) plan() *plan {
	if f.p == nil {
		return defaultPlan
	}
	return f.p
}

// Len returns the number of fields, at least 1.
func (f Format) Len() int { return len(f.plan().cols) }

// Field returns the i-th field, from 0; None if it is not one of ours.
func (f Format) Field(i int) Field { return f.plan().cols[i].field() }

// field returns None for an extension.
func (c *column) field() Field {
	if f := Field(c.slot); f.known() {
		return f
	}
	return None
}

// Name returns the name of the i-th field, from 0. A name that is not one of
// ours is as the header had it.
func (f Format) Name(i int) string {
	p := f.plan()
	return p.name(&p.cols[i])
}

func (p *plan) name(c *column) string {
	if c.slot >= uint8(numFields) {
		return p.ext[c.slot-uint8(numFields)]
	}
	return Field(c.slot).Name()
}

// Fields returns the fields in order, None for those that are not ours.
func (f Format) Fields() []Field {
	fs := make([]Field, f.Len())
	for i := range fs {
		fs[i] = f.Field(i)
	}
	return fs
}

// Index returns where a field is, from 0, and -1 if the format does not have it.
func (f Format) Index(field Field) int {
	return slices.IndexFunc(f.plan().cols, func(c column) bool { return field.known() && c.slot == uint8(field) })
}

// Has reports whether the format has a field.
func (f Format) Has(field Field) bool { return field.known() && f.plan().set.has(uint8(field)) }

// Extensions returns the names of the fields that are not Amazon's, in order:
// those beginning with "x-", and those of a header that we do not know.
func (f Format) Extensions() []string { return slices.Clone(f.plan().ext) }

// Version returns the value of the version field: the highest version among the
// fields, 2 at least. Extensions do not count.
func (f Format) Version() int { return f.plan().version }

// Equal reports whether g has the same fields in the same order.
func (f Format) Equal(g Format) bool {
	if f.plan() == g.plan() {
		return true
	}
	return slices.Equal(f.plan().ext, g.plan().ext) && slices.Equal(f.plan().cols, g.plan().cols)
}

// String returns the format as Amazon writes it: ${version} ${account-id} …
func (f Format) String() string {
	var b []byte
	for i := range f.Len() {
		if i > 0 {
			b = append(b, ' ')
		}
		b = append(b, "${"...)
		b = append(b, f.Name(i)...)
		b = append(b, '}')
	}
	return string(b)
}

// AppendHeader appends the first line of a text file, the names separated by
// spaces, without newline.
func (f Format) AppendHeader(b []byte) []byte {
	for i := range f.Len() {
		if i > 0 {
			b = append(b, ' ')
		}
		b = append(b, f.Name(i)...)
	}
	return b
}
