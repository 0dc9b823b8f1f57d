package rows

import (
	"errors"
	"testing"

	"weir/record"
)

func TestParser(t *testing.T) {
	f, err := record.ParseFormat("srcaddr,dstport,x-note,action")
	if err != nil {
		t.Fatal(err)
	}
	var p Parser
	var s Splitter
	text := "10.0.0.1 22 a ACCEPT\n10.0.0.2 65536 b ACCEPT\n10.0.0.3 80 c DENY\n10.0.0.5 80 - -\n"
	want := []struct {
		line, bad string
		err       error
	}{
		{line: "10.0.0.1 22 a ACCEPT"},
		{bad: "dstport", err: record.ErrRange},
		{bad: "action", err: record.ErrNotKnown},
		{line: "10.0.0.5 80 - -"},
	}
	err = s.Split([]byte(text), len(want), f, 1, func(b *Batch) error {
		for row, w := range want {
			rec, bad := p.Parse(b, row)
			if w.err != nil {
				if rec != nil || bad.Row != row || bad.Name != w.bad || !errors.Is(bad.Reason, w.err) {
					t.Errorf("row %d: %v, %+v", row, rec != nil, bad)
				}
				continue
			}
			if rec == nil || string(f.Append(nil, rec)) != w.line {
				t.Errorf("row %d: %+v", row, bad)
			}
		}
		return nil
	}, nil)
	if err != nil {
		t.Fatal(err)
	}

	// Columns as they come out of a Parquet file.
	var addr, note, action Column
	for _, v := range []string{"10.0.0.1", "10.0.0.2"} {
		addr.AppendText([]byte(v))
	}
	note.AppendText([]byte("a b"))
	action.AppendText([]byte("ACCEPT"))
	b := &Batch{Format: f, Rows: 2, Columns: []Column{
		addr,
		{Kind: Ints, Ints: []int64{22, 65536}},
		{Kind: Dict, Codes: []uint32{0, NullCode}, Values: &note},
		{Kind: Dict, Codes: []uint32{0, 0}, Values: &action},
	}}
	rec, bad := p.Parse(b, 0)
	if rec == nil || string(f.Append(nil, rec)) != "10.0.0.1 22 a%20b ACCEPT" {
		t.Errorf("row 0: %+v", bad)
	}
	if rec, bad := p.Parse(b, 1); rec != nil || bad.Name != "dstport" || bad.Reason != record.ErrRange {
		t.Errorf("row 1: %+v", bad)
	}
}

func BenchmarkParser(b *testing.B) {
	line := "2 123456789012 eni-0a1b2c3d4e5f67890 10.0.1.5 10.0.2.9 49152 22 6 7 4711 1760000000 1760000059 ACCEPT OK\n"
	var text []byte
	for range 2000 {
		text = append(text, line...)
	}
	var p Parser
	var s Splitter
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		s.Split(text, 2000, record.Default(), 1, func(batch *Batch) error {
			for row := range batch.Rows {
				if rec, _ := p.Parse(batch, row); rec == nil {
					b.Fatal("no record")
				}
			}
			return nil
		}, nil)
	}
}
