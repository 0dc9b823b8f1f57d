package objectstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func TestOpenRefuses(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s, err := Open(config(dir))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(config(t.TempDir())); !errors.Is(err, ErrRunning) {
		t.Errorf("second Open in a process: %v, want ErrRunning", err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	if err := s.Run(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("Run after Close: %v, want ErrClosed", err)
	}
	if got, _ := os.Getwd(); got != here {
		t.Errorf("working directory after Close is %s, want %s", got, here)
	}

	held, err := lock(filepath.Join(dir, lockFile))
	if err != nil {
		t.Fatalf("lock after Close: %v", err)
	}
	if _, err := Open(config(dir)); !errors.Is(err, ErrLocked) {
		t.Errorf("Open of a directory in use: %v, want ErrLocked", err)
	}
	held.Close()

	if fi, err := os.Stat(filepath.Join(dir, objectsDir)); err != nil || fi.Mode().Perm() != 0o700 {
		t.Errorf("objects directory: %v %v, want mode 0700", fi, err)
	}
	for _, bad := range []Config{{}, {Dir: "relative", AccessKey: "a", SecretKey: "b"}, {Dir: dir, AccessKey: "a"}} {
		if _, err := Open(bad); err == nil {
			t.Errorf("Open(%v) succeeded", bad)
		}
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	cfg := config(dir)
	cfg.Listen = taken.Addr().String()
	if _, err := Open(cfg); err == nil {
		t.Error("Open on a taken address succeeded")
	}
}

func TestRunEndsWithContext(t *testing.T) {
	s, err := Open(config(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Run(ctx); err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
}

// TestElsewhere checks that no other directory is served when somebody changes
// the working directory, and that nothing is printed then.
func TestElsewhere(t *testing.T) {
	var logged bytes.Buffer
	cfg := config(t.TempDir())
	cfg.Logger = slog.New(slog.NewTextHandler(&logged, nil))
	s, stop := serve(t, cfg)
	if err := s.CreateBucket(t.Context(), "flow-logs"); err != nil {
		t.Fatal(err)
	}
	if err := os.Chdir(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	_, err := client(s.Endpoint(), secretKey).ListBuckets(t.Context(), &s3.ListBucketsInput{})
	if got, want := code(err), "InternalError"; got != want {
		t.Errorf("ListBuckets elsewhere: %s, want %s", got, want)
	}
	if err := s.CreateBucket(t.Context(), "flow-logs"); err == nil {
		t.Error("CreateBucket elsewhere succeeded")
	}
	stop()
	if !strings.Contains(logged.String(), "s3 request failed") {
		t.Errorf("log is %q, want the failure", &logged)
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	cfg := config("/x")
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("open", "config", cfg)
	for _, text := range []string{fmt.Sprint(cfg), fmt.Sprintf("%+v", cfg), fmt.Sprintf("%#v", cfg), log.String()} {
		if strings.Contains(text, secretKey) {
			t.Errorf("secret in %s", text)
		}
	}
}
