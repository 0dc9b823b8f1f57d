package query

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"weir/internal/rows"
	"weir/record"
)

// TestTop compares the few that are kept in order with the whole order.
func TestTop(t *testing.T) {
	f, err := record.ParseFormat("srcaddr,bytes")
	if err != nil {
		t.Fatal(err)
	}
	table := NewTable([]Column{{record.SrcAddr, "srcaddr"}}, 1e6)
	var text []byte
	const n = 5000
	for range n {
		text = fmt.Appendf(text, "10.0.%d.%d %d\n", rand.IntN(16), rand.IntN(256), rand.IntN(50))
	}
	var s rows.Splitter
	filter := Compile(nil)
	if err := s.Split(text, n, f, 1, func(b *rows.Batch) error {
		selected, _ := filter.Select(b)
		_, err := table.Add(b, selected)
		return err
	}, nil); err != nil {
		t.Fatal(err)
	}
	for _, m := range []Measure{ByBytes, ByPackets, ByRecords} {
		all := table.Top(-1, m)
		if len(all) != table.Len() {
			t.Fatalf("%d of %d groups", len(all), table.Len())
		}
		for _, n := range []int{0, 1, 2, 20, len(all)/16 - 1, len(all) / 16, len(all) - 1, len(all) + 1} {
			if got, want := table.Top(n, m), all[:min(n, len(all))]; len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
				t.Errorf("the %d with most %v are others than the first of all", n, m)
			}
		}
	}
}
