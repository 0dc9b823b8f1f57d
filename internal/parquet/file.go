package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Errors of files.
var (
	// ErrNotParquet reports a file that does not begin as Parquet files do.
	ErrNotParquet = errors.New("not a Parquet file")
	// ErrTruncated reports a file without its end, where all is that says what
	// is in it.
	ErrTruncated = errors.New("file is truncated")

	errFooter = errors.New("the footer is damaged")
)

// magic begins and ends each file; sealed does where the footer is encrypted.
const (
	magic  = "PAR1"
	sealed = "PARE"
)

const (
	// maxFooter is how large a footer may be, in bytes.
	maxFooter = 256 << 20
	// A file of more than freeRows rows has at most rowsPerByte of them for each
	// of its bytes. The most that was seen of real records is 10.
	freeRows    = 1 << 20
	rowsPerByte = 1000
)

// A File is what the footer says. Any number of goroutines may use it.
type File struct {
	r      io.ReaderAt
	end    int64 // where the footer begins
	leaves []leaf
	groups []group
	rows   int64
}

// A group is a row group.
type group struct {
	rows   int64
	chunks []chunkMeta // of each leaf
}

// chunkMeta is where a column of a row group lies, and how.
type chunkMeta struct {
	codec        int32
	values       int64
	begin, size  int64 // in the file, in bytes
	uncompressed int64
}

// Open reads the footer of a file of size bytes.
func Open(r io.ReaderAt, size int64) (*File, error) {
	var head, tail [8]byte
	if n, err := r.ReadAt(head[:4], 0); n < 4 && err != nil && err != io.EOF {
		return nil, err
	}
	switch string(head[:4]) {
	case magic:
	case sealed:
		return nil, errors.New("the file is encrypted")
	default:
		return nil, ErrNotParquet
	}
	if size < 12 {
		return nil, ErrTruncated
	}
	if _, err := r.ReadAt(tail[:], size-8); err != nil && err != io.EOF {
		return nil, err
	}
	if string(tail[4:]) != magic {
		return nil, ErrTruncated
	}
	n := int64(binary.LittleEndian.Uint32(tail[:]))
	if n > size-12 || n > maxFooter {
		return nil, fmt.Errorf("%w: it has %d bytes, the file %d", errFooter, n, size)
	}
	b := make([]byte, n)
	if got, err := r.ReadAt(b, size-8-n); got < len(b) {
		if err == io.EOF {
			err = ErrTruncated
		}
		return nil, err
	}
	f := &File{r: r, end: size - 8 - n}
	if err := f.parse(b); err != nil {
		return nil, err
	}
	var rows int64
	for i := range f.groups {
		rows += f.groups[i].rows
		if rows > freeRows && rows/rowsPerByte > size {
			return nil, fmt.Errorf("%w: %d rows in %d bytes", errFooter, rows, size)
		}
	}
	return f, nil
}

// Names returns the names of the columns.
func (f *File) Names() []string {
	names := make([]string, len(f.leaves))
	for i := range names {
		names[i] = f.leaves[i].name
	}
	return names
}

// Groups returns the number of row groups.
func (f *File) Groups() int { return len(f.groups) }

// Rows returns the number of rows of a row group.
func (f *File) Rows(group int) int64 { return f.groups[group].rows }

// Parts returns where the wanted columns of all row groups lie, in bytes of the file: pairs
// of where they begin and where they end. nil wants all columns.
func (f *File) Parts(want []bool) (parts [][2]int64) {
	for i := range f.groups {
		for j, c := range f.groups[i].chunks {
			if (want == nil || want[j]) && c.size > 0 {
				parts = append(parts, [2]int64{c.begin, c.begin + c.size})
			}
		}
	}
	return parts
}

// Check returns an error if the file says to have another number of rows than its row
// groups have together.
func (f *File) Check() error {
	var rows int64
	for i := range f.groups {
		rows += f.groups[i].rows
	}
	if rows != f.rows {
		return fmt.Errorf("the footer says %d rows, row groups have %d", f.rows, rows)
	}
	return nil
}

// parse reads the footer.
func (f *File) parse(b []byte) error {
	c := &cursor{b: b}
	var schema, groups bool
	var err error
	fail := func(e error) {
		if err == nil && !c.bad {
			err = e
		}
		c.fail()
	}
	children := int32(0)
	c.fields(thriftStruct, func(id int, t byte) {
		switch id {
		case 2:
			schema = true
			c.list(t, func(i int, t byte) {
				e := c.element(t)
				switch {
				case c.bad:
				case i == 0:
					children = e.children
				case i > maxColumns:
					fail(fmt.Errorf("more than %d columns", maxColumns))
				default:
					l, err := newLeaf(&e)
					if err != nil {
						fail(err)
						return
					}
					f.leaves = append(f.leaves, l)
				}
			})
		case 3:
			f.rows = c.int(t)
		case 4:
			groups = true
			c.list(t, func(_ int, t byte) {
				g, e := f.group(c, t)
				if e != nil {
					fail(fmt.Errorf("row group %d: %w", len(f.groups)+1, e))
					return
				}
				f.groups = append(f.groups, g)
			})
		case 8:
			fail(errors.New("the file is encrypted"))
		default:
			c.skip(t)
		}
	})
	if err != nil {
		return err
	}
	if c.bad || !schema || !groups || len(f.leaves) == 0 || int(children) != len(f.leaves) {
		return errFooter
	}
	return nil
}

func (f *File) group(c *cursor, t byte) (g group, err error) {
	g.rows = -1
	c.fields(t, func(id int, t byte) {
		switch id {
		case 1:
			c.list(t, func(i int, t byte) {
				if i >= len(f.leaves) {
					c.fail()
					return
				}
				m, e := f.chunk(c, t, &f.leaves[i])
				if e != nil {
					if err == nil {
						err = fmt.Errorf("column %s: %w", f.leaves[i].name, e)
					}
					c.fail()
					return
				}
				g.chunks = append(g.chunks, m)
			})
		case 3:
			g.rows = c.int(t)
		default:
			c.skip(t)
		}
	})
	if err != nil {
		return g, err
	}
	if c.bad || g.rows < 0 || g.rows > 1<<40 || len(g.chunks) != len(f.leaves) {
		return g, errFooter
	}
	for i := range g.chunks {
		if n := g.chunks[i].values; n != g.rows {
			return g, fmt.Errorf("column %s has %d values in %d rows", f.leaves[i].name, n, g.rows)
		}
	}
	return g, nil
}

func (f *File) chunk(c *cursor, t byte, l *leaf) (m chunkMeta, err error) {
	var data, dictionary int64
	there := false
	c.fields(t, func(id int, t byte) {
		switch id {
		case 1:
			if len(c.binary(t)) > 0 {
				err = errors.New("lies in another file")
			}
		case 3:
			there = true
			c.fields(t, func(id int, t byte) {
				switch id {
				case 1:
					if v := c.int(t); int(v) != l.physical {
						err = errFooter
					}
				case 3:
					c.list(t, func(i int, t byte) {
						if name := c.binary(t); i > 0 || string(name) != l.name {
							err = errFooter
						}
					})
				case 4:
					m.codec = c.int32(t)
				case 5:
					m.values = c.int(t)
				case 6:
					m.uncompressed = c.int(t)
				case 7:
					m.size = c.int(t)
				case 9:
					data = c.int(t)
				case 11:
					dictionary = c.int(t)
				default:
					c.skip(t)
				}
			})
		case 8:
			err = errors.New("is encrypted")
		default:
			c.skip(t)
		}
	})
	m.begin = data
	if dictionary > 0 && dictionary < data {
		m.begin = dictionary
	}
	switch {
	case err != nil:
	case c.bad || !there:
		err = errFooter
	case m.begin < 4 || m.size < 0 || m.begin > f.end || m.size > f.end-m.begin:
		err = fmt.Errorf("%w: %d bytes from %d on are not in the file", errFooter, m.size, m.begin)
	}
	return m, err
}
