package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestInterruptedFetchSaysHowToGoOn(t *testing.T) {
	store := t.TempDir()
	for _, k := range []string{"a", "b"} {
		if err := os.MkdirAll(filepath.Join(store, "logs"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(store, "logs", k), []byte(k), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/logs/b" {
			cancel()
			<-r.Context().Done()
			return
		}
		dirS3(store).ServeHTTP(w, r)
	}))
	defer server.Close()
	atEndpoint(t, server.URL)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	dir := t.TempDir()
	r := weir(ctx, "fetch", "s3://logs", "--dir", dir, "--parallel", "1")
	if r.status() != exitFailed || r.err.Error() != "fetch: interrupted: 1 of 2 objects are in "+dir || r.hint() != "the same command again goes on" {
		t.Errorf("status %d: %v; hint: %s", r.status(), r.err, r.hint())
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 || left[0].Name() != "a" {
		t.Errorf("there is %v, %v", left, err)
	}
	if !strings.Contains(r.stderr, "weir: 1 object downloaded, 1 B\n") {
		t.Errorf("it says %q", r.stderr)
	}
}
