package delivery

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/internal/objectstore"
)

// embedded runs the embedded store with one bucket, and returns a client of it
// and its directory.
func embedded(tb testing.TB) (*S3, S3Config, string) {
	tb.Helper()
	s3Env(tb)
	dir := tb.TempDir()
	srv, err := objectstore.Open(objectstore.Config{Dir: dir, Region: "eu-test-1", AccessKey: "a", SecretKey: "not-a-secret"})
	if err != nil {
		tb.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- srv.Run(context.Background()) }()
	tb.Cleanup(func() {
		if err := errors.Join(srv.Close(), <-done); err != nil {
			tb.Error(err)
		}
	})
	if err := srv.CreateBucket(tb.Context(), "flow-logs"); err != nil {
		tb.Fatal(err)
	}
	cfg := S3Config{Endpoint: srv.Endpoint(), Region: "eu-test-1", AccessKey: "a", SecretKey: "not-a-secret", Sync: srv.Sync}
	s, err := NewS3(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return s, cfg, dir
}

func TestS3Embedded(t *testing.T) {
	s, cfg, dir := embedded(t)
	if err := s.Check(t.Context(), "flow-logs"); err != nil {
		t.Errorf("Check: %v", err)
	}
	key := "logs/AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=eu-test-1/year=2026/x.log.gz"
	for _, body := range []string{"first", "the second replaces it", ""} {
		if err := s.Put(t.Context(), "flow-logs", key, []byte(body), "application/octet-stream"); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(dir, "objects", "flow-logs", filepath.FromSlash(key)))
		if err != nil || string(got) != body {
			t.Errorf("object is %q, %v, want %q", got, err, body)
		}
	}

	wrong, elsewhere := cfg, cfg
	wrong.SecretKey, elsewhere.Region = "wrong", "us-west-2"
	for _, tt := range []struct {
		name, bucket, want string
		cfg                S3Config
	}{
		{"a bucket that is missing", "no-such-bucket", "NoSuchBucket", cfg},
		{"a wrong secret", "flow-logs", "SignatureDoesNotMatch", wrong},
		{"another region, which is found", "flow-logs", "", elsewhere},
	} {
		s, err := NewS3(tt.cfg)
		if err != nil {
			t.Fatal(err)
		}
		for call, err := range map[string]error{
			"Put":   s.Put(t.Context(), tt.bucket, "k", []byte("x"), ""),
			"Check": s.Check(t.Context(), tt.bucket),
		} {
			f := (*Failure)(nil)
			if tt.want == "" && err != nil || tt.want != "" && (!errors.As(err, &f) || f.Kind != AccessError || f.Code != tt.want) {
				t.Errorf("%s: %s = %v, want %s", tt.name, call, err, tt.want)
			}
		}
	}
}

func TestS3SyncFails(t *testing.T) {
	_, cfg, dir := embedded(t)
	sync := cfg.Sync
	cfg.Sync = func(bucket, key string) error {
		if err := os.Remove(filepath.Join(dir, "objects", bucket, key)); err != nil {
			t.Error(err)
		}
		return sync(bucket, key)
	}
	s, err := NewS3(cfg)
	if err != nil {
		t.Fatal(err)
	}
	err = s.Put(t.Context(), "flow-logs", "k", []byte("x"), "")
	if f := (*Failure)(nil); !errors.As(err, &f) || f.Kind != UnknownError || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Put of an object that is gone before it is durable = %v, want it does not exist", err)
	}
}

// TestS3DamageIsRefused flips one bit of the body on the way.
func TestS3DamageIsRefused(t *testing.T) {
	_, cfg, dir := embedded(t)
	target, err := url.Parse(cfg.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host // Host stays: it is signed
			r.Out.Body = &damaged{r.Out.Body}
		},
	})
	defer proxy.Close()
	cfg.Endpoint = proxy.URL
	s, err := NewS3(cfg)
	if err != nil {
		t.Fatal(err)
	}
	err = s.Put(t.Context(), "flow-logs", "k", []byte("records"), "")
	if f := (*Failure)(nil); !errors.As(err, &f) || f.Code != "XAmzContentSHA256Mismatch" || f.Permanent {
		t.Errorf("Put of a body that was damaged on the way = %v, want XAmzContentSHA256Mismatch", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "objects", "flow-logs", "k")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("damaged object: %v, want it does not exist", err)
	}
}

type damaged struct{ io.ReadCloser }

func (d *damaged) Read(p []byte) (int, error) {
	n, err := d.ReadCloser.Read(p)
	if n > 0 {
		p[0] ^= 1
	}
	return n, err
}

func TestS3Concurrent(t *testing.T) {
	s, _, _ := embedded(t)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 5 {
				key := fmt.Sprintf("AWSLogs/%d/%d", i, g)
				if err := s.Put(t.Context(), "flow-logs", key, bytes.Repeat([]byte("x"), 10_000), ""); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// TestS3TimeoutOfBody checks a store that stops reading.
func TestS3TimeoutOfBody(t *testing.T) {
	s3Env(t)
	stop := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-stop }))
	defer func() { close(stop); srv.Close() }()
	s, err := NewS3(S3Config{Endpoint: srv.URL, AccessKey: "a", SecretKey: "b", Timeout: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Put(t.Context(), "flow-logs", "k", make([]byte, 16<<20), "")
	if f := (*Failure)(nil); !errors.As(err, &f) || !strings.Contains(f.Message, "no answer") {
		t.Errorf("Put = %v, want no answer", err)
	}
}

func TestS3Certificates(t *testing.T) {
	s3Env(t)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	put := func() error {
		s, err := NewS3(S3Config{Endpoint: srv.URL, AccessKey: "a", SecretKey: "b"})
		if err != nil {
			return err
		}
		return s.Put(t.Context(), "flow-logs", "k", []byte("x"), "")
	}
	if err := put(); err == nil || !strings.Contains(err.Error(), "is not trusted") {
		t.Errorf("Put to a store with a strange certificate = %v, want it is not trusted", err)
	}
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	t.Setenv("AWS_CA_BUNDLE", bundle)
	if err := put(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("with a bundle that is missing: %v", err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	if err := os.WriteFile(bundle, cert, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := put(); err != nil {
		t.Errorf("with the certificate in the bundle: %v", err)
	}
}

func BenchmarkS3Put(b *testing.B) {
	for _, size := range []int{64 << 10, 8 << 20} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			s, _, _ := embedded(b)
			body := make([]byte, size)
			for i := range body {
				body[i] = byte(i * i >> 7)
			}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := s.Put(b.Context(), "flow-logs", fmt.Sprintf("AWSLogs/%d", i%50), body, ""); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
