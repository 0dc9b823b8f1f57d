package deliverytest

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// A Fault is what is wrong with a [Server].
type Fault int

// The faults. The last two are about what is sent: whoever has no parts or no clock knows
// neither.
const (
	None       Fault = iota
	Down             // closes connections without an answer
	Slow             // takes a while for each answer
	Hanging          // does nothing and never answers
	Silent           // does what it is asked, and closes the connection without an answer
	Throttling       // says that it is asked too often
	Skewed           // finds that signatures are of another time
	Half             // takes half of what is sent together
)

// A Protocol is what a [Server] speaks. The server calls it one request at a time.
type Protocol interface {
	// Take answers a request, and takes only half of it, if it has parts, when half is
	// set.
	Take(w http.ResponseWriter, r *http.Request, body []byte, half bool)

	// Refuse answers as the service does to one that asks too often, has the wrong key,
	// or signs with another clock.
	Refuse(w http.ResponseWriter, why Refusal)

	// Lines returns how often each record was taken.
	Lines() map[string]int

	// Repeated returns how many requests brought a record that had been taken before.
	Repeated() int

	// Remove and Restore delete the destination and make it again, empty.
	Remove()
	Restore()
}

// A Refusal is why a request is refused before it is looked at.
type Refusal int

// The refusals.
const (
	TooMany Refusal = iota
	WrongKey
	WrongTime
)

// A Server is a destination over HTTP that goes wrong as it is told to.
type Server struct {
	URL string

	mu       sync.Mutex
	protocol Protocol
	fault    Fault
	key      string // the id of the access key that is good
	asked    int
}

// Key is the access key that a [Server] begins with.
const Key = "AKIAEXAMPLE"

// slow is how long a slow server takes.
const slow = 50 * time.Millisecond

// NewServer starts a server, which ends with the test.
func NewServer(tb testing.TB, p Protocol) *Server {
	tb.Helper()
	s := &Server{protocol: p, key: Key}
	server := httptest.NewServer(s)
	tb.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	s.URL = server.URL
	return s
}

// Set makes something wrong, or nothing.
func (s *Server) Set(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// SetKey changes the access key that is good.
func (s *Server) SetKey(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key = id
}

// Asked returns how many requests there were.
func (s *Server) Asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// With calls fn while no request is worked on.
func (s *Server) With(fn func(Protocol)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fn(s.protocol)
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // whoever asked is gone
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	switch s.fault {
	case Down:
		panic(http.ErrAbortHandler)
	case Hanging:
		s.mu.Unlock()
		<-r.Context().Done()
		s.mu.Lock()
	case Silent:
		s.protocol.Take(httptest.NewRecorder(), r, body, false)
		panic(http.ErrAbortHandler)
	case Throttling:
		s.protocol.Refuse(w, TooMany)
	case Skewed:
		s.protocol.Refuse(w, WrongTime)
	default:
		if !strings.Contains(r.Header.Get("Authorization"), "Credential="+s.key+"/") {
			s.protocol.Refuse(w, WrongKey)
			return
		}
		if s.fault == Slow {
			sleep(r.Context(), slow)
		}
		s.protocol.Take(w, r, body, s.fault == Half)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// taken counts records.
type taken struct {
	lines    map[string]int
	repeated int
}

func newTaken() taken { return taken{lines: make(map[string]int)} }

// add adds the records of one request.
func (t *taken) add(lines []string) {
	again := false
	for _, l := range lines {
		again = again || t.lines[l] > 0
		t.lines[l]++
	}
	if again {
		t.repeated++
	}
}

// Lines implements [Protocol].
func (t *taken) Lines() map[string]int { return t.lines }

// Repeated implements [Protocol].
func (t *taken) Repeated() int { return t.repeated }
