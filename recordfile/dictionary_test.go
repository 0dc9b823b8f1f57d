package recordfile

import (
	"net/netip"
	"testing"
)

func TestDictionary(t *testing.T) {
	d := dictionary{kind: kindInt64}
	for range 2 { // the second time with used memory
		d.reset()
		const n = 5 * minSlots
		for i := range 2 * n {
			if e := d.int(int64(i%n) << 40); e != (entry{int32(i % n), 8}) {
				t.Fatalf("number %d is %+v", i, e)
			}
		}
		if d.len != n || len(d.page) != 8*n || d.bounds.least != 0 || d.bounds.greatest != (n-1)<<40 {
			t.Errorf("%d values, %d bytes, bounds %+v", d.len, len(d.page), d.bounds)
		}
	}
	d = dictionary{kind: kindAddr}
	for range 2 {
		for i, text := range []string{"10.0.0.1", "::a00:1", "::ffff:10.0.0.1", "0.0.0.0", "::"} {
			if got, want := d.addr(netip.MustParseAddr(text)), (entry{int32(i), int32(4 + len(text))}); got != want {
				t.Errorf("%s is %+v, want %+v", text, got, want)
			}
		}
		if got, want := d.text([]byte("xx.xx.xx.xx")), (entry{5, 15}); got != want {
			t.Errorf("text is %+v, want %+v", got, want)
		}
	}
	if got, want := string(d.bounds.minText)+" "+string(d.bounds.maxText), "0.0.0.0 xx.xx.xx.xx"; got != want {
		t.Errorf("bounds are %s, want %s", got, want)
	}
}
