package objectstore

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// openStore opens a server without running it.
func openStore(t *testing.T, dir string) *Server {
	t.Helper()
	s, err := Open(config(dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.CreateBucket(t.Context(), "flow-logs"); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSync checks that Sync walks every file and directory of an object: it
// fails when one of them is not there or cannot be opened.
func TestSync(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	object := filepath.Join(dir, objectsDir, "flow-logs", "a=1", "b", "c.log.gz")
	if err := os.MkdirAll(filepath.Dir(object), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(object, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Sync("flow-logs", "a=1/b/c.log.gz"); err != nil {
		t.Errorf("Sync of an object: %v", err)
	}
	for _, tt := range []struct {
		name, bucket, key string
		want              error
	}{
		{"the object is missing", "flow-logs", "a=1/b/d", fs.ErrNotExist},
		{"its directory is missing", "flow-logs", "a=2/b/c.log.gz", fs.ErrNotExist},
		{"the bucket is missing", "other", "a=1/b/c.log.gz", fs.ErrNotExist},
		{"the key leads out of the bucket", "flow-logs", "../../lock", fs.ErrInvalid},
		{"the bucket is a path", "flow-logs/a=1", "b", fs.ErrInvalid},
		{"the bucket is the directory above", "..", "lock", fs.ErrInvalid},
		{"there is no key", "flow-logs", "", fs.ErrInvalid},
	} {
		err := s.Sync(tt.bucket, tt.key)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	if err := os.Remove(object); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/hostname", object); err != nil {
		t.Fatal(err)
	}
	if err := s.Sync("flow-logs", "a=1/b/c.log.gz"); err == nil {
		t.Error("Sync followed a link out of the directory")
	}
}

// TestSyncSidecar does the same where metadata is in files of its own.
func TestSyncSidecar(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, metaDir), 0o700); err != nil {
		t.Fatal(err)
	}
	s, _ := serve(t, config(dir))
	if !s.sidecar {
		t.Fatal("a directory that has metadata in files does not go on with it")
	}
	c := client(s.Endpoint(), secretKey)
	testObjects(t, s, c)
	testMultipart(t, s, c)
	if err := s.Sync("flow-logs", hiveKey); err != nil {
		t.Errorf("Sync: %v", err)
	}
	meta := filepath.Join(dir, metaDir, "flow-logs", filepath.FromSlash(hiveKey), "meta")
	if names, _ := filepath.Glob(filepath.Join(meta, "*")); len(names) == 0 {
		t.Errorf("no metadata in %s", meta)
	}
	if err := os.RemoveAll(meta); err != nil {
		t.Fatal(err)
	}
	if err := s.Sync("flow-logs", hiveKey); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Sync without metadata: %v, want it does not exist", err)
	}
}

// TestCreateBucketRepairs checks a bucket whose process was killed in the middle
// of making it.
func TestCreateBucketRepairs(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, objectsDir, "flow-logs"), 0o700); err != nil {
		t.Fatal(err)
	}
	s, _ := serve(t, config(dir))
	c := client(s.Endpoint(), secretKey)
	_, err := c.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String("flow-logs"), Key: aws.String("k"), Body: strings.NewReader("x")})
	if err == nil {
		t.Log("versitygw takes objects in a half-made bucket by itself")
	}
	if err := s.CreateBucket(t.Context(), "flow-logs"); err != nil {
		t.Fatal(err)
	}
	put(t, c, "flow-logs", "k", "x")
}

func TestTemporaryFilesGo(t *testing.T) {
	dir := t.TempDir()
	tmp := filepath.Join(dir, objectsDir, "flow-logs", ".sgwtmp")
	if err := os.MkdirAll(filepath.Join(tmp, "multipart", "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(tmp, "0a1b.2"), bytes.Repeat([]byte("x"), 10), 0o600); err != nil {
		t.Fatal(err)
	}
	openStore(t, dir)
	left, err := filepath.Glob(filepath.Join(tmp, "*"))
	if err != nil || len(left) != 1 || filepath.Base(left[0]) != "multipart" {
		t.Errorf("left after Open: %v %v, want multipart only", left, err)
	}
}

func BenchmarkSync(b *testing.B) {
	s, _ := serve(b, config(b.TempDir()))
	if err := s.CreateBucket(b.Context(), "flow-logs"); err != nil {
		b.Fatal(err)
	}
	c := client(s.Endpoint(), secretKey)
	body := strings.Repeat("x", 64<<10)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	var syncing time.Duration
	for b.Loop() {
		put(b, c, "flow-logs", hiveKey, body)
		start := time.Now()
		if err := s.Sync("flow-logs", hiveKey); err != nil {
			b.Fatal(err)
		}
		syncing += time.Since(start)
	}
	b.ReportMetric(float64(syncing.Nanoseconds())/float64(b.N), "sync-ns/op")
}
