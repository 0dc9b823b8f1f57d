package objectstore

import (
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
)

// Sync makes an object durable: when it returns nil, the object as it was when
// Sync was called survives the loss of power, with its metadata and every
// directory on the way to it. The server alone does not see to that; it answers
// as soon as the kernel has the data. An object that does not exist is an error
// that is [os.ErrNotExist].
func (s *Server) Sync(bucket, key string) error {
	if err := s.sync(bucket, key); err != nil {
		return fmt.Errorf("sync %s/%s: %w", bucket, key, err)
	}
	return nil
}

func (s *Server) sync(bucket, key string) error {
	name := path.Join(bucket, key)
	if bucket == "" || key == "" || path.Dir(bucket) != "." || !filepath.IsLocal(filepath.FromSlash(name)) {
		return fmt.Errorf("no object can have this name: %w", os.ErrInvalid)
	}
	// The metadata comes first: if it is missing, so is the object.
	if s.sidecar {
		dir := path.Join(metaDir, name, "meta")
		if err := s.syncFiles(dir); err != nil {
			return err
		}
		if err := s.syncUp(dir); err != nil {
			return err
		}
	}
	// Extended attributes are a part of the file, and go with it.
	return s.syncUp(path.Join(objectsDir, name))
}

// syncUp syncs a file or directory and every directory above it up to Dir.
func (s *Server) syncUp(name string) error {
	for ; ; name = path.Dir(name) {
		f, err := s.root.Open(name)
		if err != nil {
			return err
		}
		if err := syncFile(f); err != nil {
			return err
		}
		if name == "." {
			return nil
		}
	}
}

// syncFiles syncs the files of a directory.
func (s *Server) syncFiles(dir string) error {
	d, err := s.root.Open(dir)
	if err != nil {
		return err
	}
	names, err := d.Readdirnames(-1)
	d.Close()
	if err != nil && err != io.EOF {
		return err
	}
	for _, name := range names {
		f, err := s.root.Open(path.Join(dir, name))
		if err == nil {
			err = syncFile(f)
		}
		// Somebody may be replacing the object; what replaces it is theirs to sync.
		if err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}

// syncPath syncs a file or directory by its name.
func syncPath(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return syncFile(f)
}

// syncFile syncs and closes a file or directory.
func syncFile(f *os.File) error {
	fi, err := f.Stat()
	switch {
	case err != nil:
	case fi.IsDir():
		err = syncDir(f)
	default:
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}
