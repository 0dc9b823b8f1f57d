package objectstore

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// mounted serves S3 beside another handler, chosen by the service that the
// signature names.
func mounted(t *testing.T) (*Server, *s3.Client, string) {
	t.Helper()
	cfg := config(t.TempDir())
	cfg.NoListen = true
	s, _ := serve(t, cfg)
	if s.Addr() != nil || s.Endpoint() != "" {
		t.Errorf("with NoListen the address is %v", s.Addr())
	}
	h := s.Handler()
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Authorization"), "/s3/aws4_request") || r.URL.Query().Has("X-Amz-Signature") {
			h.ServeHTTP(w, r)
			return
		}
		io.WriteString(w, "not S3")
	}))
	t.Cleanup(front.Close)
	return s, client(front.URL, secretKey), front.URL
}

func TestHandler(t *testing.T) {
	s, c, url := mounted(t)
	testObjects(t, s, c)
	testMultipart(t, s, c)
	resp, err := http.Get(url + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); string(body) != "not S3" {
		t.Errorf("unsigned request got %q", body)
	}
	_, err = client(url, "wrong").ListBuckets(t.Context(), &s3.ListBucketsInput{})
	if got, want := code(err), "SignatureDoesNotMatch"; got != want {
		t.Errorf("wrong secret: %s, want %s", got, want)
	}
}

// zeros reads n zero bytes, as a body whose size is known.
type zeros struct{ n int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.n == 0 {
		return 0, io.EOF
	}
	clear(p)
	n := min(int64(len(p)), z.n)
	z.n -= n
	return int(n), nil
}

// TestHandlerStreams checks that a body is never in memory whole.
func TestHandlerStreams(t *testing.T) {
	const size = 256 << 20
	s, c, _ := mounted(t)
	if err := s.CreateBucket(t.Context(), "flow-logs"); err != nil {
		t.Fatal(err)
	}
	peak, stop := watchHeap()
	_, err := c.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String("flow-logs"), Key: aws.String("big"), Body: &zeros{size}, ContentLength: aws.Int64(size),
	}, s3.WithAPIOptions(v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware),
		func(o *s3.Options) { o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired })
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("flow-logs"), Key: aws.String("big")})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	if n, err := io.Copy(io.Discard, out.Body); n != size || err != nil {
		t.Errorf("read %d %v, want %d", n, err, size)
	}
	stop()
	if got, want := *peak, uint64(128<<20); got > want {
		t.Errorf("heap grew to %d MiB, want at most %d", got>>20, want>>20)
	}
}

// watchHeap samples the heap until stop, and gives its peak then.
func watchHeap() (peak *uint64, stop func()) {
	peak = new(uint64)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			*peak = max(*peak, m.HeapAlloc)
			time.Sleep(10 * time.Millisecond)
		}
	}()
	return peak, func() { cancel(); <-done }
}

func TestHandlerAfterClose(t *testing.T) {
	cfg := config(t.TempDir())
	cfg.NoListen = true
	s, stop := serve(t, cfg)
	stop()
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if got, want := w.Code, http.StatusServiceUnavailable; got != want {
		t.Errorf("status after Close = %d, want %d", got, want)
	}
}

func TestListenerHandedIn(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg := config(t.TempDir())
	cfg.Listener = ln
	s, stop := serve(t, cfg)
	if got, want := s.Addr().String(), ln.Addr().String(); got != want {
		t.Errorf("Addr = %s, want %s", got, want)
	}
	if _, err := client(s.Endpoint(), secretKey).ListBuckets(t.Context(), &s3.ListBucketsInput{}); err != nil {
		t.Error(err)
	}
	stop()
	if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("listener after Close: %v, want closed", err)
	}
}
