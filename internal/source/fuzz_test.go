package source

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strings"
	"testing"
	"unicode/utf8"
)

// collect returns all that a sequence gives.
func collect(lines iter.Seq2[[]byte, error]) (string, error) {
	var b []byte
	for text, err := range lines {
		b = append(b, text...)
		if err != nil {
			return string(b), err
		}
	}
	return string(b), nil
}

// FuzzJSON writes records and lines as JSON, each in several ways, and reads them; and
// reads any text, of which what is not JSON must not pass.
func FuzzJSON(f *testing.F) {
	f.Add("a b", "-", uint8(3), envelope)
	f.Add("", "ä\n", uint8(1), `[{"version":2,"dstport":1},{}]`)
	f.Fuzz(func(t *testing.T, a, b string, n uint8, text string) {
		if _, err := collect(jsonLines(strings.NewReader(text))); err == nil {
			dec := json.NewDecoder(strings.NewReader(text))
			dec.UseNumber() // a number nobody asks for may be as large as it likes
			for err = error(nil); err == nil; {
				var v any
				err = dec.Decode(&v)
			}
			if err != io.EOF {
				t.Errorf("%q is taken for JSON: %v", text, err)
			}
		}
		if !utf8.ValidString(a) || !utf8.ValidString(b) {
			return
		}
		quote := func(v any) string {
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
		object := fmt.Sprintf(`{"version":%d,"x-a":%s,"dst_port":22,"x-b":%s,"srcaddr":null}`, n, quote(a), quote(b))
		want := "version x-a dst_port x-b srcaddr\n" + strings.Repeat(fmt.Sprintf("%d %s 22 %s -\n", n, appendValue(nil, a), appendValue(nil, b)), 3)
		for _, text := range []string{
			object + object + object, object + "\n\n" + object + " " + object, "[" + object + "," + object + ",\n" + object + "]",
			"[[" + object + "]," + object + "] " + object,
		} {
			if got, err := collect(jsonLines(strings.NewReader(text))); err != nil || got != want {
				t.Errorf("%s: %v\ngot  %q\nwant %q", text, err, got, want)
			}
		}

		want = ""
		line := func(s string) string {
			if s != "" {
				want += strings.TrimSuffix(s, "\n") + "\n"
			}
			return quote(s)
		}
		text = fmt.Sprintf(`{"message":%s}{"messageType":"DATA_MESSAGE","x":{"message":"1"},"logEvents":[{"id":"1","message":%s}]}[%s]`+
			`{"messageType":"CONTROL_MESSAGE","logEvents":[{"message":"no"}]}{"events":[%s]}`, line(a), line(b+" b"), line(b), line(a))
		if got, err := collect(jsonLines(strings.NewReader(text))); err != nil || got != want {
			t.Errorf("%s: %v\ngot  %q\nwant %q", text, err, got, want)
		}
	})
}

// FuzzCSV writes rows as CSV and reads them.
func FuzzCSV(f *testing.F) {
	f.Add("a b", "-", uint8(3), "\"x\ny")
	f.Add("", "ä,\t\"", uint8(9), "a,\"b\"\nc,\"d")
	f.Fuzz(func(t *testing.T, a, b string, n uint8, text string) {
		refused := 0
		collect(csvLines(strings.NewReader(text), ',', func(line int64, _ string) { refused++ }))
		if most := strings.Count(text, "\n") + 1; refused > most {
			t.Errorf("%d of %d lines refused", refused, most)
		}
		if strings.Contains(a+b, "\r") { // which CSV takes for a part of a newline
			return
		}
		for _, comma := range ",\t;" {
			var file bytes.Buffer
			w := csv.NewWriter(&file)
			w.Comma = comma
			w.Write([]string{"version", "x-a", "x-b"})
			want := "version x-a x-b\n"
			for i := range int(n) {
				w.Write([]string{fmt.Sprint(i), a, b})
				want += fmt.Sprintf("%d %s %s\n", i, appendValue(nil, a), appendValue(nil, b))
				want += strings.Repeat("\n", strings.Count(a+b, "\n"))
			}
			w.Flush()
			got, err := collect(csvLines(&file, comma, func(line int64, reason string) { t.Errorf("line %d: %s", line, reason) }))
			// Lines left empty come before the next row only.
			if err != nil || strings.TrimRight(got, "\n") != strings.TrimRight(want, "\n") {
				t.Errorf("%v\ngot  %q\nwant %q", err, got, want)
			}
		}
	})
}
