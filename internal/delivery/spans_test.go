package delivery

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSpansAreSets compares with sets of items.
func TestSpansAreSets(t *testing.T) {
	const items = 12
	of := func(bits uint) Spans {
		var list []int
		for i := range items {
			if bits>>i&1 == 1 {
				list = append(list, i)
			}
		}
		return SpansOf(list...)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		x, y := r.UintN(1<<items), r.UintN(1<<items)
		if got, want := of(x).Plus(of(y)), of(x|y); !cmp.Equal(got, want) {
			t.Fatalf("%v plus %v is %v, want %v", of(x), of(y), got, want)
		}
		if got, want := of(x).Minus(of(y)), of(x&^y); !cmp.Equal(got, want) {
			t.Fatalf("%v minus %v is %v, want %v", of(x), of(y), got, want)
		}
		n, back := 0, uint(0)
		of(x).Each(func(i int) { n++; back |= 1 << i })
		if n != of(x).Len() || back != x {
			t.Fatalf("%v has %d items %b, want %d items %b", of(x), n, back, of(x).Len(), x)
		}
	}
}

func TestSpansInJSON(t *testing.T) {
	raw, err := json.Marshal(SpansOf(0, 1, 2, 7, 9))
	if want := "[[0,3],[7,8],[9,10]]"; err != nil || string(raw) != want {
		t.Errorf("got %s, %v, want %s", raw, err, want)
	}
	var back Spans
	if err := json.Unmarshal(raw, &back); err != nil || !cmp.Equal(back, SpansOf(0, 1, 2, 7, 9)) {
		t.Errorf("got %v, %v", back, err)
	}
	for _, bad := range []string{"[[3,3]]", "[[-1,2]]", "[[4,2]]", `["a"]`} {
		if err := json.Unmarshal([]byte(bad), &back); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}
