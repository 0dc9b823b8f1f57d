package sigv4

import (
	"strings"
	"testing"
)

// BenchmarkVerify is what a request costs: reading its signature and checking it.
func BenchmarkVerify(b *testing.B) {
	r := boto(botoAuth, botoType, botoDate)
	body := []byte(botoBody)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		q, err := Parse(r)
		if err != nil {
			b.Fatal(err)
		}
		if err := q.Verify(r, body, botoKey, botoTime); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRefuse is what a forged request costs that has many parameters.
func BenchmarkRefuse(b *testing.B) {
	r := received("GET", "/?"+strings.Repeat("Filter.1.Value.1=a%20b&", 200), "127.0.0.1:18099", "", botoAuth, botoType, botoDate)
	b.ReportAllocs()
	for b.Loop() {
		q, err := Parse(r)
		if err != nil {
			b.Fatal(err)
		}
		if err := q.Verify(r, nil, botoKey, botoTime); err != ErrMismatch {
			b.Fatal(err)
		}
	}
}
