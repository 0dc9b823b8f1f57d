package parquet

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
)

// Kind says how a vector holds its values.
type Kind uint8

// Kinds.
const (
	None  Kind = iota // it was not asked for
	Ints              // whole numbers, none of them negative
	Dict              // numbers of entries in a dictionary
	Chars             // text
)

// Null says that a number is absent, NullCode that there is no entry. Among text it is
// "-".
const (
	Null     = math.MinInt64
	NullCode = math.MaxUint32
)

// A Vector is some rows of a column.
type Vector struct {
	Kind   Kind
	Ints   []int64
	Codes  []uint32
	Values *Text // of a dictionary; another one wherever the dictionary is another
	Text

	negative bool
}

// Text is a list of values as they would stand in a line: value i is
// Data[Ends[i]+1:Ends[i+1]], the first of Ends is ^0. What is absent or empty is "-",
// bytes not above a space are %XX.
type Text struct {
	Data []byte
	Ends []uint32
}

// Len returns the number of values.
func (t *Text) Len() int { return max(0, len(t.Ends)-1) }

// At returns a value.
func (t *Text) At(i int) []byte { return t.Data[t.Ends[i]+1 : t.Ends[i+1]] }

func (t *Text) reset() {
	t.Data, t.Ends = t.Data[:0], append(t.Ends[:0], math.MaxUint32)
}

// add adds a value as it is in the file; finish makes it what Text promises.
func (t *Text) add(v []byte) {
	if len(v) == 0 {
		t.Data = append(t.Data, '-', ' ')
	} else {
		t.Data = append(append(t.Data, v...), ' ')
	}
	t.Ends = append(t.Ends, uint32(len(t.Data)-1))
}

// finish writes out what may not stand in a line.
func (t *Text) finish() {
	if low(t.Data) == t.Len() {
		return
	}
	old := *t
	*t = Text{}
	t.reset()
	for i := range old.Len() {
		for _, c := range old.At(i) {
			if c > ' ' {
				t.Data = append(t.Data, c)
			} else {
				const hex = "0123456789ABCDEF"
				t.Data = append(t.Data, '%', hex[c>>4], hex[c&15])
			}
		}
		t.Data = append(t.Data, ' ')
		t.Ends = append(t.Ends, uint32(len(t.Data)-1))
	}
}

// low counts the bytes that are not above a space.
func low(b []byte) (n int) {
	const (
		low7   = 0x7f7f7f7f7f7f7f7f
		high   = 0x8080808080808080
		beyond = (0x80 - (' ' + 1)) * (math.MaxUint64 / 255)
	)
	for ; len(b) >= 8; b = b[8:] {
		w := binary.LittleEndian.Uint64(b)
		n += bits.OnesCount64(^((w&low7 + beyond) | w) & high)
	}
	for _, c := range b {
		if c <= ' ' {
			n++
		}
	}
	return n
}

func (v *Vector) reset() {
	v.Kind, v.Ints, v.Codes, v.Values, v.negative = None, v.Ints[:0], v.Codes[:0], nil, false
	v.Text.reset()
}

// become prepares v for more values of a kind: with others before it is text.
func (v *Vector) become(k Kind, values *Text) error {
	if v.Kind == None {
		v.Kind, v.Values = k, values
		return nil
	}
	if v.Kind == k && v.Values == values {
		return nil
	}
	return v.toText(false)
}

// toText makes v a vector of text.
func (v *Vector) toText(unsigned bool) error {
	var num [20]byte
	switch v.Kind {
	case Ints:
		for _, n := range v.Ints {
			switch {
			case n == Null:
				v.Text.add(nil)
			case unsigned:
				v.Text.add(strconv.AppendUint(num[:0], uint64(n), 10))
			default:
				v.Text.add(strconv.AppendInt(num[:0], n, 10))
			}
		}
	case Dict:
		for _, code := range v.Codes {
			if code == NullCode {
				v.Text.add(nil)
			} else {
				v.Text.add(v.Values.At(int(code)))
			}
			if len(v.Data) > maxText {
				return errText
			}
		}
	}
	v.Kind, v.Values = Chars, nil
	return nil
}

// extend returns s with n more elements, whatever is in them.
func extend[T any](s []T, n int) []T {
	if m := len(s) + n; m <= cap(s) {
		return s[:m]
	}
	return append(s, make([]T, n)...)
}

// Append appends the value of a row as it would stand in a line, "-" if it is absent.
func (v *Vector) Append(b []byte, row int) []byte {
	switch v.Kind {
	case Ints:
		if n := v.Ints[row]; n != Null {
			return strconv.AppendInt(b, n, 10)
		}
	case Dict:
		if code := v.Codes[row]; code != NullCode {
			return append(b, v.Values.At(int(code))...)
		}
	case Chars:
		return append(b, v.At(row)...)
	}
	return append(b, '-')
}
