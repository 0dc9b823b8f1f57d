package source

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

// Any number of goroutines that read one object in turns find what one alone finds:
// the same lines in the same order with the same numbers and formats, and the same
// account.
func TestTurnsAreTakenInOrder(t *testing.T) {
	var text strings.Builder
	for i := range 5000 {
		switch {
		case i%1000 == 0: // a header in the middle of a file
			fmt.Fprintf(&text, "version %s x-line\n", []string{"x-a", "x-b"}[i/1000%2])
		case i%97 == 0:
			text.WriteString("2 too few\n2 1 2 3 too many\n\n")
		default:
			fmt.Fprintf(&text, "2 %d %d\n", i%7, i)
		}
	}
	for _, o := range []Object{
		object("plain", []byte(text.String())),
		object("gzip", []byte(zip(text.String()))),
		{Name: "unknown size", Size: -1, Open: func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(text.String())), nil
		}},
	} {
		t.Run(o.Name, func(t *testing.T) {
			want, account := runScan(t, &Scan{Objects: objects(o), Workers: 1, blockSize: 512})
			if len(want) < 4900 || account.Refused < 50 {
				t.Fatalf("one alone finds %d lines and refuses %d", len(want), account.Refused)
			}
			for range 10 {
				got, a := runScan(t, &Scan{Objects: objects(o), Workers: 4, blockSize: 512})
				if !slices.Equal(got, want) {
					t.Fatalf("four find %d lines that are not the %d of one", len(got), len(want))
				}
				if a.Lines != account.Lines || a.Refused != account.Refused || len(a.Formats) != len(account.Formats) {
					t.Errorf("four count %d lines, %d refused; one %d, %d", a.Lines, a.Refused, account.Lines, account.Refused)
				}
			}
		})
	}
}
