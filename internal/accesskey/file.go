package accesskey

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"
)

const (
	// FileName is that of the file in its data directory.
	FileName = "access-keys.json"

	lockName = "access-keys.lock" // held while the file is changed

	// oldName is that of a file that held the root key alone.
	oldName = "root-key.json"
)

// Load returns the keys of a data directory, the root key first. Without a file the
// error is [fs.ErrNotExist], and if others may read it an [*OpenError].
func Load(dir string) ([]Key, error) {
	keys, _, err := load(dir)
	return keys, err
}

func load(dir string) ([]Key, os.FileInfo, error) {
	path := filepath.Join(dir, FileName)
	raw, info, err := readPrivate(path)
	if err != nil {
		return nil, nil, err
	}
	keys, err := parse(string(raw))
	if err != nil {
		return nil, info, fmt.Errorf("read %s: %w", path, err)
	}
	return keys, info, nil
}

// readPrivate reads a file that only its owner may read.
func readPrivate(path string) ([]byte, os.FileInfo, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, info, &OpenError{path, info.Mode()}
	}
	raw, err := io.ReadAll(f)
	return raw, info, err
}

// Init returns the keys of a data directory, and makes the root key if there is none.
func Init(dir string, now time.Time) ([]Key, error) {
	unlock, err := lock(dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	return initLocked(dir, now)
}

func initLocked(dir string, now time.Time) ([]Key, error) {
	keys, err := Load(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	old, oldErr := loadOld(dir)
	if keys == nil {
		root := newKey("root", now)
		switch {
		case oldErr == nil:
			root.ID, root.Secret = old.ID, old.Secret
		case !errors.Is(oldErr, fs.ErrNotExist):
			return nil, oldErr
		}
		keys = []Key{root}
		if err := store(dir, keys); err != nil {
			return nil, err
		}
	}
	if oldErr == nil && old.ID == keys[0].ID { // taken over, now or by a start that was cut short
		return keys, os.Remove(filepath.Join(dir, oldName))
	}
	return keys, nil
}

// loadOld reads a root key that is in a file of its own.
func loadOld(dir string) (k Key, err error) {
	path := filepath.Join(dir, oldName)
	raw, _, err := readPrivate(path)
	if err != nil {
		return k, err
	}
	if err := json.Unmarshal(raw, &k); err != nil || k.check() != nil {
		return k, fmt.Errorf("read %s: not a key; remove it, and a new one is made", path)
	}
	return k, nil
}

// Add makes a key, and the root key before it if there is none. When it returns, the
// key is on disk.
func Add(dir, name string, now time.Time) (Key, error) {
	if err := checkName(name); err != nil {
		return Key{}, err
	}
	unlock, err := lock(dir)
	if err != nil {
		return Key{}, err
	}
	defer unlock()
	keys, err := initLocked(dir, now)
	if err != nil {
		return Key{}, err
	}
	k := newKey(name, now)
	return k, store(dir, append(keys, k))
}

// Delete takes a key out. It returns [ErrNotFound] if there is none of the id, and
// [ErrRoot] if it is the root key.
func Delete(dir, id string) error {
	if _, err := os.Stat(filepath.Join(dir, FileName)); err != nil {
		return err // and leave no lock file
	}
	unlock, err := lock(dir)
	if err != nil {
		return err
	}
	defer unlock()
	keys, err := Load(dir)
	if err != nil {
		return err
	}
	switch i := slices.IndexFunc(keys, func(k Key) bool { return k.ID == id }); i {
	case -1:
		return fmt.Errorf("%s: %w", id, ErrNotFound)
	case 0:
		return fmt.Errorf("%s: %w", id, ErrRoot)
	default:
		return store(dir, slices.Delete(keys, i, i+1))
	}
}

// store replaces the file, whole or not at all. It keeps the file's owner: that of the
// service, whoever runs the command.
func store(dir string, keys []Key) error {
	raw, err := json.MarshalIndent(keys, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(dir, FileName)
	like, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		like, err = os.Stat(dir)
	}
	if err != nil {
		return err
	}
	if err := writeSynced(path+".new", append(raw, '\n'), like); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncDir(dir)
}

// writeSynced writes a file that only its owner may read, and returns when it is on
// disk.
func writeSynced(path string, b []byte, like os.FileInfo) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = own(f, like)
	if err == nil {
		_, err = f.Write(b)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
