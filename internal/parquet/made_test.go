package parquet

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"testing"
)

// made is a file of one row group that no writer would make: its columns are alike.
type made struct {
	physical, codec int64
	optional        bool
	columns         int
	rows            int64
	pages           []madePage
}

// A madePage is a page with what its header says.
type madePage struct {
	kind, size, packed, values, encoding, levels int64
	data                                         []byte
}

// number, text, object and list are fields in Thrift's compact protocol.
func number(id, v int64) []byte {
	return binary.AppendVarint(binary.AppendVarint([]byte{thriftI64}, id), v)
}

func text(id int64, s string) []byte {
	b := binary.AppendVarint([]byte{thriftBinary}, id)
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func object(fields ...[]byte) []byte { return append(slices.Concat(fields...), 0) }

func inside(id int64, o []byte) []byte {
	return append(binary.AppendVarint([]byte{thriftStruct}, id), o...)
}

func list(id int64, elements ...[]byte) []byte {
	b := append(binary.AppendVarint([]byte{thriftList}, id), 0xf0|thriftStruct)
	return append(binary.AppendUvarint(b, uint64(len(elements))), slices.Concat(elements...)...)
}

// page returns the bytes of a page; sizes that are not given are right.
func (p madePage) bytes() []byte {
	size, packed := p.size, p.packed
	if size == 0 {
		size = int64(len(p.data))
	}
	if packed == 0 {
		packed = int64(len(p.data))
	}
	about := map[int64]int64{pageData: 5, pageDictionary: 7, pageIndex: 6}[p.kind]
	head := object(number(1, p.kind), number(2, size), number(3, packed),
		inside(about, object(number(1, p.values), number(2, p.encoding), number(3, p.levels))))
	return append(head, p.data...)
}

func (m made) file() []byte {
	b := []byte(magic)
	repetition := int64(0)
	if m.optional {
		repetition = repetitionOptional
	}
	schema := [][]byte{object(text(4, "rows"), number(5, int64(m.columns)))}
	var chunks [][]byte
	for i := range m.columns {
		name := fmt.Sprint("c", i+1)
		schema = append(schema, object(number(1, m.physical), number(3, repetition), text(4, name)))
		begin := len(b)
		for _, p := range m.pages {
			b = append(b, p.bytes()...)
		}
		chunks = append(chunks, object(inside(3, object(number(1, m.physical), number(4, m.codec), number(5, m.rows),
			number(6, 1), number(7, int64(len(b)-begin)), number(9, int64(begin))))))
	}
	footer := object(list(2, schema...), number(3, m.rows), list(4, object(list(1, chunks...), number(3, m.rows))))
	b = binary.LittleEndian.AppendUint32(append(b, footer...), uint32(len(footer)))
	return append(b, magic...)
}

// read reads a file to its end, and returns how many rows it has.
func (r *Reader) read(file []byte) (rows int, err error) {
	f, err := Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return 0, err
	}
	if err := r.Start(f, 0, 0, f.Rows(0), nil); err != nil {
		return 0, err
	}
	for {
		n, _, err := r.Next()
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		rows += n
	}
}

// TestMadeFiles reads files that are wrong as no writer and hardly an accident makes them.
func TestMadeFiles(t *testing.T) {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	w.Write(make([]byte, 1000))
	w.Close()
	four := []byte{1, 0, 0, 0}
	value := madePage{values: 1, levels: encRLE, data: four}
	dictionary := madePage{kind: pageDictionary, values: 1, data: four}
	one := func(pages ...madePage) made { return made{physical: typeInt32, columns: 1, rows: 1, pages: pages} }
	two := one(value, value)
	two.rows = 2
	if n, err := new(Reader).read(two.file()); n != 2 || err != nil {
		t.Fatalf("a good file: %d rows, %v", n, err)
	}
	const begin = "row group 1: column c1: "
	for _, tt := range []struct {
		name   string
		file   made
		change func(*made)
		want   string // "" for none
	}{
		{"a dictionary", one(dictionary, value), nil, ""},
		{"a dictionary after values", two, func(m *made) { m.pages = []madePage{value, dictionary, value} },
			begin + "a dictionary comes after another or after values"},
		{"two dictionaries", one(dictionary, dictionary, value), nil, begin + "a dictionary comes after another or after values"},
		{"a dictionary of truth values", one(dictionary, value), func(m *made) { m.physical = typeBoolean }, begin + "dictionary: truth values have none"},
		{"levels without any", one(madePage{values: 1, levels: encRLE, data: []byte{0, 0, 0, 0, 1, 0, 0, 0}}), func(m *made) { m.optional = true },
			begin + "levels are damaged"},
		{"levels of packed bits", one(madePage{values: 1, levels: 4, data: four}), func(m *made) { m.optional = true },
			begin + "levels: encoding BIT_PACKED is not read"},
		{"a page that nobody reads and that does not end", one(madePage{kind: pageIndex, packed: 1000}, value), nil,
			begin + "a page goes beyond its column: the header of a page is damaged"},
		{"a page that does not end", one(madePage{values: 1, packed: 1000, size: 1000, data: four}), nil,
			begin + "a page goes beyond its column: the header of a page is damaged"},
		{"a page of 256 MiB", one(madePage{values: 1, size: maxPage, data: four}), nil, begin + "a page has another size than it says"},
		{"a page of a byte more", one(madePage{values: 1, size: maxPage + 1, data: four}), nil,
			begin + "a page has 268435457 bytes, which are more than 268435456"},
		{"a hundred million rows in a few bytes", one(value), func(m *made) { m.rows = 100_000_000_000 },
			fmt.Sprintf("the footer is damaged: 100000000000 rows in %d bytes", len(func() []byte { m := one(value); m.rows = 100_000_000_000; return m.file() }()))},
		{"10,000 columns", one(value), func(m *made) { m.columns = maxColumns }, ""},
		{"10,001 columns", one(value), func(m *made) { m.columns = maxColumns + 1 }, "more than 10000 columns"},
		{"a page of a thousand bytes", one(madePage{values: 250, size: 1000, levels: encRLE, data: z.Bytes()}), func(m *made) { m.codec, m.rows = codecGzip, 250 }, ""},
		{"two of them", one(madePage{values: 250, size: 1000, levels: encRLE, data: z.Bytes()}),
			func(m *made) { m.codec, m.rows, m.columns = codecGzip, 250, 2 },
			"row group 1: column c2: decompress a page: pages need more than 1500 bytes of memory"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.change != nil {
				tt.change(&tt.file)
			}
			n, err := (&Reader{maxMemory: 1500}).read(tt.file.file())
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != tt.want || err == nil && int64(n) != tt.file.rows {
				t.Errorf("%d rows, error %q, want %q", n, got, tt.want)
			}
		})
	}
	if _, err := Open(bytes.NewReader([]byte(sealed+"12345678")), 12); err == nil || err.Error() != "the file is encrypted" {
		t.Errorf("an encrypted file: %v", err)
	}
}
