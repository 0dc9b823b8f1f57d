package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/internal/ddl"
	"weir/internal/objectstore"
	"weir/recordfile"
)

// serveObjects serves the embedded S3 with one bucket, and returns the bucket's directory.
func serveObjects(t *testing.T, bucket string) (dir string) {
	t.Helper()
	root := t.TempDir()
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(wd) // comes back at the end from where the server goes
	s, err := objectstore.Open(objectstore.Config{Dir: root, Region: "us-east-1", AccessKey: "AKIDEXAMPLE", SecretKey: "secret", Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(context.Background()) }()
	t.Cleanup(func() {
		s.Close()
		<-done
	})
	if err := s.CreateBucket(t.Context(), bucket); err != nil {
		t.Fatal(err)
	}
	atEndpoint(t, s.Endpoint())
	return filepath.Join(root, "objects", bucket)
}

// putFile writes a file below a directory.
func putFile(t *testing.T, dir, key string, content []byte) {
	t.Helper()
	name := filepath.Join(dir, filepath.FromSlash(key))
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestDDLOfABucket compares what is learnt from a bucket with what flags say.
func TestDDLOfABucket(t *testing.T) {
	content := map[string][]byte{}
	for _, suffix := range []string{".log.gz", ".log.parquet"} {
		b, err := os.ReadFile("../../recordfile/testdata/golden/2/v5" + suffix)
		if err != nil {
			t.Fatal(err)
		}
		content[suffix] = b
	}
	dir := serveObjects(t, "flow-logs")
	for _, layout := range ddl.Layouts() {
		for _, suffix := range []string{".log.gz", ".log.parquet"} {
			for _, organization := range []string{"", "o-a1b2c3d4e5"} {
				t.Run(fmt.Sprintf("%s%s%s", layout, suffix, organization), func(t *testing.T) {
					prefix := strings.ReplaceAll(t.Name()[strings.IndexByte(t.Name(), '/')+1:], "+", "-")
					for i := range 3 {
						k := recordfile.Key{Prefix: prefix, Account: "123456789012", Region: []string{"eu-west-1", "us-east-1", "us-east-1"}[i], FlowLog: "fl-1",
							Time: time.Date(2026, 11, 24-i, 9, 5, 0, 0, time.UTC), Organization: organization}
						k.Options, _ = layout.Options()
						k.Parquet = suffix == ".log.parquet"
						putFile(t, dir, k.String(), content[suffix])
					}
					putFile(t, dir, prefix+"/AWSLogs/123456789012/CloudTrail/us-east-1/x.json.gz", []byte("x"))
					place := "s3://flow-logs/" + prefix
					learnt := weir(t.Context(), "ddl", "athena", place)
					if learnt.err != nil || strings.Contains(learnt.stdout, "ASSUMED") {
						t.Fatalf("%v\n%s", learnt.err, learnt.stdout)
					}
					said := weir(t.Context(), "ddl", "athena", place, "--format", "v5", "--layout", string(layout), "--parquet="+fmt.Sprint(suffix == ".log.parquet"),
						"--account", "123456789012", "--region", "eu-west-1,us-east-1", "--from", "2026-11-22")
					want := said.stdout
					if organization != "" { // which no flag says
						want = strings.ReplaceAll(want, "AWSLogs/", "AWSLogs/"+organization+"/")
					}
					if learnt.stdout != want {
						t.Errorf("learnt\n%s\nwant\n%s", learnt.stdout, want)
					}
				})
			}
		}
	}
}
