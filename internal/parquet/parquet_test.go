package parquet_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	upstream "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"

	"weir/internal/parquet"
	"weir/record"
	"weir/recordfile"
)

// lines reads all rows from from to to of all row groups, as lines.
func lines(r *parquet.Reader, file []byte, want []bool, limit int) (out []string, err error) {
	f, err := parquet.Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, err
	}
	for g := range f.Groups() {
		if err := r.Start(f, g, 0, f.Rows(g), want); err != nil {
			return out, err
		}
		for {
			n, columns, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				return out, err
			}
			for row := range n {
				if len(out) >= limit {
					return out, nil
				}
				out = append(out, line(columns, row))
			}
		}
	}
	return out, f.Check()
}

func line(columns []parquet.Vector, row int) string {
	var b []byte
	for i := range columns {
		b = append(columns[i].Append(append(b, ' '), row), ' ')
	}
	return string(b)
}

// upstreamLines is what parquet-go finds in a file.
func upstreamLines(t *testing.T, file []byte) (out []string) {
	t.Helper()
	f, err := upstream.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]upstream.Row, 100)
	for _, g := range f.RowGroups() {
		rows := g.Rows()
		for {
			n, err := rows.ReadRows(buf)
			for _, row := range buf[:n] {
				var b strings.Builder
				for _, v := range row {
					text := "-"
					switch {
					case v.IsNull():
					case v.Kind() == upstream.ByteArray || v.Kind() == upstream.FixedLenByteArray:
						text = ""
						for _, c := range v.ByteArray() {
							if c > ' ' {
								text += string([]byte{c})
							} else {
								text += fmt.Sprintf("%%%02X", c)
							}
						}
						if text == "" {
							text = "-"
						}
					default:
						text = v.String()
					}
					b.WriteString(" " + text + " ")
				}
				out = append(out, b.String())
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		rows.Close()
	}
	return out
}

// generated writes n rows of one column of each type, optional and not.
func generated(t testing.TB, rng *rand.Rand, n int, encoding string, o ...upstream.WriterOption) []byte {
	t.Helper()
	group := upstream.Group{}
	numbers := func(node upstream.Node) upstream.Node {
		switch encoding {
		case "dict":
			return upstream.Encoded(node, &upstream.RLEDictionary)
		case "delta":
			return upstream.Encoded(node, &upstream.DeltaBinaryPacked)
		}
		return upstream.Encoded(node, &upstream.Plain)
	}
	text := func(node upstream.Node) upstream.Node {
		switch encoding {
		case "dict":
			return upstream.Encoded(node, &upstream.RLEDictionary)
		case "delta":
			return upstream.Encoded(node, &upstream.DeltaLengthByteArray)
		case "delta bytes":
			return upstream.Encoded(node, &upstream.DeltaByteArray)
		}
		return upstream.Encoded(node, &upstream.Plain)
	}
	for name, node := range map[string]upstream.Node{
		"int32": numbers(upstream.Int(32)), "int64": numbers(upstream.Int(64)), "text": text(upstream.String()),
		"bool": upstream.Leaf(upstream.BooleanType), "double": upstream.Leaf(upstream.DoubleType),
		"fixed": upstream.Leaf(upstream.FixedLenByteArrayType(3)),
	} {
		group[name], group[name+"_null"] = node, upstream.Optional(node)
	}
	schema := upstream.NewSchema("rows", group)
	var out bytes.Buffer
	w := upstream.NewWriter(&out, append(o, schema, upstream.PageBufferSize(1000))...)
	values := 1 << rng.IntN(16) // how many there are of each
	for range n {
		var row upstream.Row
		for i, c := range schema.Columns() {
			name := c[0]
			var v upstream.Value
			x := rng.IntN(values)
			switch strings.TrimSuffix(name, "_null") {
			case "int32":
				v = upstream.Int32Value(int32(x - values/100))
			case "int64":
				v = upstream.Int64Value(int64(x) << rng.IntN(40))
			case "text":
				v = upstream.ByteArrayValue([]byte(strings.Repeat("ab ", x%7) + fmt.Sprint(x)[:x%2]))
			case "bool":
				v = upstream.BooleanValue(x%2 == 0)
			case "double":
				v = upstream.DoubleValue(float64(x) / float64(1+x%2))
			case "fixed":
				v = upstream.FixedLenByteArrayValue([]byte(fmt.Sprintf("%03d", x)[:3]))
			}
			level := 0
			if strings.HasSuffix(name, "_null") {
				level = 1
				if rng.IntN(3) == 0 || values == 8 {
					v, level = upstream.NullValue(), 0
				}
			}
			row = append(row, v.Level(0, level, i))
		}
		if _, err := w.WriteRows([]upstream.Row{row}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

var codecs = map[string]compress.Codec{"none": &upstream.Uncompressed, "snappy": &upstream.Snappy, "gzip": &upstream.Gzip, "zstd": &upstream.Zstd}

// TestAgainstUpstream reads what parquet-go writes, in each encoding, and compares it
// with what parquet-go reads.
func TestAgainstUpstream(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var r parquet.Reader
	for _, encoding := range []string{"plain", "dict", "delta", "delta bytes"} {
		for codec := range codecs {
			for version := 1; version <= 2; version++ {
				for range 8 {
					n := 1 + rng.IntN(1<<rng.IntN(13))
					file := generated(t, rng, n, encoding, upstream.Compression(codecs[codec]), upstream.DataPageVersion(version),
						upstream.MaxRowsPerRowGroup(int64(1+n/(1+rng.IntN(3)))))
					got, err := lines(&r, file, nil, 1<<30)
					if err != nil {
						t.Fatalf("%s, %s, version %d: %v", encoding, codec, version, err)
					}
					equal(t, fmt.Sprintf("%s, %s, version %d", encoding, codec, version), got, upstreamLines(t, file))
				}
			}
		}
	}
}

func equal(t *testing.T, what string, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d rows, want %d", what, len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("%s: row %d:\ngot  %q\nwant %q", what, i, got[i], want[i])
		}
	}
}

// TestRanges reads every part of a row group by itself.
func TestRanges(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, encoding := range []string{"plain", "dict", "delta", "delta bytes"} {
		file := generated(t, rng, 3000, encoding)
		f, err := parquet.Open(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		var r parquet.Reader
		all, err := lines(&r, file, nil, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []int64{1, 7, 500, 2999, 3000} {
			var got []string
			for from := int64(0); from < 3000; from += step {
				to := min(3000, from+step)
				if step == 1 && from > 20 && from < 2980 {
					got = append(got, all[from])
					continue
				}
				if err := r.Start(f, 0, from, to, nil); err != nil {
					t.Fatal(err)
				}
				for {
					n, columns, err := r.Next()
					if err == io.EOF {
						break
					}
					if err != nil {
						t.Fatal(err)
					}
					for row := range n {
						got = append(got, line(columns, row))
					}
				}
			}
			equal(t, fmt.Sprintf("%s, %d at a time", encoding, step), got, all)
		}
	}
}

// TestColumns reads some columns only.
func TestColumns(t *testing.T) {
	file := generated(t, rand.New(rand.NewPCG(5, 6)), 100, "dict")
	f, err := parquet.Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	want := make([]bool, len(f.Names()))
	want[3] = true
	var r parquet.Reader
	if err := r.Start(f, 0, 0, 100, want); err != nil {
		t.Fatal(err)
	}
	_, columns, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	for i := range columns {
		if (columns[i].Kind != parquet.None) != want[i] {
			t.Errorf("column %s has kind %d", f.Names()[i], columns[i].Kind)
		}
	}
}

// TestFallback reads a column whose dictionary became too large in its middle.
func TestFallback(t *testing.T) {
	type row struct {
		Text string  `parquet:"text,dict"`
		Null *string `parquet:"null,optional,dict"`
	}
	var out bytes.Buffer
	w := upstream.NewGenericWriter[row](&out, upstream.PageBufferSize(500), upstream.DictionaryMaxBytes(2000))
	for i := range 2000 {
		v := fmt.Sprintf("value %d", i)
		x := row{Text: v, Null: &v}
		if i%3 == 0 {
			x.Null = nil
		}
		if _, err := w.Write([]row{x}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var r parquet.Reader
	got, err := lines(&r, out.Bytes(), nil, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "fallback", got, upstreamLines(t, out.Bytes()))
	if !bytes.Contains(out.Bytes(), []byte("value 1999")) {
		t.Error("the file has no text outside of its dictionary")
	}
}

// TestMeaning checks what is made of values that are not as a line has them.
func TestMeaning(t *testing.T) {
	type row struct {
		A uint32   `parquet:"a"`
		B uint64   `parquet:"b"`
		C int64    `parquet:"c,timestamp(millisecond)"`
		D int64    `parquet:"d,timestamp(nanosecond)"`
		E *float64 `parquet:"e,optional"`
		F string   `parquet:"f,dict"`
		G int32    `parquet:"g"`
	}
	nan, port := 0.0, 443.0
	nan = nan / nan
	var out bytes.Buffer
	w := upstream.NewGenericWriter[row](&out)
	if _, err := w.Write([]row{
		{4294967295, 1<<64 - 1, 1700000000999, 1700000000999999999, &port, "-", -7},
		{1, 1, -1, 0, &nan, "", 7},
		{0, 0, 0, 0, nil, "a\tb", 7},
	}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var r parquet.Reader
	got, err := lines(&r, out.Bytes(), nil, 10)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "values", got, []string{
		" 4294967295  18446744073709551615  1700000000  1700000000  443  -  -7 ",
		" 1  1  -1  0  -  -  7 ",
		" 0  0  0  0  -  a%09b  7 ",
	})
}

func TestRefused(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		node       upstream.Node
		o          []upstream.WriterOption
	}{
		{"a list", "column x: repeated: not a single value", upstream.Repeated(upstream.Int(32)), nil},
		{"a struct", "column x: nested: not a single value", upstream.Group{"y": upstream.Int(32)}, nil},
		{"a decimal", "column x: type DECIMAL is not read", upstream.Decimal(2, 9, upstream.Int32Type), nil},
		{"a date", "column x: type DATE is not read", upstream.Date(), nil},
		{"a time of day", "column x: types TIME and INTERVAL are not read", upstream.Time(upstream.Millisecond), nil},
		{"INT96", "column x: type INT96 is not read", upstream.Leaf(upstream.Int96Type), nil},
		{"a UUID", "column x: types UUID and FLOAT16 are not read", upstream.UUID(), nil},
		{"LZ4", "column x: compression LZ4_RAW is not read", upstream.Int(32), []upstream.WriterOption{upstream.Compression(&upstream.Lz4Raw)}},
		{"split bytes", "column x: encoding BYTE_STREAM_SPLIT is not read",
			upstream.Encoded(upstream.Leaf(upstream.DoubleType), &upstream.ByteStreamSplit), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			schema := upstream.NewSchema("rows", upstream.Group{"x": tt.node})
			var out bytes.Buffer
			w := upstream.NewWriter(&out, append(tt.o, schema)...)
			v := upstream.Int32Value(1)
			if tt.node.Leaf() {
				switch tt.node.Type().Kind() {
				case upstream.Int96:
					v = upstream.Int96Value([3]uint32{})
				case upstream.Double:
					v = upstream.DoubleValue(1)
				case upstream.FixedLenByteArray:
					v = upstream.FixedLenByteArrayValue(make([]byte, 16))
				}
			}
			level := 0
			if tt.node.Repeated() {
				level = 1
			}
			if _, err := w.WriteRows([]upstream.Row{{v.Level(0, level, 0)}}); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			var r parquet.Reader
			if _, err := lines(&r, out.Bytes(), nil, 10); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want %s", err, tt.want)
			}
		})
	}
}

// TestDamaged changes each byte of a file: there may be an error, and must be one if a
// value is another.
func TestDamaged(t *testing.T) {
	file := generated(t, rand.New(rand.NewPCG(7, 8)), 40, "dict", upstream.Compression(&upstream.Gzip))
	var r parquet.Reader
	want, err := lines(&r, file, nil, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	footer := bytes.LastIndex(file, []byte("rows")) - 20
	for i := range file {
		for _, bit := range []byte{1, 0x80} {
			file[i] ^= bit
			got, err := lines(&r, file, nil, 1000)
			if err == nil && i < footer && strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("byte %d of %d: other values and no error", i, len(file))
			}
			file[i] ^= bit
		}
		if _, err := lines(&r, file[:i], nil, 1000); err == nil {
			t.Errorf("cut after %d of %d bytes: no error", i, len(file))
		}
	}
	if _, err := parquet.Open(bytes.NewReader(nil), 0); !errors.Is(err, parquet.ErrNotParquet) {
		t.Errorf("no bytes: %v", err)
	}
	if _, err := parquet.Open(bytes.NewReader(file[:len(file)-1]), int64(len(file)-1)); !errors.Is(err, parquet.ErrTruncated) {
		t.Errorf("cut: %v", err)
	}
}

// ours is a file as Weir writes it.
func ours(tb testing.TB, codec recordfile.Codec) []byte {
	tb.Helper()
	var out bytes.Buffer
	w, err := recordfile.NewParquetWriter(&out, record.Default(), recordfile.ParquetOptions{Codec: codec})
	if err != nil {
		tb.Fatal(err)
	}
	for i := range 100 {
		line := fmt.Appendf(nil, "2 123456789012 eni-1 10.0.0.%d 10.0.1.1 %d 22 6 1 40 1700000000 1700000059 REJECT OK", i%7, 40000+i)
		if i%10 == 9 {
			line = []byte("2 123456789012 eni-1 - - - - - - - 1700000000 1700000059 - NODATA")
		}
		var r record.Record
		if err := record.Default().Parse(line, &r); err != nil {
			tb.Fatal(err)
		}
		if err := w.Write(&r); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// TestOurs reads what Weir writes, and compares it with what parquet-go reads.
func TestOurs(t *testing.T) {
	var r parquet.Reader
	for _, codec := range []recordfile.Codec{recordfile.Gzip, recordfile.Zstd} {
		file := ours(t, codec)
		got, err := lines(&r, file, nil, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, fmt.Sprint("codec ", codec), got, upstreamLines(t, file))
	}
}

// FuzzParquet checks that any file is read to an end or an error, soon and in little
// memory.
func FuzzParquet(f *testing.F) {
	rng := rand.New(rand.NewPCG(9, 10))
	for _, encoding := range []string{"plain", "dict", "delta", "delta bytes"} {
		for codec := range codecs {
			f.Add(generated(f, rng, 30, encoding, upstream.Compression(codecs[codec]), upstream.DataPageVersion(1+rng.IntN(2))))
		}
	}
	for _, codec := range []recordfile.Codec{recordfile.Gzip, recordfile.Zstd} {
		f.Add(ours(f, codec))
	}
	var r parquet.Reader
	f.Fuzz(func(t *testing.T, file []byte) {
		got, err := lines(&r, file, nil, 10_000)
		if err != nil {
			return
		}
		again, err := lines(&r, file, nil, 10_000)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "again", again, got)
	})
}
