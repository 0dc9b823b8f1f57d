package objectstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"

	"weir/internal/sigv4"
)

const (
	// DefaultListen is where a Server listens unless told otherwise: a free
	// port that only this machine reaches.
	DefaultListen = "127.0.0.1:0"

	// DefaultRegion is the region of a Server that is given none.
	DefaultRegion = "local-1"

	objectsDir = "objects"
	metaDir    = "meta"
	lockFile   = "lock"

	// shutdownTime is how long requests may take to end after they were asked
	// to; then their connections are closed.
	shutdownTime = 5 * time.Second

	// idleTime is how long a connection may be kept without a request.
	idleTime = 2 * time.Minute
)

// Config configures [Open]. Dir, AccessKey and SecretKey are required.
type Config struct {
	Dir    string // absolute; created with mode 0700 if it is missing
	Region string // what requests must be signed for, or us-east-1; default DefaultRegion

	AccessKey string // of a user who may do everything
	SecretKey string

	// Keys returns the key that has an id, and whether there is one: more users, who
	// may do everything, too. It is asked at every request, by several goroutines at
	// once. Default: there are no more.
	Keys func(id string) (sigv4.Key, bool)

	// Listen is the address to listen on; default DefaultListen. Listener takes
	// precedence: connections come from it, and it is closed by the Server.
	// With NoListen there is neither, and only Handler serves.
	Listen   string
	Listener net.Listener
	NoListen bool

	Logger *slog.Logger // default discards
}

// String leaves the secret out.
func (c Config) String() string {
	return fmt.Sprintf("{Dir:%s Region:%s AccessKey:%s Listen:%s}", c.Dir, c.Region, c.AccessKey, c.Listen)
}

// GoString is String.
func (c Config) GoString() string { return c.String() }

// LogValue is String.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// running is whether the process has a Server: versitygw's package variables and
// the working directory exist once. Nothing else can hold this restriction.
var running atomic.Bool

// A Server is an S3 server over a directory. Its methods may be called from
// several goroutines.
type Server struct {
	cfg     Config
	ln      net.Listener // nil with NoListen
	pipe    *pipeListener
	http    *fasthttp.Server
	backend *posix.Posix
	root    *os.Root // Dir
	sidecar bool     // metadata lies in Dir/meta, not in extended attributes
	lock    *os.File
	workDir string // where the process was before Open

	closing context.CancelFunc // ends Run
	closed  context.Context
	runs    sync.WaitGroup // calls of Run
	once    sync.Once

	mu    sync.Mutex
	conns map[net.Conn]struct{} // open connections of both listeners
}

// Open takes the directory into use and listens, but serves nothing before
// [Server.Run] is called: connections wait until then. It returns [ErrRunning]
// or [ErrLocked] when the process, or the directory, has a Server already. The
// caller has to call [Server.Close].
func Open(cfg Config) (*Server, error) {
	switch {
	case !filepath.IsAbs(cfg.Dir):
		return nil, fmt.Errorf("objectstore: Dir is %q, want an absolute path", cfg.Dir)
	case cfg.AccessKey == "" || cfg.SecretKey == "":
		return nil, errors.New("objectstore: AccessKey and SecretKey are required")
	}
	cfg.Dir = filepath.Clean(cfg.Dir)
	cfg.Region = cmp.Or(cfg.Region, DefaultRegion)
	cfg.Listen = cmp.Or(cfg.Listen, DefaultListen)
	cfg.Logger = cmp.Or(cfg.Logger, slog.New(slog.DiscardHandler))

	if !running.CompareAndSwap(false, true) {
		return nil, ErrRunning
	}
	s := &Server{cfg: cfg, pipe: newPipeListener(), conns: make(map[net.Conn]struct{})}
	s.closed, s.closing = context.WithCancel(context.Background())
	if err := s.open(); err != nil {
		s.release()
		return nil, fmt.Errorf("open embedded S3 server in %s: %w", cfg.Dir, err)
	}
	return s, nil
}

// open does the work of [Open]; what it leaves behind on an error, release undoes.
func (s *Server) open() (err error) {
	if err := os.MkdirAll(s.path(objectsDir), 0o700); err != nil {
		return err
	}
	if s.lock, err = lock(s.path(lockFile)); err != nil {
		return err
	}
	if s.root, err = os.OpenRoot(s.cfg.Dir); err != nil {
		return err
	}
	// Whoever made the directory may have left it open to others.
	if err := os.Chmod(s.path(objectsDir), 0o700); err != nil {
		return err
	}
	store, err := s.metadata()
	if err != nil {
		return err
	}
	if err := removeTemporary(s.path(objectsDir)); err != nil {
		return err
	}
	for _, dir := range []string{s.path(objectsDir), s.cfg.Dir, filepath.Dir(s.cfg.Dir)} {
		if err := syncPath(dir); err != nil {
			return err
		}
	}

	if s.workDir, err = os.Getwd(); err != nil {
		return err
	}
	opts := posix.PosixOpts{ForceNoObjLockFile: true} // lock says that we are alone
	opts.SetNewDirPerm(0o700)
	opts.SetNewFilePerm(0o600)
	if s.backend, err = posix.New(s.path(objectsDir), store, opts); err != nil {
		return err
	}
	if s.http, err = s.gateway(); err != nil {
		return err
	}
	switch {
	case s.cfg.Listener != nil:
		s.ln = s.cfg.Listener
	case !s.cfg.NoListen:
		s.ln, err = net.Listen("tcp", s.cfg.Listen)
	}
	return err
}

// metadata returns where metadata of objects is kept. A directory that began
// with files of its own for it goes on with them.
func (s *Server) metadata() (meta.MetadataStorer, error) {
	dir := s.path(metaDir)
	_, err := os.Stat(dir)
	if err == nil || !hasXattr(s.path(objectsDir)) {
		s.sidecar = true
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
		return meta.NewSideCar(dir)
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return meta.XattrMeta{}, nil
}

// hasXattr reports whether the file system takes the extended attributes of
// users. It tries: some can be asked for one but refuse to set it.
func hasXattr(dir string) bool {
	const name = "weir-probe"
	x := meta.XattrMeta{}
	if x.Test(dir) != nil || x.StoreAttribute(nil, dir, "", name, []byte("1")) != nil {
		return false
	}
	return x.DeleteAttribute(dir, "", name) == nil
}

// removeTemporary removes uploads that a killed process left half written. Parts
// of multipart uploads stay: their clients may go on with them.
func removeTemporary(objects string) error {
	left, err := filepath.Glob(filepath.Join(objects, "*", posix.MetaTmpDir, "*"))
	if err != nil {
		return err
	}
	for _, name := range left {
		fi, err := os.Lstat(name)
		if err == nil && fi.Mode().IsRegular() {
			err = os.Remove(name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) path(name string) string { return filepath.Join(s.cfg.Dir, name) }

// Addr returns the address that the Server listens on; nil with NoListen.
func (s *Server) Addr() net.Addr {
	if s.ln == nil {
		return nil
	}
	return s.ln.Addr()
}

// Endpoint returns the URL for clients, such as "http://127.0.0.1:9000"; empty
// with NoListen. An unspecified address is given as that of this machine.
func (s *Server) Endpoint() string {
	if s.ln == nil {
		return ""
	}
	addr := s.ln.Addr().String()
	if tcp, ok := s.ln.Addr().(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		addr = net.JoinHostPort("127.0.0.1", fmt.Sprint(tcp.Port))
	}
	return "http://" + addr
}

// Run serves until ctx ends or the Server is closed, and returns nil then. It
// lets requests end for a few seconds. It can be called once.
func (s *Server) Run(ctx context.Context) error {
	s.runs.Add(1)
	defer s.runs.Done()
	if s.closed.Err() != nil {
		return ErrClosed
	}
	var serving sync.WaitGroup
	failed := make(chan error, 2)
	serving.Go(func() { failed <- s.http.Serve(s.pipe) })
	if s.ln != nil {
		serving.Go(func() { failed <- s.http.Serve(s.ln) })
	}
	var err error
	select {
	case <-ctx.Done():
	case <-s.closed.Done():
	case err = <-failed:
		if err == nil {
			err = errors.New("listener was closed")
		}
		err = fmt.Errorf("serve S3: %w", err)
	}
	s.shutdown()
	serving.Wait()
	return err
}

// shutdown ends serving; requests that do not end lose their connection.
func (s *Server) shutdown() {
	// Serve may not have come to know its listener yet; then Shutdown would not
	// close it.
	s.pipe.Close()
	if s.ln != nil {
		s.ln.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	if err := s.http.ShutdownWithContext(ctx); errors.Is(err, context.DeadlineExceeded) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for c := range s.conns {
			c.Close()
		}
	}
}

// connState keeps conns.
func (s *Server) connState(c net.Conn, state fasthttp.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch state {
	case fasthttp.StateNew:
		s.conns[c] = struct{}{}
	case fasthttp.StateClosed, fasthttp.StateHijacked:
		delete(s.conns, c)
	}
}

// Close ends Run, gives the directory back, and changes the working directory
// back to where it was. It may be called again.
func (s *Server) Close() error {
	var err error
	s.once.Do(func() {
		s.closing()
		s.runs.Wait()
		err = s.release()
	})
	return err
}

func (s *Server) release() error {
	s.closing()
	s.pipe.Close()
	if s.ln != nil {
		s.ln.Close()
	}
	var err error
	if s.backend != nil {
		s.backend.Shutdown()
	}
	if s.workDir != "" {
		err = os.Chdir(s.workDir)
	}
	if s.root != nil {
		s.root.Close()
	}
	if s.lock != nil {
		s.lock.Close()
	}
	running.Store(false)
	return err
}
