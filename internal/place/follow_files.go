package place

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"weir/internal/source"
)

// A fileFollower follows a file, or the files of a directory.
type fileFollower struct {
	*follower
	have  map[string]*grown // by name; nil before the first look
	open  int               // files that are kept open
	later []*os.File        // to be closed when what was handed out has been read
	wrong map[string]bool   // files of which an error was told
}

// A grown is a file as far as it has been read.
type grown struct {
	fi     fs.FileInfo // when it was last looked at
	kind   fileKind
	off    int64 // of text: the end of what was handed out
	stream *source.Stream
	before []byte    // off
	f      *os.File  // kept open while it grows, to read what is added before it is replaced
	since  time.Time // when it was seen to have changed
	handed bool      // of what is no text: it was handed out
	failed bool      // it could not be read
}

type fileKind int

const (
	unknownKind fileKind = iota // too short to say
	textKind
	packedKind // compressed, or Parquet: read once it does not change any more
)

const (
	// remembered is how many bytes before the end of what was read tell whether a
	// file still is the one that was read.
	remembered = 256
	// settledFor is how long a file has not been changed that is thought to be whole.
	settledFor = 3 * time.Second
	// keptOpen is how many files are kept open, and keptFor how long after they grew.
	keptOpen = 128
	keptFor  = time.Hour
)

// look hands out what is new.
func (w *fileFollower) look(ctx context.Context) error {
	w.close()
	round := w.round()
	first := w.have == nil
	begun := time.Now()
	now := map[string]*grown{}
	var replaced []*grown
	var entries []Entry
	err := round.files(ctx, w.p.name, func(e Entry) bool {
		entries = append(entries, e)
		return true
	})
	w.looked = time.Since(begun)
	if err != nil && first {
		return err
	}
	if first {
		w.adopt(round)
	}
	var fresh []Entry
	for _, e := range entries {
		fi, err := os.Stat(e.Name)
		if err != nil {
			continue // gone since
		}
		g := w.have[e.Name]
		if g != nil && !g.still(e.Name, fi) {
			replaced = append(replaced, g)
			delete(w.have, e.Name)
			g = nil
		}
		if g == nil {
			fresh = append(fresh, e)
			continue
		}
		now[e.Name] = g
		w.grow(ctx, e, g, fi)
	}
	for name, g := range w.have {
		if now[name] == nil {
			if err != nil { // what was not looked at is not gone
				now[name] = g
				continue
			}
			replaced = append(replaced, g)
		}
	}
	// What is new may be what has another name now.
	for _, g := range replaced {
		w.rest(ctx, g)
	}
	for _, e := range fresh {
		fi, err := os.Stat(e.Name)
		if err != nil {
			continue
		}
		g := &grown{stream: &source.Stream{}}
		for _, old := range replaced {
			if os.SameFile(old.fi, fi) && old.still(e.Name, fi) {
				g = old
			}
		}
		now[e.Name] = g
		if first && w.own.cfg.Since.IsZero() {
			w.told(g, e.Name, g.skip(e.Name, fi))
			continue
		}
		w.grow(ctx, e, g, fi)
	}
	w.have = now
	for _, g := range replaced {
		kept := false
		for _, x := range now {
			kept = kept || x == g
		}
		if !kept {
			w.shut(g)
		}
	}
	return err
}

// still reports whether the file with a name is the one that was read, or that and
// more.
func (g *grown) still(name string, fi fs.FileInfo) bool {
	switch g.kind {
	case packedKind:
		return os.SameFile(g.fi, fi) && (!g.handed || fi.Size() == g.fi.Size() && fi.ModTime().Equal(g.fi.ModTime()))
	case textKind:
		if fi.Size() < g.off {
			return false
		}
		if os.SameFile(g.fi, fi) && fi.Size() == g.fi.Size() && fi.ModTime().Equal(g.fi.ModTime()) {
			return true
		}
		f, err := os.Open(name)
		if err != nil {
			return true // which reading it will tell
		}
		defer f.Close()
		b, err := tail(f, g.off)
		return err == nil && bytes.Equal(b, g.before)
	}
	return true
}

// tail returns what is in a file before off.
func tail(f io.ReaderAt, off int64) ([]byte, error) {
	b := make([]byte, min(off, remembered))
	_, err := f.ReadAt(b, off-int64(len(b)))
	if err == io.EOF {
		err = nil
	}
	return b, err
}

// skip takes a file for read.
func (g *grown) skip(name string, fi fs.FileInfo) error {
	g.fi = fi
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := g.sort(f); err != nil || g.kind != textKind {
		g.handed = g.kind == packedKind
		return err
	}
	if g.stream, g.off, err = source.Skip(f); err != nil {
		return err
	}
	g.before, err = tail(f, g.off)
	return err
}

// sort finds out the kind of a file.
func (g *grown) sort(f io.ReaderAt) error {
	var magic [4]byte
	n, err := f.ReadAt(magic[:], 0)
	if err != nil && err != io.EOF {
		return err
	}
	switch {
	case packed(magic[:n]):
		g.kind = packedKind
	case n == len(magic):
		g.kind = textKind
	}
	return nil
}

// packed reports whether a file that begins so is compressed, or Parquet.
func packed(magic []byte) bool {
	for _, m := range [...]string{"\x1f\x8b", "\x28\xb5\x2f\xfd", "PAR1"} {
		if bytes.HasPrefix(magic, []byte(m)) {
			return true
		}
	}
	return len(magic) == 4 && magic[0]&0xf0 == 0x50 && string(magic[1:]) == "\x2a\x4d\x18"
}

// grow hands out what a file has more than before.
func (w *fileFollower) grow(ctx context.Context, e Entry, g *grown, fi fs.FileInfo) {
	changed := g.fi == nil || g.failed || fi.Size() != g.fi.Size() || !fi.ModTime().Equal(g.fi.ModTime())
	g.fi = fi
	if changed {
		g.since = time.Now()
	}
	if g.kind == unknownKind && fi.Size() > 0 {
		f, err := os.Open(e.Name)
		if err == nil {
			err = g.sort(f)
			f.Close()
		}
		if w.told(g, e.Name, err) {
			return
		}
	}
	switch g.kind {
	case packedKind:
		if !g.handed && max(time.Since(g.since), time.Since(fi.ModTime())) > settledFor {
			g.handed = true
			w.offer(ctx, e)
		}
	case textKind:
		if changed && fi.Size() > g.off {
			w.told(g, e.Name, w.add(ctx, e.Name, g, fi))
		}
		if g.f != nil && time.Since(g.since) > keptFor {
			w.shut(g)
		}
	}
}

// add hands out the whole lines that a text has more than before.
func (w *fileFollower) add(ctx context.Context, name string, g *grown, fi fs.FileInfo) (err error) {
	f := g.f
	if f == nil {
		if f, err = os.Open(name); err != nil {
			return err
		}
	}
	from := g.off
	end, err := lastLine(f, from, fi.Size())
	var before []byte
	if err == nil && end > from {
		before, err = tail(f, end)
	}
	if err != nil || end == from {
		if g.f == nil {
			f.Close()
		}
		return err
	}
	switch {
	case g.f != nil:
	case w.open < keptOpen:
		g.f = f
		w.open++
	default:
		w.later = append(w.later, f)
	}
	g.off, g.before = end, before
	w.part(ctx, name, g.stream, end-from, func() (io.Reader, error) { return io.NewSectionReader(f, from, end-from), nil })
	return nil
}

// rest hands out what was added to a file before it was replaced, if it is open.
func (w *fileFollower) rest(ctx context.Context, g *grown) {
	if g.f == nil {
		return
	}
	fi, err := g.f.Stat()
	if err != nil || fi.Size() <= g.off {
		return
	}
	// It may have been emptied and filled again, which is another one.
	if b, err := tail(g.f, g.off); err == nil && bytes.Equal(b, g.before) {
		w.told(g, g.f.Name(), w.add(ctx, g.f.Name(), g, fi))
	}
}

// told tells of an error of a file once, and reports whether there is one.
func (w *fileFollower) told(g *grown, name string, err error) bool {
	g.failed = err != nil
	if g.failed != w.wrong[name] {
		w.Tell(name, err)
	}
	if g.failed {
		w.wrong[name] = true
	} else {
		delete(w.wrong, name)
	}
	return g.failed
}

// shut closes a file that is kept open, when what was handed out of it has been read.
func (w *fileFollower) shut(g *grown) {
	if g.f != nil {
		w.later = append(w.later, g.f)
		g.f = nil
		w.open--
	}
}

// close closes what nobody reads any more.
func (w *fileFollower) close() {
	for _, f := range w.later {
		f.Close()
	}
	w.later = nil
}

// end closes everything.
func (w *fileFollower) end() {
	for _, g := range w.have {
		w.shut(g)
	}
	w.close()
}

// lastLine returns the end of the last whole line in a part of a file.
func lastLine(f io.ReaderAt, from, to int64) (int64, error) {
	buf := make([]byte, 64<<10)
	for to > from {
		b := buf[:min(int64(len(buf)), to-from)]
		n, err := f.ReadAt(b, to-int64(len(b)))
		if err != nil && !errors.Is(err, io.EOF) {
			return from, err
		}
		if i := bytes.LastIndexByte(b[:n], '\n'); i >= 0 {
			return to - int64(len(b)) + int64(i) + 1, nil
		}
		to -= int64(len(b))
	}
	return from, nil
}
