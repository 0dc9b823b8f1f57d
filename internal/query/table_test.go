package query

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"weir/internal/rows"
	"weir/record"
)

func all(b *rows.Batch) []int32 {
	rows := make([]int32, b.Rows)
	for i := range rows {
		rows[i] = int32(i)
	}
	return rows
}

// addText adds all lines of a text to a table.
func addText(t testing.TB, table *Table, text string, f record.Format) {
	t.Helper()
	split(t, text, f, func(b *rows.Batch) {
		if bad, err := table.Add(b, all(b)); err != nil || len(bad) > 0 {
			t.Fatalf("refused %v, error %v", bad, err)
		}
	})
}

// TestMerge deals rows out to several tables: merged, they are the table of all.
func TestMerge(t *testing.T) {
	formats := []record.Format{header(t, "srcaddr dstport packets bytes start end instance-id"), header(t, "end start bytes dstport srcaddr"), header(t, "srcaddr dstport")}
	by := []Column{column(record.SrcAddr), column(record.DstPort), column(record.InstanceID)}
	r := rand.New(rand.NewPCG(1, 2))
	whole, parts := NewTable(by, 1e6), []*Table{NewTable(by, 1e6), NewTable(by, 1e6), NewTable(by, 1e6)}
	for range 60 {
		f := formats[r.IntN(len(formats))]
		var text strings.Builder
		for range 200 {
			for i, field := range f.Fields() {
				if i > 0 {
					text.WriteByte(' ')
				}
				switch field {
				case record.SrcAddr:
					// The same address in two spellings, and text that is no address.
					text.WriteString([]string{"10.0.0.1", "2001:db8::1", "2001:DB8:0:0::1", "-", "xx.xx.xx.xx"}[r.IntN(5)])
				case record.InstanceID:
					text.WriteString([]string{"i-1", "-", "i-" + strings.Repeat("x", r.IntN(3000))}[r.IntN(3)])
				case record.DstPort:
					fmt.Fprint(&text, r.IntN(300))
				default:
					fmt.Fprint(&text, r.IntN(1e9))
				}
			}
			text.WriteByte('\n')
		}
		addText(t, whole, text.String(), f)
		addText(t, parts[r.IntN(len(parts))], text.String(), f)
	}
	merged := NewTable(by, 1e6)
	for _, p := range parts {
		if err := merged.Merge(p); err != nil {
			t.Fatal(err)
		}
	}
	got, want := merged.Top(-1, ByBytes), whole.Top(-1, ByBytes)
	if len(got) < 1000 || !reflect.DeepEqual(got, want) || merged.Len() != whole.Len() || merged.Total() != whole.Total() {
		t.Errorf("merged are %d groups, %+v; of all in one table they are %d, %+v", len(got), merged.Total(), len(want), whole.Total())
	}
	if n := merged.Total().Records; n != 60*200 {
		t.Errorf("%d records, want %d", n, 60*200)
	}
	for _, g := range got {
		if len(g.Values) != len(by) || strings.Contains(g.Values[0], "DB8") {
			t.Fatalf("a group has the values %q", g.Values)
		}
	}
}

// TestTopOrder has groups with equally much in the order of their values.
func TestTopOrder(t *testing.T) {
	f := header(t, "srcaddr dstport packets bytes end")
	table := NewTable([]Column{column(record.SrcAddr), column(record.DstPort)}, 10)
	addText(t, table, "10.0.0.2 2 9 1 5\n10.0.0.2 1 9 1 5\n10.0.0.1 7 9 1 5\n10.0.0.3 3 1 2 5\n10.0.0.9 3 1 1 5\n10.0.0.9 3 1 1 6\n", f)
	for m, want := range map[Measure]string{
		ByBytes:   "[10.0.0.3 3] [10.0.0.9 3] [10.0.0.1 7] [10.0.0.2 1] [10.0.0.2 2]",
		ByPackets: "[10.0.0.1 7] [10.0.0.2 1] [10.0.0.2 2] [10.0.0.9 3] [10.0.0.3 3]",
		ByRecords: "[10.0.0.9 3] [10.0.0.1 7] [10.0.0.2 1] [10.0.0.2 2] [10.0.0.3 3]",
	} {
		var got []string
		for _, g := range table.Top(-1, m) {
			got = append(got, fmt.Sprint(g.Values))
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("by %v: got %s, want %s", m, got, want)
		}
	}
	if got, want := table.Top(2, ByRecords)[0].Sums, (Sums{Records: 2, Packets: 2, Bytes: 2, End: 6}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestTooManyGroups(t *testing.T) {
	f := header(t, "srcaddr dstport packets bytes end")
	line := func(i int) string { return fmt.Sprintf("10.0.%d.%d 1 1 1 1\n", i/250, i%250) }
	by := []Column{column(record.SrcAddr)}
	for _, n := range []int{0, 1, 63, 64, 65, 5000} {
		table := NewTable(by, n)
		for i := range n {
			addText(t, table, line(i), f)
		}
		if n > 0 { // another of a group that there is
			addText(t, table, line(0), f)
		}
		other := NewTable(by, n+1)
		for i := range n {
			addText(t, other, line(i), f)
		}
		if err := table.Merge(other); err != nil {
			t.Errorf("%d groups of at most %d: merged with the same: %v", n, n, err)
		}
		split(t, line(n), f, func(b *rows.Batch) {
			if _, err := table.Add(b, all(b)); !errors.Is(err, ErrTooManyGroups) {
				t.Errorf("one more than %d groups: got error %v", n, err)
			}
		})
		addText(t, other, line(n), f)
		if err := table.Merge(other); !errors.Is(err, ErrTooManyGroups) || table.Len() != n {
			t.Errorf("one more than %d groups, merged: got error %v and %d groups", n, err, table.Len())
		}
	}
}

// TestChunks has keys that fill a chunk to a byte, that do not fit what is left of one,
// and that are larger than one, before and behind small ones.
func TestChunks(t *testing.T) {
	table := NewTable([]Column{column(record.InstanceID)}, 1e6)
	reference := map[string]Sums{}
	seen := 0
	add := func(size int) {
		key := append(bytes.Repeat([]byte{byte('a' + seen%26)}, size), fmt.Sprintf("-%d\x00", seen)...)
		seen++
		for i := range 2 { // once new, once found again
			if !table.add(uint32(seen)*2654435761, key, Sums{Records: 1, Bytes: int64(size + i)}, merged) {
				t.Fatal("too many")
			}
		}
		reference[string(key[:len(key)-1])] = Sums{Records: 2, Bytes: int64(2*size + 1)}
	}
	for _, size := range []int{10, chunkSize, 10, 3*chunkSize + 5, 3*chunkSize + 5, 20, chunkSize / 2, chunkSize/2 + 1, 30} {
		add(size)
	}
	for size := chunkSize - atKey - 12; size <= chunkSize-atKey+12; size++ {
		add(size)
		add(1)
	}
	for range 30_000 { // more than a chunk of small ones
		add(40)
	}
	groups := table.Top(-1, ByBytes)
	if len(groups) != len(reference) || table.Len() != len(reference) {
		t.Fatalf("%d groups, want %d", len(groups), len(reference))
	}
	for _, g := range groups {
		if want, ok := reference[g.Values[0]]; !ok || g.Sums != want {
			t.Fatalf("a group of %d bytes has %+v, want %+v (known: %v)", len(g.Values[0]), g.Sums, want, ok)
		}
	}
}

// TestMaxChunks has as many chunks as a slot can tell apart, of 1 MiB each.
func TestMaxChunks(t *testing.T) {
	table := NewTable(nil, 1e6)
	table.chunks = make([][]byte, maxChunks-1)
	if !table.add(1, []byte("a"), Sums{Records: 1}, merged) || string(table.group(table.slots[1].at).key()) != "a" {
		t.Error("no group in the last chunk")
	}
	if table.add(2, []byte("b"), Sums{Records: 1}, merged) {
		t.Error("a group has no place that a slot can hold")
	}
}

// TestZeroByte has a byte in a value that stands between values: it may not make two
// groups one, nor a group of more values than columns.
func TestZeroByte(t *testing.T) {
	f := header(t, "instance-id vpc-id bytes end srcaddr")
	b := &rows.Batch{Format: f, Columns: make([]rows.Column, f.Len()), Rows: 3}
	for _, row := range [][]string{{"a", "b\x00c", "1", "1", "-"}, {"a\x00b", "c", "1", "1", "-"}, {"a", "b", "1", "1", "-"}} {
		for i, v := range row {
			b.Columns[i].AppendText([]byte(v))
		}
	}
	table := NewTable([]Column{column(record.InstanceID), column(record.VPCID)}, 10)
	bad, err := table.Add(b, all(b))
	if err != nil || len(bad) != 2 || bad[0].Row != 0 || bad[0].Name != "vpc-id" || bad[1].Row != 1 || bad[1].Name != "instance-id" || !errors.Is(bad[0].Reason, record.ErrControl) {
		t.Errorf("refused %v, error %v; want rows 0 and 1", bad, err)
	}
	for _, g := range table.Top(-1, ByBytes) {
		if !slices.Equal(g.Values, []string{"a", "b"}) {
			t.Errorf("there is a group of %q", g.Values)
		}
	}
}

// TestNoColumns is the group of everything.
func TestNoColumns(t *testing.T) {
	table := NewTable(nil, 10)
	addText(t, table, "10.0.0.1 3 4\n10.0.0.2 5 6\n", header(t, "srcaddr bytes end"))
	got := table.Top(-1, ByBytes)
	if len(got) != 1 || len(got[0].Values) > 0 || got[0].Sums != (Sums{Records: 2, Bytes: 8, End: 6}) {
		t.Errorf("got %+v", got)
	}
}

func TestTableRefuses(t *testing.T) {
	f := header(t, "srcaddr bytes end")
	table := NewTable([]Column{column(record.SrcAddr)}, 10)
	split(t, "10.0.0.1 x 4\n10.0.0.1 1 -1\n10.0.0.1 1 9223372036854775808\n10.0.0.1 1 -\n10.0.0.1 - 8\n10.0.0.1 7 8\n", f, func(b *rows.Batch) {
		bad, err := table.Add(b, all(b))
		var got []string
		for _, x := range bad {
			got = append(got, fmt.Sprint(x.Row, x.Name))
		}
		if want := "0bytes 1end 2end 3end"; err != nil || strings.ReplaceAll(strings.Join(got, ","), " ", "") != strings.ReplaceAll(want, " ", ",") {
			t.Errorf("refused %v, error %v; want %s", bad, err, want)
		}
	})
	if got := table.Total(); got != (Sums{Records: 2, Bytes: 7, End: 8}) {
		t.Errorf("got %+v", got)
	}
}

// TestMillionGroups has a process of its own make a million groups, as two workers do
// that have met all of them, and look at the first: it stays below 300 MB.
func TestMillionGroups(t *testing.T) {
	const key = "WEIR_MILLION_GROUPS"
	if os.Getenv(key) == "" {
		if testing.Short() {
			t.Skip("takes some seconds")
		}
		cmd := exec.Command(os.Args[0], "-test.run=^TestMillionGroups$", "-test.v")
		cmd.Env = append(os.Environ(), key+"=1", "GOMAXPROCS=2")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		t.Logf("%s", out)
		return
	}
	const million, most = 1_000_000, 300_000_000
	by := []Column{column(record.SrcAddr), column(record.DstAddr), column(record.DstPort), column(record.Protocol)}
	tables := []*Table{NewTable(by, million), NewTable(by, million)}
	var text []byte
	var s rows.Splitter
	var selected []int32
	for i := 0; i < million; {
		text = text[:0]
		for range 2000 {
			text = fmt.Appendf(text, "2 123456789012 eni-0a1b2c3d4e5f67890 10.%d.%d.%d 172.31.200.7 49152 %d 6 1 40 1700000000 1700000059 ACCEPT OK\n",
				i>>16&255, i>>8&255, i&255, i&1023)
			i++
		}
		for _, table := range tables {
			if err := s.Split(text, 2000, record.Default(), 1, func(b *rows.Batch) error {
				if len(selected) != b.Rows {
					selected = all(b)
				}
				_, err := table.Add(b, selected)
				return err
			}, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := tables[0].Merge(tables[1]); err != nil {
		t.Fatal(err)
	}
	top := tables[0].Top(20, ByBytes)
	if len(top) != 20 || top[0].Records != 2 || tables[0].Len() != million {
		t.Fatalf("%d groups, the first %+v", tables[0].Len(), top[0])
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.Sys > most {
		t.Errorf("%d MB, more than %d", m.Sys/1e6, most/1_000_000)
	}
	t.Logf("%d MB of the system, %d MB of the heap in use", m.Sys/1e6, m.HeapInuse/1e6)
	runtime.KeepAlive(tables)
}
