package place

import (
	"cmp"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Fetch copies objects into a directory, each where its path says. A file has its
// name only when it is whole, so one that is there, of the right size and time, is not
// copied again: who was interrupted starts again.
type Fetch struct {
	List *List
	Dir  string // made if it is missing
	// Workers is how many objects are copied at a time; 0 is 32.
	Workers int
	// DryRun copies nothing and makes no directory.
	DryRun bool
	// Each is told of every object that is wanted, in order; nil tells nobody.
	Each func(Entry)
	// Progress is told how far it is, from any goroutine; nil tells nobody.
	Progress func(Fetched)
}

// Fetched says what has become of the objects.
type Fetched struct {
	Objects int   // that are wanted
	Bytes   int64 // of them, as far as sizes are known
	Listed  bool  // there are no more
	Copied  int
	Present int // that were there already
	// Written are the bytes that were copied, also of objects that are not whole
	// yet; PresentBytes those that were there.
	Written, PresentBytes int64
	Failed                []Failure
	// Hidden are those of Objects with a name, or a folder, that begins with a dot:
	// such files in a directory are not read. Example is the path of the first.
	Hidden  int
	Example string
}

// A Failure is an object that could not be copied.
type Failure struct {
	Object string
	Err    error
}

// maxFailures is how many objects may fail before all is given up: then it is no matter
// of one object.
const maxFailures = 100

type fetch struct {
	*Fetch
	root *os.Root
	mu   sync.Mutex
	done Fetched
}

// Run copies what is not there yet. What it returns is right as far as it goes even if
// there is an error, which is one of the list or of the directory, or that of ctx.
func (f *Fetch) Run(ctx context.Context) (Fetched, error) {
	r := &fetch{Fetch: f}
	if !f.DryRun {
		if err := os.MkdirAll(f.Dir, 0o777); err != nil {
			return r.done, err
		}
		root, err := os.OpenRoot(f.Dir)
		if err != nil {
			return r.done, err
		}
		defer root.Close()
		r.root = root
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan Entry)
	var working sync.WaitGroup
	for range cmp.Or(f.Workers, 32) {
		working.Go(func() {
			for e := range work {
				if err := r.one(ctx, &e); err != nil && ctx.Err() == nil {
					r.fail(e.Name, err, cancel)
				}
			}
		})
	}
	err := r.list(ctx, work, cancel)
	close(work)
	working.Wait()
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	slices.SortFunc(r.done.Failed, func(a, b Failure) int { return cmp.Compare(a.Object, b.Object) })
	return r.done, err
}

// list hands out what is to be copied.
func (r *fetch) list(ctx context.Context, work chan<- Entry, cancel context.CancelCauseFunc) error {
	for e, err := range r.List.Entries(ctx) {
		if err != nil {
			return err
		}
		r.tell(func(d *Fetched) {
			d.Objects++
			d.Bytes += max(0, e.Size)
			if slices.ContainsFunc(strings.Split(e.Path, "/"), hidden) {
				if d.Hidden++; d.Hidden == 1 {
					d.Example = e.Path
				}
			}
		})
		if r.Each != nil {
			r.Each(e)
		}
		if r.DryRun {
			continue
		}
		if err := safe(e.Path); err != nil {
			r.fail(e.Name, err, cancel)
			continue
		}
		select {
		case work <- e:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	r.tell(func(d *Fetched) { d.Listed = true })
	return nil
}

func (r *fetch) fail(name string, err error, cancel context.CancelCauseFunc) {
	n := 0
	r.tell(func(d *Fetched) {
		d.Failed = append(d.Failed, Failure{name, err})
		n = len(d.Failed)
	})
	if n == maxFailures {
		cancel(fmt.Errorf("%d objects have failed, the last: %s: %w", n, name, err))
	}
}

func (r *fetch) tell(change func(*Fetched)) {
	r.mu.Lock()
	change(&r.done)
	done := r.done
	r.mu.Unlock()
	if r.Progress != nil {
		r.Progress(done)
	}
}

// safe says why a path can't be one below a directory: keys may be any text.
func safe(p string) error {
	switch {
	case !filepath.IsLocal(filepath.FromSlash(p)) || path.Clean(p) != p:
		return errors.New("its key is no path below a directory")
	case strings.ContainsFunc(p, func(c rune) bool { return c < ' ' || c == 0x7f }):
		return errors.New("its key has control characters")
	}
	return nil
}

// one copies an object, if it is not there.
func (r *fetch) one(ctx context.Context, e *Entry) error {
	name := filepath.FromSlash(e.Path)
	if fi, err := r.root.Lstat(name); err == nil {
		if r.present(fi, e) {
			r.tell(func(d *Fetched) { d.Present++; d.PresentBytes += fi.Size() })
			return nil
		}
		if !fi.Mode().IsRegular() {
			return fmt.Errorf("%s is there and no file: move it away", filepath.Join(r.Dir, name))
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	dir, base := filepath.Split(name)
	if dir != "" {
		if err := r.root.MkdirAll(filepath.Clean(dir), 0o777); err != nil {
			return err
		}
	}
	part := filepath.Join(dir, partial(base))
	// It may be left by a run that was killed; two runs at a time are no use.
	out, err := r.root.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return err
	}
	err = r.copy(ctx, out, e)
	if err == nil {
		err = out.Sync()
	}
	err = errors.Join(err, out.Close())
	if err == nil && !e.Modified.IsZero() {
		err = r.root.Chtimes(part, e.Modified, e.Modified)
	}
	if err == nil {
		err = r.root.Rename(part, name)
	}
	if err != nil {
		r.root.Remove(part)
		return err
	}
	r.tell(func(d *Fetched) { d.Copied++ })
	return nil
}

// maxName is how many bytes most file systems let a name have.
const maxName = 255

// partial returns the name of the file that a download is written to.
func partial(base string) string {
	name := "." + base + Partial
	if len(name) <= maxName {
		return name
	}
	// Names that are this long may differ only in their ends.
	sum := md5.Sum([]byte(base))
	begin := base[:maxName-len("."+"-"+Partial)-2*len(sum)]
	return "." + strings.ToValidUTF8(begin, "") + "-" + hex.EncodeToString(sum[:]) + Partial
}

// present reports whether a file is the object: of its size and time. The files of flow
// logs are never replaced, so of them the size will do, as after a copy without times.
func (r *fetch) present(fi fs.FileInfo, e *Entry) bool {
	if !fi.Mode().IsRegular() || fi.Size() != e.Size {
		return false
	}
	return e.File != nil || !e.Modified.IsZero() && fi.ModTime().Truncate(time.Second).Equal(e.Modified.Truncate(time.Second))
}

// copy copies the object's bytes, and checks that they are all and the right ones.
func (r *fetch) copy(ctx context.Context, out io.Writer, e *Entry) error {
	in, err := e.Open(ctx)
	if err != nil {
		return err
	}
	defer in.Close()
	etag := e.ETag
	if d, ok := in.(*download); ok {
		etag = d.etag // it may have been replaced since it was listed
		if d.size >= 0 {
			e.Size = d.size
		}
	}
	want := md5Of(etag)
	to := io.Writer(&counted{r: r, w: out})
	var sum hash.Hash
	if want != "" {
		sum = md5.New()
		to = io.MultiWriter(to, sum)
	}
	n, err := io.Copy(to, in)
	switch {
	case err != nil:
		return err
	case e.Size >= 0 && n != e.Size:
		return fmt.Errorf("%d bytes came, want %d as it was listed", n, e.Size)
	case want != "" && hex.EncodeToString(sum.Sum(nil)) != want:
		return fmt.Errorf("its MD5 is %x, want that of its ETag %s", sum.Sum(nil), etag)
	}
	return nil
}

// counted counts what is written.
type counted struct {
	r *fetch
	w io.Writer
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.r.tell(func(d *Fetched) { d.Written += int64(n) })
	return n, err
}
