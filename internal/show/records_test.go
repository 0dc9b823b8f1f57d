package show

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"weir/internal/query"
	"weir/internal/rows"
	"weir/record"
)

func TestHeaderWriter(t *testing.T) {
	var out bytes.Buffer
	w := &HeaderWriter{W: &out}
	for _, piece := range []string{"a b\n1 2\n", "a b\n3 4\n5 6\n", "", "c\n7\n", "c\n", "a b\n8 9\n"} {
		if n, err := w.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Fatalf("wrote %d of %q: %v", n, piece, err)
		}
	}
	if got, want := out.String(), "a b\n1 2\n3 4\n5 6\nc\n7\na b\n8 9\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestHeaderWriterRefuses(t *testing.T) {
	var out bytes.Buffer
	stop := errors.New("another header")
	var asked []string
	w := &HeaderWriter{W: &out, Changed: func(header []byte) error {
		asked = append(asked, string(header))
		return stop
	}}
	for i, piece := range []string{"a\n1\n", "", "a\n2\n", "b\n3\n", "a\n4\n"} {
		if _, err := w.Write([]byte(piece)); (i == 3) != errors.Is(err, stop) {
			t.Errorf("piece %d: error %v", i, err)
		}
	}
	if got, want := out.String(), "a\n1\n2\n4\n"; got != want || len(asked) != 1 || asked[0] != "b" {
		t.Errorf("got %q, want %q; asked %q", got, want, asked)
	}
	broken := &HeaderWriter{W: failing{}}
	if n, err := broken.Write([]byte("a\n1\n")); n != 0 || !errors.Is(err, errFull) {
		t.Errorf("wrote %d, error %v", n, err)
	}
}

func TestLimitWriter(t *testing.T) {
	pieces := []string{"h\n1\n2\n", "h\n", "h\n3\n"}
	for _, tt := range []struct {
		n      int64
		header bool
		want   string
		ended  int // the piece whose Write ends the output, -1 if none does
	}{
		{0, true, "h\n", 0},
		{1, true, "h\n1\n", 0},
		{2, true, "h\n1\n2\n", 0},
		{3, true, "h\n1\n2\nh\nh\n3\n", 2},
		{4, true, "h\n1\n2\nh\nh\n3\n", -1},
		{0, false, "", 0},
		{2, false, "h\n1\n", 0},
		{3, false, "h\n1\n2\n", 0},
		{4, false, "h\n1\n2\nh\n", 1},
	} {
		t.Run(fmt.Sprintf("%d, header %v", tt.n, tt.header), func(t *testing.T) {
			var out bytes.Buffer
			w := &LimitWriter{W: &out, N: tt.n, Header: tt.header}
			ended := -1
			for i, piece := range pieces {
				n, err := w.Write([]byte(piece))
				if err == nil && n != len(piece) {
					t.Fatalf("wrote %d of %q without an error", n, piece)
				}
				if err != nil {
					if !errors.Is(err, ErrLimit) {
						t.Fatal(err)
					}
					ended = i
					break
				}
			}
			if out.String() != tt.want || ended != tt.ended {
				t.Errorf("got %q, ended by piece %d; want %q, %d", out.String(), ended, tt.want, tt.ended)
			}
		})
	}
	w := &LimitWriter{W: failing{}, N: 5}
	if _, err := w.Write([]byte("1\n")); !errors.Is(err, errFull) {
		t.Errorf("got error %v", err)
	}
}

// write writes a row of values in a form.
func write(t *testing.T, form Form, columns []query.Column, f record.Format, values ...string) string {
	t.Helper()
	b := &rows.Batch{Format: f, Columns: make([]rows.Column, f.Len()), Rows: 1}
	for i, v := range values {
		b.Columns[i].AppendText([]byte(v))
	}
	r := &Records{Form: form, Columns: columns}
	s := &recordSink{Records: r}
	s.bind(f)
	rec, bad := s.rows.Parse(b, 0)
	if rec == nil {
		t.Fatalf("refused: %+v", bad)
	}
	return string(s.header) + string(s.append(nil, b, 0, rec))
}

func TestRecords(t *testing.T) {
	f, ok := record.ParseHeader([]byte("srcaddr instance-tag bytes end x-note"))
	if !ok {
		t.Fatal("no header")
	}
	some := []query.Column{{Field: record.Bytes, Name: "bytes"}, {Name: "x-note"}, {Field: record.VPCID, Name: "vpc-id"}, {Field: record.InstanceTag, Name: "instance-tag"}}
	values := []string{"10.0.0.1", `a"b,c`, "7", "1700000000", "größe"}
	absent := []string{"10.0.0.1", "-", "-", "1700000000", "-"}
	for _, tt := range []struct {
		form    Form
		columns []query.Column
		values  []string
		want    string
	}{
		{Text, nil, values, "srcaddr instance-tag bytes end x-note\n10.0.0.1 a\"b,c 7 1700000000 größe\n"},
		{Text, some, values, "bytes x-note vpc-id instance-tag\n7 größe - a\"b,c\n"},
		{CSV, some, values, "bytes,x-note,vpc-id,instance-tag\n7,größe,,\"a\"\"b,c\"\n"},
		{TSV, some, values, "bytes\tx-note\tvpc-id\tinstance-tag\n7\tgröße\t\ta\"b,c\n"},
		{TSV, some, absent, "bytes\tx-note\tvpc-id\tinstance-tag\n\t\t\t\n"},
		// A value of a Parquet file that could not stand in a line.
		{Text, some, []string{"10.0.0.1", "a b\n", "7", "1700000000", "\x1b[31m"}, "bytes x-note vpc-id instance-tag\n7 %1B[31m - a%20b%0A\n"},
		{CSV, some, absent, "bytes,x-note,vpc-id,instance-tag\n,,,\n"},
	} {
		if got := write(t, tt.form, tt.columns, f, tt.values...); got != tt.want {
			t.Errorf("form %d: got %q, want %q", tt.form, got, tt.want)
		}
	}
	got := write(t, JSON, some, f, values...)
	_, got, _ = strings.Cut(got, "\n")
	if want := `{"bytes":7,"x-note":"größe","vpc-id":null,"instance-tag":"a\"b,c"}` + "\n"; got != want || !json.Valid([]byte(got)) {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestGroups(t *testing.T) {
	by := []query.Column{{Field: record.SrcAddr, Name: "srcaddr"}, {Field: record.InstanceTag, Name: "instance-tag"}}
	groups := []query.Group{
		{Values: []string{"10.0.0.1", `a,"b`}, Sums: query.Sums{Records: 1, Packets: 2, Bytes: 3, Start: 4, End: 5}},
		{Values: []string{"10.0.0.2", "-"}, Sums: query.Sums{Records: 1}},
	}
	var out bytes.Buffer
	if err := Groups(&out, by, groups, CSV); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "srcaddr,instance-tag,records,packets,bytes,start,end\n10.0.0.1,\"a,\"\"b\",1,2,3,4,5\n10.0.0.2,,1,0,0,,\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	lines, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(lines) != 3 || lines[1][1] != `a,"b` {
		t.Errorf("read %q, error %v", lines, err)
	}
	out.Reset()
	if err := Groups(&out, by, groups, TSV); err != nil || strings.Count(out.String(), "\t") != 3*6 {
		t.Errorf("got %q, error %v", out.String(), err)
	}
}
