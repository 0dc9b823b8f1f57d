package place

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"weir/internal/awsconfig"
	"weir/internal/rows"
	"weir/internal/source"
	"weir/recordfile"
)

// BenchmarkSmallObjects lists and reads small objects of the embedded S3, which is a
// process of its own, on the processors that there are for both: 2,000 objects, or
// WEIR_OBJECTS. It reports objects for each second.
//
//	WEIR_OBJECTS=100000 go test -run '^$' -bench SmallObjects -benchtime 1x ./internal/place
func BenchmarkSmallObjects(b *testing.B) {
	n := 2000
	if s := os.Getenv("WEIR_OBJECTS"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	dir := b.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		in.Close()
		cmd.Wait()
		b.Logf("the server took %v", cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
	}()
	endpoint, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	const line = "2 123456789012 eni-0a1b2c3d4e5f67890 10.0.1.5 10.0.2.9 49152 443 6 10 8400 1700000000 1700000059 ACCEPT OK\n"
	object := []byte(compress("version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n" + strings.Repeat(line, 20)))
	for i := range n {
		k := recordfile.Key{Account: "111111111111", Region: region, FlowLog: fmt.Sprintf("fl-%d", i%4), Time: noon.Add(time.Duration(i/4) * recordfile.Interval), Hash: uint32(i)}
		name := filepath.Join(dir, "objects", bucketT, filepath.FromSlash(k.String()))
		err := os.WriteFile(name, object, 0o600)
		if os.IsNotExist(err) {
			if err = os.MkdirAll(filepath.Dir(name), 0o700); err == nil {
				err = os.WriteFile(name, object, 0o600)
			}
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	cfg := Config{Places: []string{"s3://" + bucketT}, AWS: awsconfig.Options{Endpoint: strings.TrimSpace(endpoint), Region: region}}
	b.Run("list", func(b *testing.B) {
		for b.Loop() {
			l, err := New(cfg)
			if err != nil {
				b.Fatal(err)
			}
			got := 0
			for _, err := range l.Objects(b.Context()) {
				if err != nil {
					b.Fatal(err)
				}
				got++
			}
			if got != n {
				b.Fatalf("%d objects, want %d", got, n)
			}
		}
		b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "objects/s")
	})
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			l, err := New(cfg)
			if err != nil {
				b.Fatal(err)
			}
			var lines atomic.Int64
			scan := source.Scan{Objects: l.Objects(b.Context()), Sink: func() source.Sink {
				return func(_ *source.Worker, batch *rows.Batch) error {
					lines.Add(int64(batch.Rows))
					return nil
				}
			}}
			a, err := scan.Run(b.Context())
			if err != nil || a.Objects != n || len(a.Damaged) > 0 || lines.Load() != int64(20*n) {
				b.Fatalf("%d lines of %d objects, %v, %v", lines.Load(), a.Objects, a.Damaged, err)
			}
		}
		b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "objects/s")
	})
	b.Run("fetch", func(b *testing.B) {
		for b.Loop() {
			l, err := New(cfg)
			if err != nil {
				b.Fatal(err)
			}
			done, err := (&Fetch{List: l, Dir: b.TempDir()}).Run(b.Context())
			if err != nil || done.Copied != n {
				b.Fatalf("%+v, %v", done, err)
			}
		}
		b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "objects/s")
	})
}
