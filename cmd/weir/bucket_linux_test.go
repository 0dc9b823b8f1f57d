package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/record"
	"weir/recordfile"
	"weir/recordfile/parquetfile"
)

// An outage is how an S3 fails.
type outage int

const (
	none   outage = iota
	refuse        // nobody listens
	silent        // connections are taken, and never answered
	busy          // 503 SlowDown
	denied        // 403 AccessDenied
	mute          // the object is stored, and the connection breaks before the answer
)

// An outside is an S3 that fails when it is told to. It checks no signatures; it
// keeps what it was sent.
type outside struct {
	tb   testing.TB
	addr string

	mu      sync.Mutex
	server  *http.Server // nil while nobody listens
	how     outage
	changed chan struct{} // closed when how is another
	objects map[string][]byte
	sums    map[string][32]byte
	puts    int
	twice   []string // keys that were sent again with another content
}

func newOutside(tb testing.TB) *outside {
	o := &outside{tb: tb, addr: "127.0.0.1:0", changed: make(chan struct{}), objects: make(map[string][]byte), sums: make(map[string][32]byte)}
	o.listen()
	tb.Cleanup(func() { o.fail(refuse) })
	return o
}

func (o *outside) url() string { return "http://" + o.addr }

// listen serves; o.mu is held, or nobody else knows o.
func (o *outside) listen() {
	var l net.Listener
	var err error
	for range 100 { // somebody else's connection may have the port for a moment
		if l, err = net.Listen("tcp", o.addr); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil {
		o.tb.Error(err)
		return
	}
	o.addr = l.Addr().String()
	o.server = &http.Server{Handler: o}
	go o.server.Serve(l)
}

// fail makes it fail in the given way from now on.
func (o *outside) fail(how outage) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if how == o.how {
		return
	}
	if o.how == refuse {
		o.listen()
	}
	if how == refuse && o.server != nil {
		o.server.Close()
		o.server = nil
	}
	o.how = how
	close(o.changed)
	o.changed = make(chan struct{})
}

func (o *outside) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	o.mu.Lock()
	how, changed := o.how, o.changed
	if err == nil && r.Method == http.MethodPut && (how == none || how == mute) {
		key, sum := strings.TrimPrefix(r.URL.Path, "/"), sha256.Sum256(body)
		if was, ok := o.sums[key]; ok && was != sum {
			o.twice = append(o.twice, key)
		}
		o.objects[key], o.sums[key] = body, sum
		o.puts++
	}
	o.mu.Unlock()
	fail := func(status int, code string) {
		w.WriteHeader(status)
		io.WriteString(w, `<?xml version="1.0"?><Error><Code>`+code+`</Code><Message>for the test</Message></Error>`)
	}
	switch how {
	case busy:
		fail(http.StatusServiceUnavailable, "SlowDown")
	case denied:
		fail(http.StatusForbidden, "AccessDenied")
	case silent:
		select {
		case <-changed:
		case <-r.Context().Done():
		}
		panic(http.ErrAbortHandler)
	case mute:
		panic(http.ErrAbortHandler)
	}
}

// snapshot returns the objects that are there.
func (o *outside) snapshot() map[string][]byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := make(map[string][]byte, len(o.objects))
	for key, body := range o.objects {
		all[key] = body
	}
	return all
}

// embeddedObjects returns the objects in the embedded S3 of a data directory.
func embeddedObjects(tb testing.TB, data string) map[string][]byte {
	tb.Helper()
	root := filepath.Join(data, "s3", "objects")
	all := make(map[string][]byte)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || err == nil && !d.Type().IsRegular() {
			return nil
		}
		if err != nil {
			return err
		}
		if !strings.HasSuffix(path, ".log.gz") && !strings.HasSuffix(path, ".log.parquet") {
			return nil // not complete
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		key, err := filepath.Rel(root, path)
		all[filepath.ToSlash(key)] = body
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

// eachRecord calls fn with each record of an object whose key begins with the
// bucket.
func eachRecord(tb testing.TB, path string, body []byte, fn func(*record.Record)) {
	tb.Helper()
	_, name, _ := strings.Cut(path, "/")
	key, err := recordfile.ParseKey(name)
	if err != nil {
		tb.Fatalf("%s: %v", path, err)
	}
	var r recordfile.Reader
	if key.Parquet {
		r, err = parquetfile.NewReader(bytes.NewReader(body), int64(len(body)))
	} else {
		r = recordfile.NewTextReader(bytes.NewReader(body))
	}
	if err != nil {
		tb.Fatalf("%s: %v", path, err)
	}
	for {
		var rec record.Record
		err := r.Read(&rec)
		if err == io.EOF {
			return
		}
		if err != nil {
			tb.Fatalf("%s: %v", path, err)
		}
		if end, ok := rec.Int(record.End); ok && time.Unix(end, 0).UTC().Truncate(recordfile.Interval) != key.Time.Truncate(recordfile.Interval) {
			tb.Errorf("%s holds a record that ends at %v", path, time.Unix(end, 0).UTC())
		}
		fn(&rec)
	}
}
