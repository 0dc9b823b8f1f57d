package query

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"weir/internal/rows"
	"weir/record"
)

func addTimes(t testing.TB, line *Timeline, text string, f record.Format) {
	t.Helper()
	split(t, text, f, func(b *rows.Batch) {
		if bad := line.Add(b, all(b)); len(bad) > 0 {
			t.Fatalf("refused %v", bad)
		}
	})
}

func bins(t testing.TB, line *Timeline, width int64) []Minute {
	t.Helper()
	out, err := line.Bins(width)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTimeline(t *testing.T) {
	f := header(t, "start end packets bytes action log-status")
	line := NewTimeline()
	addTimes(t, line, `1700000040 1700000099 1 100 ACCEPT OK
1700000099 1700000101 2 200 REJECT OK
1700000100 1700000101 3 300 ACCEPT OK
1700000280 1700000339 - - - NODATA
1700000041 1700000099 4 400 ACCEPT OK
`, f)
	got := bins(t, line, 60)
	want := []Minute{
		{1700000040, Sums{2, 5, 500, 1700000040, 0}, Sums{1, 2, 200, 1700000099, 0}},
		{1700000100, Sums{1, 3, 300, 1700000100, 0}, Sums{}},
		{Start: 1700000160}, {Start: 1700000220}, {Start: 1700000280},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	got = bins(t, line, 300)
	if len(got) != 2 || got[0].Start != 1699999800 || got[0].Accepted.Bytes != 500 || got[1].Accepted.Bytes != 300 {
		t.Errorf("of five minutes: got %+v", got)
	}
}

// TestTimelineMerge deals rows out to several timelines: merged, they are the one of
// all, and those that were merged stay as they were.
func TestTimelineMerge(t *testing.T) {
	formats := []record.Format{header(t, "start action bytes packets end"), header(t, "end packets action start"), header(t, "start end srcaddr")}
	r := rand.New(rand.NewPCG(1, 2))
	whole, parts := NewTimeline(), []*Timeline{NewTimeline(), NewTimeline(), NewTimeline()}
	for range 50 {
		f := formats[r.IntN(len(formats))]
		var text strings.Builder
		for range 100 {
			var values []string
			for _, field := range f.Fields() {
				switch field {
				case record.Action:
					values = append(values, []string{"ACCEPT", "REJECT", "-"}[r.IntN(3)])
				case record.Start:
					values = append(values, fmt.Sprint(1700000000+r.IntN(7200)))
				case record.SrcAddr:
					values = append(values, "10.0.0.1")
				default:
					values = append(values, fmt.Sprint(r.IntN(1e9)))
				}
			}
			text.WriteString(strings.Join(values, " ") + "\n")
		}
		addTimes(t, whole, text.String(), f)
		addTimes(t, parts[r.IntN(len(parts))], text.String(), f)
	}
	var before [][]Minute
	for _, p := range parts {
		before = append(before, bins(t, p, 60))
	}
	merged := NewTimeline()
	for _, p := range parts {
		merged.Merge(p)
	}
	if got, want := bins(t, merged, 60), bins(t, whole, 60); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	addTimes(t, merged, "1700000000 ACCEPT 1 1 1\n", formats[0])
	merged.Merge(parts[2])
	for i, p := range parts {
		if got := bins(t, p, 60); !reflect.DeepEqual(got, before[i]) {
			t.Errorf("timeline %d changes when the one that it was merged into does", i)
		}
	}
}

func TestTimelineRefuses(t *testing.T) {
	f := header(t, "start action bytes packets end")
	line := NewTimeline()
	split(t, "x ACCEPT 1 1 1\n- ACCEPT 1 1 1\n253402300800 ACCEPT 1 1 1\n1700000000 ACCEPT x 1 1\n1700000000 REJECT 1 -1 1\n1700000000 ACCEPT 7 1 1\n", f, func(b *rows.Batch) {
		var got []string
		for _, x := range line.Add(b, all(b)) {
			got = append(got, fmt.Sprintf("%d %s %v", x.Row, x.Name, x.Reason))
		}
		want := []string{
			"0 start " + record.ErrNotNumber.Error(), "1 start " + record.ErrAbsent.Error(), "2 start " + record.ErrRange.Error(),
			"3 bytes " + record.ErrNotNumber.Error(), "4 packets " + record.ErrNotNumber.Error(),
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("refused %q, want %q", got, want)
		}
	})
	if got := bins(t, line, 60); len(got) != 1 || got[0].Accepted.Bytes != 7 {
		t.Errorf("got %+v", got)
	}
}

func TestTooManyBins(t *testing.T) {
	f := header(t, "start action bytes packets end")
	for n, ok := range map[int64]bool{1: true, MaxBins - 1: true, MaxBins: true, MaxBins + 1: false} {
		line := NewTimeline()
		addTimes(t, line, fmt.Sprintf("60 ACCEPT 1 1 1\n%d ACCEPT 1 1 1\n", 60*n), f)
		if got, err := line.Bins(60); (err == nil) != ok || ok && int64(len(got)) != n {
			t.Errorf("%d stretches: got %d, error %v", n, len(got), err)
		}
	}
	if got, err := NewTimeline().Bins(60); got != nil || err != nil {
		t.Errorf("of nothing: got %v, error %v", got, err)
	}
}

// TestWidth has as many bins as were allowed, or fewer, wherever records begin.
func TestWidth(t *testing.T) {
	f := header(t, "start action bytes packets end")
	r := rand.New(rand.NewPCG(3, 4))
	for range 5000 {
		n := 2 + r.IntN(100)
		begin := 1 + r.Int64N(2e9)
		end := begin + r.Int64N(int64(1)<<r.IntN(34))
		line := NewTimeline()
		addTimes(t, line, fmt.Sprintf("%d ACCEPT 1 1 1\n%d ACCEPT 1 1 1\n", begin, end), f)
		width := line.Width(n)
		got, err := line.Bins(width)
		if err != nil || len(got) > n || width%60 != 0 {
			t.Fatalf("%d to %d in at most %d: width %d makes %d, error %v", begin, end, n, width, len(got), err)
		}
	}
	if w := NewTimeline().Width(10); w != 60 {
		t.Errorf("of nothing: %d", w)
	}
}
