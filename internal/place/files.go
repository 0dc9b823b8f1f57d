package place

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"weir/internal/awsconfig"
	"weir/internal/source"
)

// files names a file, or the files in a directory and below, in order.
func (l *List) files(ctx context.Context, name string, out func(Entry) bool) error {
	fi, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		hint := "a file, a directory, -, s3://BUCKET/PREFIX or logs://GROUP"
		if _, lerr := os.Lstat(name); lerr == nil {
			hint = "it is a symbolic link to something that is not there"
		}
		return awsconfig.Hint(fmt.Errorf("%s: no such file or directory", name), hint)
	}
	if err != nil {
		if wrong := (*fs.PathError)(nil); errors.As(err, &wrong) {
			err = wrong.Err
		}
		return awsconfig.Hint(fmt.Errorf("%s: %w", name, err), "a file, a directory, -, s3://BUCKET/PREFIX or logs://GROUP")
	}
	if !fi.IsDir() {
		// What is named itself is read, whatever its name is.
		if f := file(fi.Name()); f != nil && !l.cfg.wants(f) {
			l.useless()
			return nil
		}
		out(local(name, fi.Name(), fi))
		return nil
	}
	w := fileWalk{l: l, ctx: ctx, out: out, root: name}
	var f folder
	if abs, err := filepath.Abs(name); err == nil {
		f = at(filepath.ToSlash(abs), &l.cfg.Selection)
	}
	_, err = w.dir(name, "", f, []fs.FileInfo{fi})
	return err
}

// local returns the entry of a file.
func local(name, path string, fi fs.FileInfo) Entry {
	size := fi.Size()
	if !fi.Mode().IsRegular() {
		size = -1 // a pipe
	}
	e := Entry{Path: path, Modified: fi.ModTime(), Object: source.Object{
		Name: name, File: file(fi.Name()), Size: size,
		Open: func(context.Context) (io.ReadCloser, error) { return os.Open(name) },
	}}
	if fi.Mode().IsRegular() {
		e.OpenAt = func(context.Context) (io.ReaderAt, int64, error) {
			f, err := os.Open(name)
			if err != nil {
				return nil, 0, err
			}
			fi, err := f.Stat()
			if err != nil {
				f.Close()
				return nil, 0, err
			}
			return f, fi.Size(), nil
		}
	}
	return e
}

type fileWalk struct {
	l    *List
	ctx  context.Context
	out  func(Entry) bool
	root string
}

// dir goes through a directory; false if nobody wants more. Symbolic links are
// followed, but for those that lead to a directory on the way.
func (w *fileWalk) dir(name, path string, f folder, way []fs.FileInfo) (bool, error) {
	entries, err := os.ReadDir(name)
	if err != nil {
		return false, err
	}
	for _, d := range entries {
		if err := w.ctx.Err(); err != nil {
			return false, err
		}
		if hidden(d.Name()) {
			// A download that is not whole is no loss.
			if d.IsDir() || holdsRecords(d.Name()) {
				w.l.skip(filepath.Join(name, d.Name()))
			}
			continue
		}
		full := filepath.Join(name, d.Name())
		below := path + d.Name()
		fi, err := os.Stat(full)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			w.l.skip(full) // a link to nothing, or gone since
			continue
		case err != nil:
			return false, err
		case fi.IsDir():
			in, v := f.enter(d.Name(), &w.l.cfg.Selection)
			if v == useless {
				w.l.useless()
				continue
			}
			if v == unknown {
				// On a disk a folder called AWSLogs promises nothing.
				in = folder{}
			}
			if loops(fi, way) {
				w.l.skip(full)
				continue
			}
			more, err := w.dir(full, below+"/", in, append(way, fi))
			if !more || err != nil {
				return more, err
			}
			continue
		case !fi.Mode().IsRegular() || !holdsRecords(d.Name()):
			w.l.skip(full)
			continue
		}
		e := local(full, below, fi)
		e.File = file(d.Name()) // of the link, not of what it leads to
		if e.File != nil && !w.l.cfg.wants(e.File) {
			w.l.useless()
			continue
		}
		if !w.out(e) {
			return false, nil
		}
	}
	return true, nil
}

func loops(fi fs.FileInfo, way []fs.FileInfo) bool {
	for _, w := range way {
		if os.SameFile(fi, w) {
			return true
		}
	}
	return false
}
