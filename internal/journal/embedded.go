package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// reserve is the free space below which windows are refused, so that what
// makes room again, releasing windows and writing down positions, still works.
const reserve = 16 << 20

// embedded is the server in this process. It is started again when it cannot
// write to its files any more: the server marks a stream whose write failed,
// and does not try again by itself.
type embedded struct {
	dir  string
	log  *slog.Logger
	lock *os.File

	mu     sync.Mutex
	srv    *server.Server
	alive  context.Context // ends when srv cannot write
	broken context.CancelFunc
}

func openEmbedded(dir string, log *slog.Logger) (*embedded, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := lockFile(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	e := &embedded{dir: dir, log: log, lock: lock}
	if err := e.start(); err != nil {
		lock.Close()
		return nil, err
	}
	return e, nil
}

func (e *embedded) start() error {
	srv, err := server.NewServer(&server.Options{
		ServerName:             "weir",
		DontListen:             true,
		JetStream:              true,
		StoreDir:               e.dir,
		SyncAlways:             true,
		JetStreamMaxStore:      1 << 60, // the limit is the stream's, and the disk's
		JetStreamMaxMemory:     1 << 30,
		DisableJetStreamBanner: true,
		NoSigs:                 true,
	})
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	alive, broken := context.WithCancel(context.Background())
	srv.SetLoggerV2(&serverLog{log: e.log, onError: func(text string) {
		if strings.Contains(text, "ritical write error") || strings.Contains(text, "failed to store a msg") {
			broken()
		}
	}}, false, false, false)
	srv.Start()
	if !srv.ReadyForConnections(30*time.Second) || !srv.JetStreamEnabled() {
		broken()
		srv.Shutdown()
		srv.WaitForShutdown()
		return errors.New("server: not ready after 30 s")
	}
	e.mu.Lock()
	e.srv, e.alive, e.broken = srv, alive, broken
	e.mu.Unlock()
	return nil
}

// InProcessConn lets the client connect, and connect again.
func (e *embedded) InProcessConn() (net.Conn, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.srv == nil {
		return nil, errors.New("server is being started")
	}
	return e.srv.InProcessConn()
}

// life returns a context that ends when the present server cannot write.
func (e *embedded) life() context.Context {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.alive
}

// fail says that the present server is of no use.
func (e *embedded) fail() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.broken()
}

// room says whether n more bytes of messages can be stored: a batch of several
// messages is written twice.
func (e *embedded) room(n int) (bool, error) {
	free, err := freeBytes(e.dir)
	return free >= reserve+2*uint64(n), err
}

// keep starts the server again whenever it cannot write and there is room to
// try again, until ctx ends. restart does so.
func (e *embedded) keep(ctx context.Context, restart func(context.Context) error) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.life().Done():
		}
		if free, err := freeBytes(e.dir); err == nil && free >= reserve/2 {
			err := restart(ctx)
			if err == nil {
				e.log.Warn("journal server started again after it could not write", "dir", e.dir)
				continue
			}
			if ctx.Err() == nil {
				e.log.Error("journal server does not start", "dir", e.dir, "err", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// stop shuts the server down; its files are complete when it returns.
func (e *embedded) stop() {
	e.mu.Lock()
	srv, broken := e.srv, e.broken
	e.srv = nil
	e.mu.Unlock()
	if srv != nil {
		srv.Shutdown()
		srv.WaitForShutdown()
		broken()
	}
}

func (e *embedded) close() error {
	e.stop()
	return e.lock.Close()
}
