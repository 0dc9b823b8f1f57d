package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"weir/record"
)

// naive reads lines one at a time: what runScan must come to, refused lines among the
// others.
func naive(text string, f record.Format, longest int) (want []string) {
	format, given := "", f
	text, ended := strings.CutSuffix(text, "\n")
	if text == "" && !ended {
		return nil
	}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimPrefix(strings.TrimSuffix(line, "\r"), "\ufeff")
		if line == "" {
			continue
		}
		if h, ok := record.ParseHeader([]byte(strings.TrimRight(line, " \t"))); ok {
			f = h
			continue
		}
		if _, stray := strayHeader([]byte(strings.TrimRight(line, " \t"))); stray && len(line) <= longest {
			f = given
			want = append(want, fmt.Sprintf("%d refused", i+1))
			continue
		}
		var r record.Record
		if len(line) > longest || f.Parse([]byte(line), &r) != nil {
			want = append(want, fmt.Sprintf("%d refused", i+1))
			continue
		}
		if h := string(f.AppendHeader(nil)); h != format {
			format = h
			want = append(want, h)
		}
		want = append(want, fmt.Sprintf("%d: %s", i+1, f.Append(nil, &r)))
	}
	return want
}

// inBlocks reads text in small blocks, and returns what naive does.
func inBlocks(t testing.TB, o Object, f record.Format, block, longest int) ([]string, *Account) {
	got, acc := runScan(t, &Scan{Objects: objects(o), Assume: &f, blockSize: block, maxLine: longest, Workers: 2})
	// The account has no more than some refusals of each reason.
	if acc.Refused == int64(len(acc.Refusals)) {
		for _, r := range acc.Refusals {
			got = append(got, fmt.Sprintf("%d refused", r.Line))
		}
	}
	return got, acc
}

// same reports whether two readings agree: the rows in order, refusals in any.
func same(got, want []string) bool {
	part := func(lines []string) (rows, refused []string) {
		for _, l := range lines {
			if strings.HasSuffix(l, " refused") {
				refused = append(refused, l)
			} else {
				rows = append(rows, l)
			}
		}
		slices.Sort(refused)
		return rows, refused
	}
	r1, x1 := part(got)
	r2, x2 := part(want)
	return slices.Equal(r1, r2) && (slices.Equal(x1, x2) || x1 == nil)
}

var hard = []string{
	"", "\n", "\r\n", "\n\n\n", "a", "\ufeff",
	v2header, v2header + "\n", v2header + "\r",
	v2header + "\n" + ssh + "\n" + v2header + "\n" + rdp + "\n",
	v2header + "\n" + ssh + "\n" + "version srcaddr dstport\n2 10.0.0.1 22\n2 10.0.0.1 23 24\n" + v2header + "\r\n" + ssh + "\r\n",
	ssh + "\r\n" + rdp + "\r\n" + ssh + "\n\n\r\n" + rdp + "\r",
	ssh + "\n" + strings.Repeat("x", 300) + "\n" + rdp + "\n",
	ssh + "\n" + strings.Repeat("x", 300),
	strings.Repeat("y", 161) + "\n" + strings.Repeat("y", 160) + "\n" + strings.Repeat("y", 159) + "\r\n",
	" " + ssh + "\n" + ssh + " \n" + strings.Replace(ssh, " ", "\t", 1) + "\n" + strings.Replace(ssh, " ", "  ", 1) + "\n",
	ssh + "\r" + rdp + "\n\x00\n" + ssh + "\n",
	"\ufeff" + v2header + "\n\ufeff" + ssh + "\n\ufeff\n",
	ssh + "\nversion srcaddr dstport\n2 10.0.0.1 22\nversion srcaddr x y\n" + ssh + "\n" + v2header + "\n" + rdp + "\n",
}

// TestBlocks reads hard input in blocks of every small size.
func TestBlocks(t *testing.T) {
	for _, text := range hard {
		for block := 1; block <= 420; block += 1 + block/7 {
			got, _ := inBlocks(t, object("o", []byte(text)), record.Default(), block, 160)
			if want := naive(text, record.Default(), 160); !same(got, want) {
				t.Fatalf("%q in blocks of %d (-want +got):\n%s", text, block, cmp.Diff(want, got))
			}
		}
	}
}

// FuzzLines compares reading in blocks with reading line by line.
func FuzzLines(f *testing.F) {
	for _, text := range hard {
		f.Add(text, uint16(64))
	}
	f.Fuzz(func(t *testing.T, text string, block uint16) {
		if !plain(text) {
			return
		}
		got, acc := inBlocks(t, object("o", []byte(text)), record.Default(), 1+int(block), 160)
		if len(acc.Damaged) > 0 { // it looked binary
			return
		}
		if want := naive(text, record.Default(), 160); !same(got, want) {
			t.Errorf("(-want +got):\n%s", cmp.Diff(want, got))
		}
	})
}

// plain reports whether a text is one that naive can read: plain lines, of which none
// begins with two marks or a timestamp.
func plain(text string) bool {
	head := []byte(strings.TrimLeft(strings.TrimPrefix(text, "\ufeff"), " \t\r\n"))
	if strings.Contains(text, "\ufeff\ufeff") || strings.HasPrefix(text, "\x1f\x8b") || strings.HasPrefix(text, "PAR1") {
		return false
	}
	if len(head) > 0 {
		line, _, _ := bytes.Cut(head, []byte{'\n'})
		if _, csv, err := delimiter(line); csv || err != nil || strings.IndexByte(`{["`, head[0]) >= 0 {
			return false
		}
	}
	for line := range strings.Lines(text) {
		first, _, _ := strings.Cut(line, " ")
		if isTimestamp([]byte(strings.TrimSpace(first))) {
			return false
		}
	}
	return true
}

// TestLongLines has lines about as long as may be, in blocks of the usual size.
func TestLongLines(t *testing.T) {
	for n := maxLine - 1; n <= maxLine+1; n++ {
		// The last field of the format takes any text.
		long := "2 " + strings.Repeat("x", n-2)
		text := "version x-note\n2 a\n" + long + "\n2 b\n" + long
		got, acc := scan(t, text)
		want := []string{"version x-note", "2: 2 a", "3: " + long, "4: 2 b", "5: " + long}
		if n > maxLine {
			want = []string{want[0], want[1], want[3]}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d bytes: %d rows, want %d; %.200q", n, len(got), len(want), told(acc))
		}
		if refused := acc.Refused > 0; refused != (n > maxLine) {
			t.Errorf("%d bytes: %d refused: %.200q", n, acc.Refused, told(acc))
		}
	}
	huge := strings.Repeat("x", 5<<20)
	got, acc := scan(t, v2header+"\n"+ssh+"\n"+huge+"\n"+rdp+"\n"+huge)
	if d := cmp.Diff([]string{v2header, "2: " + ssh, "4: " + rdp}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"line 3 refused: line is too long", "line 5 refused: line is too long"}, told(acc)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func zstandard(t testing.TB, texts ...string) string {
	t.Helper()
	var b bytes.Buffer
	for _, text := range texts {
		z, err := zstd.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(z, text)
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// TestCompressed reads compressed objects, whole and not.
func TestCompressed(t *testing.T) {
	text := v2header + "\n" + ssh + "\n" + rdp + "\n"
	rows := []string{v2header, "2: " + ssh, "3: " + rdp}
	few := "version srcaddr dstport\n2 10.0.0.1 22\n"
	whole := zip(text)
	flipped := []byte(whole)
	flipped[len(flipped)-7] ^= 1 // of the checksum
	tests := []struct {
		name, data string
		rows, told []string
	}{
		{"gzip", whole, rows, nil},
		{"gzip of nothing", zip(""), nil, nil},
		{"two pieces of gzip with headers of their own", zip(text, few),
			append(slices.Clone(rows), "version srcaddr dstport", "5: 2 10.0.0.1 22"), nil},
		{"two pieces of gzip that meet in a line", zip(text[:200], text[200:]), rows, nil},
		{"gzip and an empty piece", zip(text, "", few),
			append(slices.Clone(rows), "version srcaddr dstport", "5: 2 10.0.0.1 22"), nil},
		{"gzip and zeros", whole + strings.Repeat("\x00", 1000), rows, nil},
		{"gzip and something else", whole + "hello", rows, []string{"damaged after 3: " + errTrailing.Error()}},
		{"gzip and half a header", whole + whole[:5], rows, []string{"damaged after 3: file is truncated"}},
		{"gzip with a bit flipped", string(flipped), rows,
			[]string{"damaged after 3: gzip: invalid checksum: what was read may be wrong"}},
		{"gzip without its end", whole[:len(whole)-4], rows, []string{"damaged after 3: file is truncated"}},
		{"a gzip header and no more", whole[:4], nil, []string{"damaged after 0: file is truncated"}},
		{"zstd", zstandard(t, text), rows, nil},
		{"zstd in several frames", zstandard(t, text, few),
			append(slices.Clone(rows), "version srcaddr dstport", "5: 2 10.0.0.1 22"), nil},
		{"zstd after a frame to skip", "\x51\x2a\x4d\x18\x02\x00\x00\x00ab" + zstandard(t, text), rows, nil},
		{"zstd that is cut short", zstandard(t, text)[:60], nil, []string{"damaged after 0: file is truncated"}},
		{"zstd after one that was cut short", zstandard(t, text), rows, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, acc := scan(t, tt.data)
			if d := cmp.Diff(tt.rows, got); d != "" {
				t.Errorf("rows (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tt.told, told(acc)); d != "" {
				t.Errorf("account (-want +got):\n%s", d)
			}
		})
	}
}

// FuzzGzip cuts gzip data and flips bits of it. What is read is what was written, up
// to some line, or the account says that something is wrong.
func FuzzGzip(f *testing.F) {
	f.Add(uint8(3), uint16(100), uint16(50), uint8(0), uint8(100))
	f.Add(uint8(40), uint16(2000), uint16(40), uint8(1), uint8(7))
	f.Fuzz(func(t *testing.T, n uint8, end, at uint16, flip, block uint8) {
		var texts []string
		for i := range int(n)%5 + 1 {
			text := v2header + "\n"
			for j := range int(n) {
				text += strings.Replace(ssh, "4711", fmt.Sprint(4711*(j+1)+i), 1) + "\n"
			}
			texts = append(texts, text)
		}
		data := []byte(zip(texts...))
		intact := int(end) >= len(data) && flip == 0
		data = data[:min(int(end), len(data))]
		if int(at) < len(data) {
			data[at] ^= flip
		}
		got, acc := inBlocks(t, object("o", data), record.Default(), 1+int(block), maxLine)
		want := naive(strings.Join(texts, ""), record.Default(), maxLine)
		got = slices.DeleteFunc(got, func(s string) bool { return strings.HasSuffix(s, " refused") })
		switch {
		case intact && !slices.Equal(got, want):
			t.Errorf("(-want +got):\n%s", cmp.Diff(want, got))
		case len(acc.Damaged) > 0 || len(acc.Refusals) > 0:
		case len(got) > len(want) || !slices.Equal(got, want[:len(got)]):
			t.Errorf("silently wrong (-want +got):\n%s", cmp.Diff(want, got))
		}
	})
}

// failAfter reads text, and then fails.
func failAfter(text string, err error) Object {
	return Object{Name: "broken", Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(strings.NewReader(text), failing{err})), nil
	}}
}

// TestBroken reads objects of which reading fails, among others.
func TestBroken(t *testing.T) {
	text := v2header + "\n" + ssh + "\n"
	closed := Object{Name: "closed", Open: func(context.Context) (io.ReadCloser, error) { return nil, errOpen }}
	got, acc := runScan(t, &Scan{Objects: objects(object("a", []byte(text)), closed, failAfter(text+rdp[:30], errOpen),
		object("z", []byte(text)))})
	if d := cmp.Diff([]string{v2header, "2: " + ssh, "2: " + ssh, "2: " + ssh}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"line 3 refused: the line is cut short", "damaged after 2: no such key", "damaged after 0: no such key"},
		told(acc)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if acc.Objects != 4 || acc.Damaged[0].Object != "broken" || !errors.Is(acc.Damaged[1].Err, errOpen) {
		t.Errorf("%+v", acc)
	}
	if acc.Refusals[0].Text != rdp[:30] {
		t.Errorf("refused %q", acc.Refusals[0].Text)
	}
}

// TestEmpty has objects without a byte. Of text that is nothing to complain about.
func TestEmpty(t *testing.T) {
	_, acc := runScan(t, &Scan{Objects: objects(object("a.log", nil), object("b.log.gz", nil), object("c.zst", nil), object("d.parquet", nil))})
	cut := "damaged after 0: file is truncated"
	if d := cmp.Diff([]string{cut, cut, cut}, told(acc)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestManyReasons has more kinds of bad lines than an account may list.
func TestManyReasons(t *testing.T) {
	text := v2header + "\n"
	for i := range 500 {
		text += strings.Repeat("x ", i+15) + "\n"
	}
	_, acc := scan(t, text)
	if acc.Refused != 500 || len(acc.Reasons) != maxReasons+1 || acc.Reasons[otherReasons] != 400 {
		t.Errorf("%d refused for %d reasons, %d of others", acc.Refused, len(acc.Reasons), acc.Reasons[otherReasons])
	}
	if len(acc.Refusals) > maxReasons+maxRefusals {
		t.Errorf("%d examples", len(acc.Refusals))
	}
	for _, r := range acc.Refusals {
		if len(r.Text) > maxText+len("…") {
			t.Errorf("%d bytes of a line", len(r.Text))
		}
	}
}

// FuzzForms reads anything: no crash, and an account that adds up.
func FuzzForms(f *testing.F) {
	for _, s := range []string{envelope, control, zip(envelope), v2header + "\n" + ssh, "PAR1", "\x28\xb5\x2f\xfd"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, acc := runScan(t, &Scan{Objects: objects(object("o", data)), blockSize: 64, maxLine: 1000, Workers: 2})
		records := 0
		for _, line := range got {
			if c := line[0]; c >= '0' && c <= '9' {
				records++
			}
		}
		if acc.Objects != 1 || acc.Lines != int64(records)+acc.Refused {
			t.Errorf("%d lines, %d refused, %d records", acc.Lines, acc.Refused, records)
		}
	})
}
