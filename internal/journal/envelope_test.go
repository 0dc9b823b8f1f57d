package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"reflect"
	"testing"

	"weir/internal/flow"
)

// body returns the body of a message with all entries of a batch.
func body(b *Batch) []byte {
	var out []byte
	for i := range b.Entries {
		out = appendEntry(out, b.Entries[i].Meta, b.Entries[i].Part, b.Entries[i].More, b.Entries[i].Window)
	}
	return out
}

func TestEnvelope(t *testing.T) {
	c, err := newCoder()
	if err != nil {
		t.Fatal(err)
	}
	d, err := newDecoder()
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	// Larger and smaller ones in turn: memory that is used again must not show.
	for _, want := range []*Batch{batch("a", 1, 1, 1, 0), batch("a", 1, 2, 20, 30), batch("a", 1, 3, 2, 5), batch("a", 1, 4, 0, 0)} {
		e := c.envelope(body(want))
		got, err := d.decode(e)
		if err != nil {
			t.Fatal(err)
		}
		check := &collector{}
		if err := check.add(&Message{Host: want.Host, Entries: got}); err != nil {
			t.Fatal(err)
		}
		if len(want.Entries) > 0 && !reflect.DeepEqual(check.whole(), []*Batch{want}) {
			t.Errorf("batch of %d windows reads as %v", len(want.Entries), check.whole())
		}
		for cut := range min(len(e), 100) {
			if _, err := d.decode(e[:cut]); !errors.Is(err, ErrDamaged) {
				t.Errorf("cut to %d bytes: error is %v, want %v", cut, err, ErrDamaged)
			}
		}
		for i := 0; i < len(e); i += 1 + len(e)/200 {
			damaged := bytes.Clone(e)
			damaged[i] ^= 0x10
			got, err := d.decode(damaged)
			if err == nil && bytes.Equal(body(&Batch{Entries: got}), body(want)) {
				continue // zstd has bits that do not matter
			}
			if !errors.Is(err, ErrDamaged) {
				t.Errorf("byte %d of %d changed: error is %v, want %v", i, len(e), err, ErrDamaged)
			}
		}
	}
}

// TestEnvelopeOfRelease1 holds the wire form in place: what this release wrote,
// every later one must read.
func TestEnvelopeOfRelease1(t *testing.T) {
	w := &flow.Window{Tables: 1, Sequence: 2}
	d, err := newDecoder()
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	c, err := newCoder()
	if err != nil {
		t.Fatal(err)
	}
	raw := appendEntry(nil, []byte(`{}`), 1, true, w)
	if want := append([]byte{3, 2, '{', '}'}, w.AppendWire(nil)...); !bytes.Equal(raw, want) {
		t.Errorf("entry is %x, want %x", raw, want)
	}
	env := c.envelope(raw) // too small to be compressed
	if env[0] != 1 || env[1] != 0 || env[2] != byte(len(raw)) || !bytes.Equal(env[7:], raw) {
		t.Errorf("envelope is %x", env)
	}
	got, err := d.decode(env)
	if err != nil || len(got) != 1 || got[0].Part != 1 || !got[0].More || string(got[0].Meta) != "{}" || got[0].Window.Sequence != 2 {
		t.Errorf("decode() = %+v, %v", got, err)
	}
}

func TestDecodeDoesNotAllocate(t *testing.T) {
	c, err := newCoder()
	if err != nil {
		t.Fatal(err)
	}
	d, err := newDecoder()
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	const windows = 50
	e := c.envelope(body(batch("a", 1, 1, windows, 50)))
	n := testing.AllocsPerRun(50, func() {
		if _, err := d.decode(e); err != nil {
			t.Fatal(err)
		}
	})
	// Two texts of each window: the names of the interface and its MAC.
	if n > 2*windows+8 {
		t.Errorf("decode allocates %v times for %d windows", n, windows)
	}
}

// plain puts a body into an envelope without compression.
func plain(body []byte) []byte {
	out := binary.AppendUvarint([]byte{envelopeVersion, codingPlain}, uint64(len(body)))
	out = binary.LittleEndian.AppendUint32(out, crc32.Checksum(body, castagnoli))
	return append(out, body...)
}

// FuzzEnvelope checks that what is read from a body is written as what is read
// again, and that nothing makes the decoder panic. Bodies are small and plain:
// compressing them would make the fuzzer look at the compressor.
func FuzzEnvelope(f *testing.F) {
	d, err := newDecoder()
	if err != nil {
		f.Fatal(err)
	}
	c, err := newCoder()
	if err != nil {
		f.Fatal(err)
	}
	small := batch("a", 1, 1, 2, 1)
	small.Entries[0].Meta, small.Entries[1].Meta = []byte("{}"), nil
	f.Add(body(small))
	f.Add(plain(body(small)))
	f.Add(c.envelope(bytes.Repeat([]byte{0}, 500)))
	f.Fuzz(func(t *testing.T, in []byte) {
		if _, err := d.decode(in); err != nil && !errors.Is(err, ErrDamaged) {
			t.Errorf("decode: %v", err)
		}
		entries, err := d.decode(plain(in))
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Errorf("decode: %v", err)
			}
			return
		}
		want := body(&Batch{Entries: entries})
		entries, err = d.decode(plain(want))
		if err != nil {
			t.Fatalf("decode of our own: %v", err)
		}
		if got := body(&Batch{Entries: entries}); !bytes.Equal(got, want) {
			t.Errorf("round trip of %x: %x", want, got)
		}
	})
}

func FuzzEscape(f *testing.F) {
	f.Add("a.b")
	f.Add(".=2E*> \x00ü")
	f.Fuzz(func(t *testing.T, name string) {
		for _, dots := range []bool{false, true} {
			token, err := escape(name, dots)
			if err != nil {
				continue
			}
			got, err := unescape(token)
			if got != name || err != nil {
				t.Errorf("unescape(escape(%q)) = %q, %v", name, got, err)
			}
		}
	})
}
