package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"weir/internal/lab"
	"weir/record"
)

// A leg is a flow at one of the interfaces it passes.
type leg struct {
	direction, action string
	src               netip.Addr
	srcPort, dstPort  int64
}

// counts are what is known, or recorded, of each leg.
type counts map[leg]lab.Counter

func (c counts) add(l leg, packets, bytes uint64) {
	n := c[l]
	n.Packets += packets
	n.Bytes += bytes
	c[l] = n
}

// total sums what matches.
func (c counts) total(match func(leg) bool) (n lab.Counter) {
	for l, m := range c {
		if match(l) {
			n.Packets += m.Packets
			n.Bytes += m.Bytes
		}
	}
	return n
}

// traffic sends bursts of flows, each with a port of its own, and knows exactly
// what it sent.
type traffic struct {
	b      *serveBed
	cancel context.CancelFunc
	done   chan struct{}
	gate   sync.Mutex // held while a burst is sent
	err    error
	sent   counts
	bursts int
	lost   uint64
}

// send begins to send until stop is called.
func (b *serveBed) send() *traffic {
	ctx, cancel := context.WithCancel(context.Background())
	t := &traffic{b: b, cancel: cancel, done: make(chan struct{}), sent: make(counts)}
	b.tb.Cleanup(cancel)
	go func() {
		defer close(t.done)
		for ctx.Err() == nil && t.err == nil {
			t.gate.Lock()
			t.burst()
			t.gate.Unlock()
		}
	}()
	return t
}

func (t *traffic) burst() {
	cfg := lab.FlowConfig{
		Src: near, Dst: farther, DstMAC: t.b.far.MAC(), DstPort: uint16(2000 + t.bursts%60000),
		Size: 50 + t.bursts%900, Flows: 12, Packets: 4, Rate: 1500,
	}
	action := "ACCEPT"
	if t.bursts%3 == 2 {
		cfg.Src, action = refused, "REJECT"
	}
	t.bursts++
	sent, err := t.b.near.Generate(context.Background(), cfg)
	if err != nil {
		t.err = err
		return
	}
	t.lost += sent.Lost
	for _, f := range sent.Flows {
		l := leg{"egress", "ACCEPT", f.Src.Addr(), int64(f.Src.Port()), int64(f.Dst.Port())}
		t.sent.add(l, f.Packets, f.Bytes)
		l.direction, l.action = "ingress", action
		t.sent.add(l, f.Packets, f.Bytes)
	}
}

func (t *traffic) stop() {
	t.b.tb.Helper()
	t.cancel()
	<-t.done
	t.b.must(t.err)
	if t.lost > 0 {
		t.b.tb.Fatalf("the network lost %d packets", t.lost)
	}
}

// recorded is what a bucket says.
type recorded struct {
	legs     counts            // UDP only
	all      map[string]counts // by interface: everything, of which only direction and action are told
	objects  int
	records  int
	skipData int
}

func newRecorded() *recorded { return &recorded{legs: make(counts), all: make(map[string]counts)} }

// read adds the objects whose path begins with prefix.
func (r *recorded) read(tb testing.TB, objects map[string][]byte, prefix string) *recorded {
	tb.Helper()
	for path, body := range objects {
		if !strings.HasPrefix(path, prefix) {
			continue
		}
		r.objects++
		eachRecord(tb, path, body, r.add)
	}
	return r
}

func (r *recorded) add(rec *record.Record) {
	r.records++
	text := func(f record.Field) string {
		v, _ := rec.Text(f)
		return string(v)
	}
	number := func(f record.Field) int64 {
		v, _ := rec.Int(f)
		return v
	}
	if status := text(record.LogStatus); status != "OK" {
		if status == "SKIPDATA" {
			r.skipData++
		}
		return
	}
	l := leg{direction: text(record.FlowDirection), action: text(record.Action)}
	packets, bytes := uint64(number(record.Packets)), uint64(number(record.Bytes))
	id := text(record.InterfaceID)
	if r.all[id] == nil {
		r.all[id] = make(counts)
	}
	r.all[id].add(l, packets, bytes)
	if number(record.Protocol) != 17 {
		return
	}
	l.src, _ = rec.Addr(record.SrcAddr)
	l.srcPort, l.dstPort = number(record.SrcPort), number(record.DstPort)
	r.legs.add(l, packets, bytes)
}

// differ says how the records differ from what was sent; nil if they do not.
func (r *recorded) differ(want counts) error {
	var errs []error
	for l, n := range want {
		if got := r.legs[l]; got != n {
			errs = append(errs, fmt.Errorf("%v: %v is recorded, %v was sent", l, got, n))
		}
	}
	for l, n := range r.legs {
		if _, ok := want[l]; !ok {
			errs = append(errs, fmt.Errorf("%v: %v is recorded, nothing was sent", l, n))
		}
	}
	if len(errs) > 5 {
		errs = append(errs[:5], fmt.Errorf("and %d more", len(errs)-5))
	}
	return errors.Join(errs...)
}
