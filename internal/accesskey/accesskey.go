package accesskey

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"weir/internal/sigv4"
)

// checkTime is how often the file is looked at, at most.
const checkTime = time.Second

// Keys are the access keys of a data directory, as the file has them now. Their
// methods may be called from several goroutines.
type Keys struct {
	dir  string
	root Key
	log  *slog.Logger

	mu      sync.Mutex
	byID    map[string]Key
	read    os.FileInfo // of the file as it was read; nil to read it again
	checked time.Time
	problem string // that was logged, and is not solved
}

// Open reads the keys of a data directory, and makes the root key at the first start.
// It refuses a file that others may read with an [*OpenError]. If the working
// directory is going to change, dir has to be absolute. The logger may be nil.
func Open(dir string, log *slog.Logger) (*Keys, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if _, err := Init(dir, time.Now()); err != nil {
		return nil, fmt.Errorf("access keys: %w", err)
	}
	keys, info, err := load(dir)
	if err != nil {
		return nil, fmt.Errorf("access keys: %w", err)
	}
	k := &Keys{dir: dir, root: keys[0], log: log}
	k.take(keys, info, time.Now())
	return k, nil
}

// Root returns the key that weir itself uses. It stays the same until Keys is opened
// again.
func (k *Keys) Root() sigv4.Key { return k.root.Signing() }

// Lookup returns the key that has an id. A key that was added to the file, or taken
// out, counts after a second or two. If the file cannot be used as it is now, the
// keys that were read before stay, and one message is logged.
func (k *Keys) Lookup(id string) (sigv4.Key, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now := time.Now(); now.Sub(k.checked) >= checkTime {
		k.refresh(now)
	}
	key, ok := k.byID[id]
	return key.Signing(), ok
}

// refresh reads the file if it is another one than before.
func (k *Keys) refresh(now time.Time) {
	k.checked = now
	path := filepath.Join(k.dir, FileName)
	info, err := os.Stat(path)
	if err == nil && k.read != nil && os.SameFile(info, k.read) &&
		info.ModTime().Equal(k.read.ModTime()) && info.Size() == k.read.Size() && info.Mode() == k.read.Mode() {
		return
	}
	keys, info, err := load(k.dir)
	if err == nil && (keys[0].ID != k.root.ID || keys[0].Secret != k.root.Secret) {
		err = fmt.Errorf("read %s: the first key is not the root key any more; weir serve has to be started again", path)
	}
	if err == nil {
		k.take(keys, info, now)
		return
	}
	k.read = nil
	if err.Error() != k.problem {
		k.problem = err.Error()
		k.log.Error("access keys stay as they were", "err", err)
	}
}

// take makes the keys those that count.
func (k *Keys) take(keys []Key, info os.FileInfo, now time.Time) {
	k.byID = make(map[string]Key, len(keys))
	for _, key := range keys {
		k.byID[key.ID] = key
	}
	k.checked, k.problem, k.read = now, "", info
	// A file system may give the next change the same time.
	if now.Sub(info.ModTime()) < 2*checkTime {
		k.read = nil
	}
}
