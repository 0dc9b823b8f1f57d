package pattern

import "testing"

var benchmarks = []struct{ name, pattern string }{
	{"exact", bySSH},
	{"ellipsis", byShort},
	{"term", `REJECT`},
	{"terms", `REJECT OK -NODATA`},
	{"regexp", `[v, a, e, src=%^172\.31\.%, ...]`},
}

const flow = `{"srcaddr":"172.31.9.69","dstaddr":"172.31.9.12","srcport":49761,"dstport":22,"protocol":6,"action":"REJECT","log-status":"OK"}`

// BenchmarkMatch reports the cost of one line of a flow log that is chosen.
func BenchmarkMatch(b *testing.B) {
	for _, bb := range benchmarks {
		p := mustParse(b, bb.pattern)
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(reject)))
			for b.Loop() {
				if !p.Match(reject) {
					b.Fatal("no match")
				}
			}
		})
	}
	p := mustParse(b, `{ $.dstport = 22 && $.action = "REJECT" }`)
	b.Run("json", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(flow)))
		for b.Loop() {
			if !p.Match(flow) {
				b.Fatal("no match")
			}
		}
	})
}

func TestMatchDoesNotAllocate(t *testing.T) {
	check := func(text, message string) {
		p := mustParse(t, text)
		if n := testing.AllocsPerRun(100, func() { p.Match(message) }); n != 0 {
			t.Errorf("%s allocates %v times per message, want 0", text, n)
		}
	}
	for _, bb := range benchmarks {
		check(bb.pattern, reject)
		check(bb.pattern, nodata)
	}
	check(`{ $.dstport = 22 && ($.action = "REJECT" || $.x[*].y = 1) }`, flow)
}
