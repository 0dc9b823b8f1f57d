package parquet

import (
	"cmp"
	"fmt"
	"io"
)

const (
	// A batch has at most batchRows rows, and some batchBytes bytes if the group
	// says rightly how large it is.
	batchRows  = 16 << 10
	batchBytes = 32 << 20
	// maxMemory is how much memory the pages of all columns may need at a time.
	maxMemory = 512 << 20
)

// A Reader takes row groups apart. What it gives lies in memory that it uses again;
// it belongs to one goroutine. The zero Reader is ready.
type Reader struct {
	chunks       []*chunk // those of columns that were not asked for are nil
	vectors      []Vector
	skipped      Vector
	file         *File
	group        int
	left, size   int64 // rows: not yet given, of a batch
	decompressor decompressor
	memory       int
	maxMemory    int // tests make it small; 0 is the constant
}

func (r *Reader) most() int { return cmp.Or(r.maxMemory, maxMemory) }

// Start begins with the rows of a row group from from, counted from 0, to but not
// including to, and of them with the wanted columns; nil wants all. The error says
// what is wrong with the file.
func (r *Reader) Start(f *File, group int, from, to int64, want []bool) error {
	r.file, r.group, r.left = f, group, 0
	if err := r.reset(want); err != nil {
		return err
	}
	r.size = batchRows
	for i, c := range r.chunks {
		if c == nil {
			continue
		}
		if err := c.skip(from); err != nil {
			return r.wrong(i, err)
		}
		if n := c.meta.values; n > 0 {
			r.size = max(1, min(r.size, batchBytes/max(1, c.meta.uncompressed/n)))
		}
	}
	r.left = to - from
	return nil
}

// Next returns the next n rows, a vector for each column, of which those that are not
// wanted are of kind None. They are right until the next call, the values of
// dictionaries until the next Start. The error is [io.EOF] after the last rows, or
// says what is wrong with the file.
func (r *Reader) Next() (n int, columns []Vector, err error) {
	if r.left == 0 {
		return 0, nil, io.EOF
	}
	n = int(min(r.size, r.left))
	for i, c := range r.chunks {
		v := &r.vectors[i]
		v.reset()
		if c == nil {
			continue
		}
		err := c.fill(v, n)
		if err == nil {
			err = v.finish(c.leaf.unsigned)
		}
		if err != nil {
			r.left = 0
			return 0, nil, r.wrong(i, err)
		}
	}
	r.left -= int64(n)
	return n, r.vectors[:len(r.chunks)], nil
}

// reset begins with the columns of a row group.
func (r *Reader) reset(want []bool) error {
	n := len(r.file.leaves)
	old := r.chunks[:cap(r.chunks)]
	if len(old) < n {
		old = append(old, make([]*chunk, n-len(old))...)
	}
	if len(r.vectors) < n {
		r.vectors = append(r.vectors, make([]Vector, n-len(r.vectors))...)
	}
	r.chunks = old[:n]
	for i := range r.chunks {
		if want != nil && !want[i] {
			r.chunks[i] = nil
			continue
		}
		if r.chunks[i] == nil {
			r.chunks[i] = &chunk{}
		}
		if err := r.chunks[i].reset(r, r.file, r.group, i); err != nil {
			return r.wrong(i, err)
		}
	}
	r.memory = 0
	for _, c := range r.chunks {
		if c != nil {
			r.memory += cap(c.raw)
		}
	}
	return nil
}

func (r *Reader) wrong(column int, err error) error {
	return fmt.Errorf("row group %d: column %s: %w", r.group+1, r.file.leaves[column].name, err)
}

// finish makes a vector what it promises to be.
func (v *Vector) finish(unsigned bool) error {
	if v.Kind == Ints && v.negative {
		if err := v.toText(unsigned); err != nil {
			return err
		}
	}
	if v.Kind == Chars {
		v.Text.finish()
	}
	return nil
}
