package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"weir/record"
)

// anyRecord fills r with values of every field, or with none where a field may be
// absent.
func anyRecord(r *record.Record, rng *rand.Rand) {
	r.Reset()
	for _, f := range record.AllFields() {
		if rng.IntN(5) == 0 {
			continue
		}
		switch {
		case f.Type() != record.String:
			r.SetInt(f, rng.Int64N(f.Max()))
		case f.IsAddr() && rng.IntN(3) == 0:
			r.SetText(f, fmt.Sprintf("2001:db8::%x", 1+rng.IntN(0xffff)))
		case f.IsAddr():
			r.SetText(f, fmt.Sprintf("10.%d.%d.%d", rng.IntN(256), rng.IntN(256), rng.IntN(256)))
		case len(f.Values()) > 0:
			r.SetText(f, f.Values()[rng.IntN(len(f.Values()))])
		default:
			r.SetText(f, fmt.Sprintf("x-%x", rng.Uint64()))
		}
	}
	r.SetText(record.AccountID, "123456789012")
	r.SetText(record.LogStatus, []string{"OK", "NODATA", "SKIPDATA"}[rng.IntN(3)])
	r.Unset(record.Version) // the format says it
	start := 1_700_000_000 + rng.Int64N(1e7)
	r.SetInt(record.Start, start)
	r.SetInt(record.End, start+rng.Int64N(600))
}

// TestTextAndParquetAreLossless turns records of all versions into each other's form and
// back.
func TestTextAndParquetAreLossless(t *testing.T) {
	for _, format := range []string{"default", "v3", "v4", "v5", "v7", "v8", "v9", "v10", "v11", "all", "tgw"} {
		t.Run(format, func(t *testing.T) {
			f, err := record.ParseFormat(format)
			if err != nil {
				t.Fatal(err)
			}
			rng := rand.New(rand.NewPCG(1, 2))
			text := append(f.AppendHeader(nil), '\n')
			var r record.Record
			for range 3000 {
				anyRecord(&r, rng)
				text = append(f.Append(text, &r), '\n')
			}
			dir := t.TempDir()
			in := func(name string) string { return filepath.Join(dir, name) }
			if err := os.WriteFile(in("a.log"), text, 0o600); err != nil {
				t.Fatal(err)
			}
			read := func(args ...string) string {
				t.Helper()
				got := weir(t.Context(), append([]string{"read", "-q"}, args...)...)
				if got.err != nil {
					t.Fatal(got.err)
				}
				return got.stdout
			}
			read(in("a.log"), "--parquet", in("a.parquet"))
			again := read(in("a.parquet"))
			if again != string(text) {
				t.Errorf("text, Parquet, text: %s", firstChange(string(text), again))
			}
			if err := os.WriteFile(in("b.log"), []byte(again), 0o600); err != nil {
				t.Fatal(err)
			}
			read(in("b.log"), "--parquet", in("b.parquet"))
			a, err := os.ReadFile(in("a.parquet"))
			if err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(in("b.parquet"))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(a, b) {
				t.Error("Parquet, text, Parquet: the files differ")
			}
		})
	}
}

// firstChange returns the first lines that differ.
func firstChange(want, got string) string {
	a, b := bytes.Split([]byte(want), []byte{'\n'}), bytes.Split([]byte(got), []byte{'\n'})
	for i := range min(len(a), len(b)) {
		if !bytes.Equal(a[i], b[i]) {
			return fmt.Sprintf("line %d\n got %s\nwant %s", i+1, b[i], a[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(b), len(a))
}
