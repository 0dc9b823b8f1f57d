package logs

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"

	"weir/internal/cloudwatch"
	"weir/internal/journal"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		child()
		return
	}
	os.Exit(m.Run())
}

func openJournal(t testing.TB, cfg journal.Config) *journal.Journal {
	t.Helper()
	j, err := journal.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

func openStore(t testing.TB, cfg Config) *Store {
	t.Helper()
	s, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// newStore opens a store in an embedded journal of its own.
func newStore(t testing.TB, cfg Config) *Store {
	t.Helper()
	cfg.Journal = openJournal(t, journal.Config{Dir: t.TempDir()})
	return openStore(t, cfg)
}

// startServer starts a server with the limits it has by default, at a port of its choice
// if port is server.RANDOM_PORT.
func startServer(t testing.TB, dir string, port int) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, StoreDir: dir,
		JetStream: true, SyncAlways: true, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { stopServer(s) })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("server is not ready")
	}
	return s
}

func stopServer(s *server.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}

func serverURL(t testing.TB) string {
	t.Helper()
	return startServer(t, t.TempDir(), server.RANDOM_PORT).ClientURL()
}

// pair returns two stores on one server, as two processes have them.
func pair(t testing.TB, cfg Config) (a, b *Store) {
	t.Helper()
	url := serverURL(t)
	cfg.Journal = openJournal(t, journal.Config{URL: url})
	a = openStore(t, cfg)
	cfg.Journal = openJournal(t, journal.Config{URL: url})
	return a, openStore(t, cfg)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *Store) lastKnown() uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.last
}

// make makes a group with streams.
func (s *Store) make(t testing.TB, group string, streams ...string) {
	t.Helper()
	must(t, s.CreateGroup(t.Context(), group, "", nil))
	for _, name := range streams {
		must(t, s.CreateStream(t.Context(), group, name))
	}
}

// put puts events, of which all have to be taken.
func (s *Store) put(t testing.TB, group, stream string, events ...cloudwatch.Event) {
	t.Helper()
	r, err := s.Put(t.Context(), group, stream, events)
	if want := (Rejected{New: len(events)}); err != nil || r != want {
		t.Fatalf("Put() = %+v, %v, want %+v", r, err, want)
	}
}

func event(at int64, message string) cloudwatch.Event {
	return cloudwatch.Event{Timestamp: at, Message: message}
}

// read returns what a query finds as "stream:message" or, without a stream, "message".
func (s *Store) read(t testing.TB, q Query) (out []string) {
	t.Helper()
	for e, err := range s.Read(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e.Stream+":"+e.Message)
	}
	return out
}

// wantRead fails unless a query finds these.
func (s *Store) wantRead(t testing.TB, q Query, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, s.read(t, q)); diff != "" {
		t.Errorf("%+v (-want +got):\n%s", q, diff)
	}
}

// soon waits until ok; another store hears of what happens within a second.
func soon(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for start := time.Now(); !ok(); time.Sleep(time.Millisecond) {
		if time.Since(start) > 10*time.Second {
			t.Fatalf("after 10 s: not %s", what)
		}
	}
}

func within(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// groupNames returns the names of all groups, those of streams behind them.
func (s *Store) groupNames(t testing.TB) string {
	t.Helper()
	groups, err := s.Groups(t.Context())
	must(t, err)
	var out []string
	for _, g := range groups {
		streams, err := s.Streams(t.Context(), g.Name)
		must(t, err)
		names := make([]string, len(streams))
		for i := range streams {
			names[i] = streams[i].Name
		}
		if !slices.IsSorted(names) {
			t.Errorf("streams are not in order: %q", names)
		}
		out = append(out, fmt.Sprintf("%s[%s]", g.Name, strings.Join(names, " ")))
	}
	return strings.Join(out, " ")
}
