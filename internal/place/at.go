package place

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
)

const (
	// whole is what is read in one request, so that small files take one.
	whole = 1 << 20
	// footer is what is read of a file's end: the footer of a Parquet file of a
	// hundred columns and as many row groups is less.
	footer = 256 << 10
	// aheadMin and aheadMax are what is read at a place where something is asked
	// for: more when one piece follows the other.
	aheadMin = 64 << 10
	aheadMax = 4 << 20
	// pieces is how many pieces are kept: of the columns that are read side by
	// side.
	pieces = 16
)

// openAt opens the object for reading anywhere.
func (r *remote) openAt(ctx context.Context) (io.ReaderAt, int64, error) {
	a := &ranges{remote: r, ctx: ctx}
	from := int64(0)
	if r.size > whole {
		from = r.size - footer
	}
	if r.size > 0 {
		b, err := a.fetch(from, r.size-from)
		if err != nil {
			return nil, 0, err
		}
		a.end = piece{off: from, b: b}
	}
	return a, r.size, nil
}

// ranges reads parts of an object. It may be used from several goroutines.
type ranges struct {
	*remote
	ctx  context.Context
	etag string

	mu    sync.Mutex
	end   piece // stays
	kept  []piece
	clock int64

	plan     []*planned // in the order of the object, without what end has
	planHeld int64      // bytes
}

// A piece is a part of the object in memory.
type piece struct {
	off  int64
	b    []byte
	used int64 // by clock
}

func (p *piece) has(off, n int64) bool {
	return off >= p.off && off+n <= p.off+int64(len(p.b))
}

// ReadAt reads from memory what is there, and fetches the rest: of what was planned just
// that, else with what follows.
func (a *ranges) ReadAt(b []byte, off int64) (n int, err error) {
	for n < len(b) && err == nil {
		var m int
		if m, err = a.readPlanned(b[n:], off+int64(n)); m == 0 && err == nil {
			break
		}
		n += m
	}
	if err != nil || n > 0 && n == len(b) {
		return n, err
	}
	m, err := a.readUnplanned(b[n:], off+int64(n))
	return n + m, err
}

func (a *ranges) readUnplanned(b []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("read %s at %d: negative", a.name(), off)
	}
	n := min(int64(len(b)), a.size-off)
	if n <= 0 {
		if len(b) == 0 {
			return 0, nil
		}
		return 0, io.EOF
	}
	var end error
	if n < int64(len(b)) {
		end = io.EOF
	}
	a.mu.Lock()
	size := int64(aheadMin)
	a.clock++
	for i := -1; i < len(a.kept); i++ {
		p := &a.end
		if i >= 0 {
			p = &a.kept[i]
		}
		if p.has(off, n) {
			copy(b, p.b[off-p.off:][:n])
			p.used = a.clock
			a.mu.Unlock()
			return int(n), end
		}
		// What begins in a piece, or right after it, is read one after the other.
		if i >= 0 && off >= p.off && off <= p.off+int64(len(p.b)) {
			size = min(aheadMax, 4*int64(len(p.b)))
		}
	}
	a.mu.Unlock()
	got, err := a.fetch(off, min(max(n, size), a.size-off))
	if err != nil {
		return 0, err
	}
	copy(b, got[:n])
	if n < aheadMax { // larger ones are not asked for twice
		a.keep(piece{off: off, b: got})
	}
	return int(n), end
}

// keep keeps a piece, instead of the one that was not used for the longest time.
func (a *ranges) keep(p piece) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.clock++
	p.used = a.clock
	if len(a.kept) < pieces {
		a.kept = append(a.kept, p)
		return
	}
	oldest := 0
	for i := range a.kept {
		if a.kept[i].used < a.kept[oldest].used {
			oldest = i
		}
	}
	a.kept[oldest] = p
}

// fetch reads n bytes at off.
func (a *ranges) fetch(off, n int64) ([]byte, error) {
	b := make([]byte, n)
	a.mu.Lock()
	etag := a.etag
	a.mu.Unlock()
	var last error
	for failed := 0; ; failed++ {
		if failed == tries {
			if !a.again(a.ctx, last) {
				break
			}
			failed = 0
		}
		header := http.Header{"Range": {fmt.Sprintf("bytes=%d-%d", off, off+n-1)}}
		if etag != "" {
			header.Set("If-Match", etag)
		}
		ctx, cancel := context.WithTimeout(a.ctx, 2*stall)
		res, err := a.c.do(ctx, a.bucket, a.key, nil, header)
		if err != nil {
			cancel()
			last = a.c.explain(replaced(err), a.bucket)
			if a.again(a.ctx, last) {
				continue
			}
			return nil, last
		}
		if res.StatusCode == http.StatusOK && off > 0 { // it does not know ranges
			_, err = io.CopyN(io.Discard, res.Body, off)
		}
		if err == nil {
			_, err = io.ReadFull(res.Body, b)
		}
		if err == nil {
			// The connection can be used again when its end has been seen.
			io.CopyN(io.Discard, res.Body, 1)
		}
		res.Body.Close()
		cancel()
		if err == nil {
			a.again(a.ctx, nil)
			a.mu.Lock()
			a.etag = res.Header.Get("ETag")
			a.mu.Unlock()
			return b, nil
		}
		if a.ctx.Err() != nil {
			return nil, a.ctx.Err()
		}
		last = err
	}
	return nil, fmt.Errorf("read %d bytes at %d, %d times: %w", n, off, tries, last)
}
