package objectstore

import (
	"context"
	"net"
	"net/http"
	"net/http/httputil"
	"sync"
)

// Handler returns a handler that serves S3 from another server's connections, so
// that one address can be shared: whoever mounts it decides which requests are
// S3's. Requests and answers pass as they are and are not buffered, whatever
// their size. They are served while Run runs, and wait before it.
//
// What signatures cover (the path as it was sent, the query, Host) must not have
// been changed on the way here.
func (s *Server) Handler() http.Handler {
	transport := &http.Transport{
		DialContext:           func(ctx context.Context, _, _ string) (net.Conn, error) { return s.pipe.dial(ctx) },
		DisableCompression:    true,
		MaxIdleConnsPerHost:   64,
		IdleConnTimeout:       idleTime / 2,
		ExpectContinueTimeout: idleTime / 2, // versitygw decides, then the body is sent
	}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			u := r.Out.URL
			u.Scheme, u.Host = "http", "objectstore.invalid" // nobody looks it up
			u.Opaque = r.In.URL.EscapedPath()
			u.RawQuery = r.In.URL.RawQuery
			r.Out.Host = r.In.Host
		},
		Transport:     transport,
		FlushInterval: -1,
		BufferPool:    &buffers{},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			s.cfg.Logger.Debug("s3 request not served", "err", err)
			w.WriteHeader(http.StatusServiceUnavailable)
		},
	}
}

// buffers lends the buffers that bodies are copied with.
type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte {
	if p, ok := b.pool.Get().(*[]byte); ok {
		return *p
	}
	return make([]byte, 32<<10)
}

func (b *buffers) Put(p []byte) { b.pool.Put(&p) }

// A pipeListener accepts connections made inside the process.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *pipeListener) dial(ctx context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements [net.Listener].
func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

// Addr implements [net.Listener].
func (*pipeListener) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }
