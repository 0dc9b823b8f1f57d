package bpf

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cilium/ebpf"
)

func TestQuick(t *testing.T) {
	spec, err := LoadCapture()
	if err != nil {
		t.Fatal(err)
	}
	spec.Variables["me"].Set(CaptureIface{Slot: 1, L2: 14, Exclude: 0x1f})
	var r CaptureReasons
	r.Meaning[12] = 1
	spec.Variables["reasons"].Set(r)
	t0 := time.Now()
	c, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{})
	var ve *ebpf.VerifierError
	if errors.As(err, &ve) {
		fmt.Printf("%-50v\n", ve)
		n := len(ve.Log)
		for _, l := range ve.Log[max(0, n-40):] {
			fmt.Println(l)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Log("load", time.Since(t0))
	for n, p := range c.Programs {
		i, _ := p.Info()
		s, _ := i.JitedSize()
		ins, _ := i.TranslatedSize()
		v, _ := i.VerifiedInstructions()
		t.Log(n, "jited", s, "xlated", ins/8, "verified", v)
	}
	pkt := make([]byte, 60)
	copy(pkt[12:], []byte{8, 0, 0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0x80, 1, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 2})
	for range 3 {
		ret, d, err := c.Programs["ingress"].Benchmark(pkt, 2000000, nil)
		t.Log(int32(ret), d, err)
		ret, d, err = c.Programs["egress"].Benchmark(pkt, 2000000, nil)
		t.Log(int32(ret), d, err)
	}
	it := c.Maps["flows4_0"].Iterate()
	var k CaptureKey4
	var v CaptureCounters
	for it.Next(&k, &v) {
		t.Logf("%+v %+v", k, v)
	}
}
