package lab

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"testing"
	"time"
)

// serveBytes answers every request with n bytes.
func serveBytes(t testing.TB, ns *Namespace, addr netip.AddrPort, n int) *Server {
	t.Helper()
	body := pattern(n)
	srv, err := ns.ServeHTTP(addr, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(body)
	}))
	if err != nil {
		t.Fatal(err)
	}
	return srv
}

func TestHTTP(t *testing.T) {
	a, b := pair(t, newLab(t))
	for _, addr := range []netip.Addr{b4, b6} {
		srv := serveBytes(t, b.Namespace(), netip.AddrPortFrom(addr, 0), 1000)
		status, n, err := a.Namespace().Get(context.Background(), "http://"+srv.Addr().String()+"/x")
		if status != 200 || n != 1000 || err != nil {
			t.Errorf("Get from %v = %d, %d, %v, want 200, 1000", addr, status, n, err)
		}
		must(0, srv.Close())(t)
		must(0, srv.Close())(t)
	}
}

func TestConnect(t *testing.T) {
	a, b := pair(t, newLab(t))
	client := a.Namespace()
	srv := serveBytes(t, b.Namespace(), netip.AddrPortFrom(b4, 80), 1)
	fw := must(b.Namespace().Firewall(
		Rule{Match: Match{Protocol: 6, DstPort: 22}, Verdict: Drop},
		Rule{Match: Match{Protocol: 6, DstPort: 23}, Verdict: RejectReset}))(t)
	local := must(client.Firewall(Rule{Hook: Output, Match: Match{Protocol: 6, DstPort: 25}, Verdict: Drop}))(t)
	for _, tt := range []struct {
		port uint16
		syns int
		want Outcome
	}{
		{srv.Addr().Port(), 1, Connected},
		{81, 1, Refused}, // nobody listens
		{22, 1, Unanswered},
		{22, 2, Unanswered},
		{23, 2, Refused},
		{25, 1, Unanswered}, // TCP tries again when its own host refuses a SYN
	} {
		got, err := client.Connect(context.Background(), ConnectConfig{Dst: netip.AddrPortFrom(b4, tt.port), SYNs: tt.syns})
		if err != nil || got != tt.want {
			t.Errorf("Connect to port %d with %d SYNs = %v, %v, want %v", tt.port, tt.syns, got, err, tt.want)
		}
	}
	if c := must(fw.Counters())(t); c[0].Packets != 3 || c[1].Packets != 1 {
		t.Errorf("the firewall dropped %d and rejected %d SYNs, want 3 and 1", c[0].Packets, c[1].Packets)
	}
	if c := must(local.Counters())(t); c[0].Packets != 1 {
		t.Errorf("the client's own firewall dropped %d SYNs, want 1", c[0].Packets)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := client.Connect(ctx, ConnectConfig{Dst: netip.AddrPortFrom(b4, 22)}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Connect with a context that ends: %v, want %v", err, context.DeadlineExceeded)
	}
}

func TestExchangeUDP(t *testing.T) {
	a, b := pair(t, newLab(t))
	for _, addr := range []netip.Addr{b4, b6} {
		srv := must(b.Namespace().ServeUDP(netip.AddrPortFrom(addr, 53)))(t)
		before := stats(t, b)
		sent, answered, err := a.Namespace().ExchangeUDP(context.Background(), UDPConfig{Dst: srv.Addr(), Count: 5})
		if err != nil || sent != 5 || answered != 5 {
			t.Errorf("ExchangeUDP with %v = %d, %d, %v, want 5, 5", addr, sent, answered, err)
		}
		if after := stats(t, b); after.RxPackets-before.RxPackets != 5 || after.TxPackets-before.TxPackets != 5 {
			t.Errorf("%v: counters went from %+v to %+v, want 5 packets each way", addr, before, after)
		}
		// A closed port answers with ICMP, which ends each wait early.
		must(0, srv.Close())(t)
		sent, answered, err = a.Namespace().ExchangeUDP(context.Background(), UDPConfig{
			Src: netip.AddrPortFrom(netip.Addr{}, 0), Dst: netip.AddrPortFrom(addr, 53), Count: 3, Wait: 3 * time.Second})
		if err != nil || sent != 3 || answered != 0 {
			t.Errorf("ExchangeUDP with a closed port of %v = %d, %d, %v, want 3, 0", addr, sent, answered, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(20*time.Millisecond, cancel)
	start := time.Now()
	_, _, err := a.Namespace().ExchangeUDP(ctx, UDPConfig{Dst: netip.MustParseAddrPort("10.77.0.9:9"), Wait: time.Minute})
	if !errors.Is(err, context.Canceled) || time.Since(start) > 10*time.Second {
		t.Errorf("ExchangeUDP with a context that ends: %v after %v, want %v at once", err, time.Since(start), context.Canceled)
	}
}
