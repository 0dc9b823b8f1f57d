package vpc

import (
	"net/netip"
	"sync"
	"testing"
	"time"
)

func TestLookUpsWhileItChanges(t *testing.T) {
	r := NewResolver(Options{Host: &Host{machine: "m"}})
	small, _ := office(2)
	large, i := office(20)
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-r.Changed():
				default:
				}
				if found, ok := r.Resolve(i.Device); ok {
					r.Index().Stamp(found, nil).NextHop(netip.MustParseAddr("10.0.0.1"))
				}
				_, _ = r.Index().NextHop(i, netip.MustParseAddr("10.0.0.1"))
			}
		})
	}
	for n := range 200 {
		r.publish([]Network{small.network, large.network}[n%2], time.Now())
	}
	close(stop)
	readers.Wait()
}

func TestGoneInterfacesAreForgottenInTheEnd(t *testing.T) {
	r := NewResolver(Options{Host: &Host{machine: "m"}})
	small, _ := office(1)
	large, _ := office(2)
	gone := large.network.Interfaces[1]
	now := time.Now()
	r.publish(large.network, now)
	changed := r.Changed()
	r.publish(large.network, now)
	select {
	case <-changed:
		t.Error("the same network again is a change")
	default:
	}
	r.publish(small.network, now)
	<-changed
	// The gateway of the small one has the index of what is gone now.
	if i, ok := r.Resolve(Device{Cookie: 1, Index: 3}); !ok || i.ID != "eni-gateway" {
		t.Errorf("what is gone is %v, %v", i, ok)
	}
	if r.Index().ByID(gone.ID) != nil {
		t.Error("what is gone is in the index")
	}
	r.publish(large.network, now.Add(Keep+time.Second))
	r.publish(small.network, now.Add(2*Keep+3*time.Second))
	r.publish(large.network, now.Add(4*Keep))
	if n := len(r.state.Load().gone); n != 0 {
		t.Errorf("%d are kept", n)
	}
}
