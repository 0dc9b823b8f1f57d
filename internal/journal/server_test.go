package journal

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// external starts a server on the loopback interface, at a port of its choice
// or, if port is not 0, at that one.
func external(t testing.TB, dir string, port int) *server.Server {
	t.Helper()
	return startServer(t, &server.Options{ServerName: "external", Host: "127.0.0.1", Port: portOr(port), StoreDir: dir})
}

func portOr(port int) int {
	if port == 0 {
		return server.RANDOM_PORT
	}
	return port
}

func startServer(t testing.TB, o *server.Options) *server.Server {
	t.Helper()
	o.JetStream, o.SyncAlways, o.NoSigs, o.NoLog = true, true, true, true
	o.JetStreamMaxStore, o.JetStreamMaxMemory = 1<<40, 1<<30
	s, err := server.NewServer(o)
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

// cluster starts three servers that make one cluster.
func cluster(t testing.TB) []*server.Server {
	t.Helper()
	var ports [3]int
	var routes string
	for i := range ports {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ports[i] = l.Addr().(*net.TCPAddr).Port
		l.Close()
		routes += fmt.Sprintf("nats://127.0.0.1:%d,", ports[i])
	}
	servers := make([]*server.Server, len(ports))
	for i := range servers {
		servers[i] = startServer(t, &server.Options{
			ServerName: fmt.Sprint("n", i), Host: "127.0.0.1", Port: server.RANDOM_PORT, StoreDir: t.TempDir(),
			Cluster: server.ClusterOpts{Name: "c", Host: "127.0.0.1", Port: ports[i]},
			Routes:  server.RoutesFromStr(routes[:len(routes)-1]),
		})
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		for _, s := range servers {
			if s.JetStreamIsLeader() && len(s.JetStreamClusterPeers()) == len(servers) {
				return servers
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("cluster has no leader")
		}
	}
}

func TestExternalServer(t *testing.T) {
	dir := t.TempDir()
	s := external(t, dir, 0)
	port := s.Addr().(*net.TCPAddr).Port
	j := openConfig(t, Config{URL: s.ClientURL()})
	kv, err := j.KV(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	events := watch(t, t.Context(), kv, "")
	wantEvents(t, events, "up to date")
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan uint64, 100)
	done := make(chan error, 1)
	go func() {
		done <- j.Read(ctx, 0, func(m *Message) error { got <- m.Seq; return nil })
	}()

	mustAppend(t, j, batch("a", 1, 1, 2, 10))
	if seq := <-got; seq != 1 {
		t.Errorf("read %d, want 1", seq)
	}
	stopServer(s)
	// Nobody is there, or somebody comes back while it tries.
	if err := j.Append(within(t, 200*time.Millisecond), batch("a", 1, 2, 2, 10)); err == nil {
		t.Error("could append without a server")
	}
	time.AfterFunc(300*time.Millisecond, func() { external(t, dir, port) })
	mustAppend(t, j, batch("a", 1, 2, 2, 20_000))
	if _, err := kv.Put(t.Context(), "k", []byte("v")); err != nil {
		t.Fatal(err)
	}
	wantBatches(t, j, batch("a", 1, 1, 2, 10), batch("a", 1, 2, 2, 20_000))
	wantEvents(t, events, "k=v")
	last, err := j.Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for want := uint64(2); want <= last; want++ {
		if seq := <-got; seq != want {
			t.Errorf("read %d, want %d", seq, want)
		}
	}
	cancel()
	if err := <-done; err != context.Canceled {
		t.Errorf("Read() = %v, want %v", err, context.Canceled)
	}
}

func TestTwoOfAnExternalServer(t *testing.T) {
	url := external(t, t.TempDir(), 0).ClientURL()
	one, two := openConfig(t, Config{URL: url}), openConfig(t, Config{URL: url, MaxBytes: 1 << 20})
	if s, err := one.Stats(t.Context()); err != nil || s.MaxBytes != 1<<20 {
		t.Errorf("limit is %d, %v, want 1 MiB", s.MaxBytes, err)
	}
	// What one has stored the other one knows, whatever it remembers.
	mustAppend(t, one, batch("a", 1, 1, 1, 5))
	mustAppend(t, two, batch("a", 1, 2, 1, 5))
	mustAppend(t, one, batch("a", 1, 2, 1, 5))
	mustAppend(t, one, batch("a", 1, 3, 1, 5))
	if err := two.Release(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, two, batch("a", 1, 3, 1, 5))
	mustAppend(t, one, batch("a", 1, 4, 1, 5))
	wantBatches(t, two, batch("a", 1, 4, 1, 5))
}

func TestClusterLosesItsLeader(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	servers := cluster(t)
	url := ""
	for _, s := range servers {
		url += s.ClientURL() + ","
	}
	j := openConfig(t, Config{URL: url[:len(url)-1], Replicas: 3})
	want := []*Batch{batch("a", 1, 1, 2, 10), batch("a", 1, 2, 2, 20_000)}
	for _, b := range want {
		mustAppend(t, j, b)
	}
	info, err := j.windows.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(info.Cluster.Replicas) != 2 {
		t.Errorf("stream has %d replicas beside its leader, want 2", len(info.Cluster.Replicas))
	}
	for _, s := range servers {
		if s.Name() == info.Cluster.Leader {
			stopServer(s)
		}
	}
	start := time.Now()
	for n := uint64(3); n < 6; n++ {
		b := batch("a", 1, n, 2, int(n%2)*20_000+5)
		if err := j.Append(within(t, 30*time.Second), b); err != nil {
			t.Fatal(err)
		}
		if n == 3 {
			t.Logf("appends again %v after the leader stopped", time.Since(start).Round(time.Millisecond))
		}
		mustAppend(t, j, b)
		want = append(want, b)
	}
	wantBatches(t, j, want...)
}
