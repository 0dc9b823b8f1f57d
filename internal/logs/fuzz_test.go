package logs

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"unsafe"

	"weir/internal/cloudwatch"
	"weir/internal/journal"
)

func TestBatch(t *testing.T) {
	events := []cloudwatch.Event{event(-5, ""), event(0, "a\nb"), event(0, strings.Repeat("ü", 70_000)), event(math.MaxUint32-5, "x")}
	raw := appendBatch(nil, 77, events)
	b, err := parseBatch(raw)
	must(t, err)
	for i, want := range events {
		got := b.event("s", 9, i)
		if got != (Event{Position: Position{Time: want.Timestamp, Seq: 9, Index: uint32(i)}, Stream: "s", Ingested: 77, Message: want.Message}) {
			t.Errorf("event %d is %+v", i, got)
		}
	}
	for name, bad := range map[string][]byte{
		"empty": nil, "another version": append([]byte{2}, raw[1:]...), "no event": {1, 0, 0, 0}, "cut": raw[:len(raw)-1],
		"a byte too many": append(raw[:len(raw):len(raw)], 0), "more events than bytes": {1, 200, 1, 0, 0, 0, 0},
		"no count": {1, 255}, "time of more than 4 bytes": {1, 1, 0, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 1, 0},
		"length of more than 4 bytes": {1, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
	} {
		if b, err := parseBatch(bad); err == nil {
			t.Errorf("%s: %+v", name, b)
		}
	}
	if size := unsafe.Sizeof(entry{}); size != 32 {
		t.Errorf("an entry has %d bytes, want 32", size)
	}
}

// FuzzBatch checks that any batch we read is what its events make again.
func FuzzBatch(f *testing.F) {
	f.Add(appendBatch(nil, 1, []cloudwatch.Event{event(noon, "a"), event(noon+1, "")}))
	f.Add(appendBatch(nil, noon, []cloudwatch.Event{event(-1, "a"), event(5, strings.Repeat("b", 300)), event(70_000, "c")}))
	f.Add([]byte{1, 0, 0, 0})
	f.Add([]byte{1, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := parseBatch(raw)
		if err != nil {
			return
		}
		events := make([]cloudwatch.Event, len(b.ends))
		for i := range events {
			events[i] = event(b.time(i), b.message(i))
			if i > 0 && events[i].Timestamp < events[i-1].Timestamp {
				t.Fatalf("event %d comes before the one before it", i)
			}
		}
		again, err := parseBatch(appendBatch(nil, b.ingested, events))
		if err != nil {
			t.Fatal(err)
		}
		if again.text != b.text || again.first != b.first || again.ingested != b.ingested || len(again.ends) != len(b.ends) {
			t.Errorf("read again it is another batch")
		}
		for i := range b.ends {
			if again.ends[i] != b.ends[i] {
				t.Errorf("event %d is another", i)
			}
		}
		if canonical := appendBatch(nil, b.ingested, events); len(canonical) == len(raw) && !bytes.Equal(canonical, raw) {
			t.Errorf("%x is written as %x", raw, canonical)
		}
	})
}

// FuzzNote checks that a note that we read is the one that is written.
func FuzzNote(f *testing.F) {
	f.Add("1764000000000 60000 10000 1112000 1764000060500")
	f.Add("-1 0 1 26 0")
	f.Add("1 2 3 4")
	f.Fuzz(func(t *testing.T, note string) {
		e, ingested, err := parseNote(&journal.Head{Seq: 1, Pieces: 1, Note: note})
		if err == nil && e.note(ingested) != note {
			t.Errorf("%q is written as %q", note, e.note(ingested))
		}
	})
}
