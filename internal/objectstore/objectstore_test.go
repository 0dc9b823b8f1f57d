package objectstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
)

const (
	accessKey = "WEIRTESTACCESS"
	secretKey = "not-a-secret"
	region    = "eu-test-1"
	hiveKey   = "AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=eu-test-1/" +
		"year=2026/month=11/day=24/hour=06/123456789012_vpcflowlogs_eu-test-1_fl-1234abcd_20261124T0600Z_fe123456.log.gz"
)

func TestMain(m *testing.M) {
	// No SDK in here may ask a cloud for anything.
	os.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	os.Setenv("AWS_CONFIG_FILE", os.DevNull)
	os.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	if dir := os.Getenv(childEnv); dir != "" {
		child(dir)
	}
	os.Exit(m.Run())
}

func config(dir string) Config {
	return Config{Dir: dir, Region: region, AccessKey: accessKey, SecretKey: secretKey}
}

// serve opens and runs a server until the test ends or stop is called.
func serve(t testing.TB, cfg Config) (s *Server, stop func()) {
	t.Helper()
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(context.Background()) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			if err := s.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			if err := <-done; err != nil && !errors.Is(err, ErrClosed) {
				t.Errorf("Run: %v", err)
			}
		})
	}
	t.Cleanup(stop)
	return s, stop
}

func client(endpoint, secret string) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint:     &endpoint,
		UsePathStyle:     true,
		Region:           region,
		Credentials:      credentials.NewStaticCredentialsProvider(accessKey, secret, ""),
		RetryMaxAttempts: 1,
	})
}

func put(t testing.TB, c *s3.Client, bucket, key, body string) {
	t.Helper()
	_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(body)})
	if err != nil {
		t.Fatalf("put %s: %v", key, err)
	}
}

func get(t testing.TB, c *s3.Client, bucket, key, byteRange string) string {
	t.Helper()
	in := &s3.GetObjectInput{Bucket: &bucket, Key: &key}
	if byteRange != "" {
		in.Range = &byteRange
	}
	out, err := c.GetObject(t.Context(), in)
	if err != nil {
		t.Fatalf("get %s: %v", key, err)
	}
	defer out.Body.Close()
	body, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatalf("get %s: %v", key, err)
	}
	return string(body)
}

func code(err error) string {
	if ae := smithy.APIError(nil); errors.As(err, &ae) {
		return ae.ErrorCode()
	}
	return fmt.Sprint(err)
}

func TestObjects(t *testing.T) {
	s, _ := serve(t, config(t.TempDir()))
	testObjects(t, s, client(s.Endpoint(), secretKey))
}

// testObjects does what S3's clients do most.
func testObjects(t *testing.T, s *Server, c *s3.Client) {
	t.Helper()
	for range 2 {
		if err := s.CreateBucket(t.Context(), "flow-logs"); err != nil {
			t.Fatal(err)
		}
	}
	b := aws.String("flow-logs")
	keys := []string{hiveKey, "AWSLogs/1/a b+c&d=ü.log", "plain"}
	for _, key := range keys {
		put(t, c, *b, key, "hello "+key)
		if got, want := get(t, c, *b, key, ""), "hello "+key; got != want {
			t.Errorf("get %s = %q, want %q", key, got, want)
		}
	}
	if got, want := get(t, c, *b, "plain", "bytes=1-3"), "ell"; got != want {
		t.Errorf("ranged get = %q, want %q", got, want)
	}
	put(t, c, *b, "plain", "replaced")
	if got, want := get(t, c, *b, "plain", ""), "replaced"; got != want {
		t.Errorf("get of a replaced object = %q, want %q", got, want)
	}

	list, err := c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: b})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range list.Contents {
		got = append(got, *o.Key)
	}
	want := []string{keys[1], keys[0], keys[2]} // in order of UTF-8
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("keys in the bucket (-got +want):\n%s", diff)
	}
	dirs, err := c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{
		Bucket: b, Prefix: aws.String("AWSLogs/"), Delimiter: aws.String("/")})
	if err != nil {
		t.Fatal(err)
	}
	if len(dirs.CommonPrefixes) != 2 || *dirs.CommonPrefixes[1].Prefix != "AWSLogs/aws-account-id=123456789012/" {
		t.Errorf("common prefixes = %v, want 1/ and aws-account-id=123456789012/", dirs.CommonPrefixes)
	}

	head, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: b, Key: aws.String(hiveKey)})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := *head.ContentLength, int64(len("hello "+hiveKey)); got != want {
		t.Errorf("length in HEAD = %d, want %d", got, want)
	}
	if _, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: b, Key: aws.String("plain")}); err != nil {
		t.Fatal(err)
	}
	_, err = c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: b, Key: aws.String("plain")})
	if got, want := code(err), "NoSuchKey"; got != want {
		t.Errorf("get of a deleted object: %s, want %s", got, want)
	}
}

func TestMultipart(t *testing.T) {
	s, _ := serve(t, config(t.TempDir()))
	testMultipart(t, s, client(s.Endpoint(), secretKey))
}

func testMultipart(t *testing.T, s *Server, c *s3.Client) {
	t.Helper()
	if err := s.CreateBucket(t.Context(), "flow-logs"); err != nil {
		t.Fatal(err)
	}
	b, k := aws.String("flow-logs"), aws.String("in/parts")
	up, err := c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: b, Key: k})
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	var done types.CompletedMultipartUpload
	for n := int32(1); n <= 3; n++ {
		part := bytes.Repeat([]byte{byte('0' + n)}, 5<<20)
		want.Write(part)
		out, err := c.UploadPart(t.Context(), &s3.UploadPartInput{
			Bucket: b, Key: k, UploadId: up.UploadId, PartNumber: &n, Body: bytes.NewReader(part)})
		if err != nil {
			t.Fatal(err)
		}
		done.Parts = append(done.Parts, types.CompletedPart{ETag: out.ETag, PartNumber: &n, ChecksumCRC32: out.ChecksumCRC32})
	}
	if _, err := c.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{
		Bucket: b, Key: k, UploadId: up.UploadId, MultipartUpload: &done}); err != nil {
		t.Fatal(err)
	}
	if got := get(t, c, *b, *k, ""); got != want.String() {
		t.Errorf("object of parts has %d bytes or others, want %d", len(got), want.Len())
	}
	if err := s.Sync(*b, *k); err != nil {
		t.Error(err)
	}
}

func TestRefusals(t *testing.T) {
	var logged bytes.Buffer
	cfg := config(t.TempDir())
	cfg.Logger = slog.New(slog.NewTextHandler(&logged, nil))
	s, _ := serve(t, cfg)
	if err := s.CreateBucket(t.Context(), "flow-logs"); err != nil {
		t.Fatal(err)
	}
	good, bad := client(s.Endpoint(), secretKey), client(s.Endpoint(), secretKey+"x")
	putTo := func(c *s3.Client, bucket string) error {
		_, err := c.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: &bucket, Key: aws.String("k"), Body: strings.NewReader("x")})
		return err
	}
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"a wrong secret", putTo(bad, "flow-logs"), "SignatureDoesNotMatch"},
		{"a bucket that does not exist", putTo(good, "no-such-bucket"), "NoSuchBucket"},
		{"a bucket's name that cannot be", s.CreateBucket(t.Context(), "../up"),
			"create bucket ../up: want 3 to 63 of a-z, 0-9, dot and hyphen: invalid argument"},
	} {
		if got := code(tt.err); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	resp, err := http.Get(s.Endpoint() + "/flow-logs")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden || !strings.Contains(string(body), "<Code>AccessDenied</Code>") {
		t.Errorf("request without a signature: %d %s, want 403 AccessDenied", resp.StatusCode, body)
	}
	if logged.Len() > 0 {
		t.Errorf("refusals were logged above debug: %s", &logged)
	}
}

func TestConcurrent(t *testing.T) {
	s, _ := serve(t, config(t.TempDir()))
	if err := s.CreateBucket(t.Context(), "flow-logs"); err != nil {
		t.Fatal(err)
	}
	c := client(s.Endpoint(), secretKey)
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			for i := range 8 {
				key, body := fmt.Sprintf("d%d/k%d", i%3, g), fmt.Sprintf("%d %d", g, i)
				_, err := c.PutObject(t.Context(), &s3.PutObjectInput{
					Bucket: aws.String("flow-logs"), Key: &key, Body: strings.NewReader(body)})
				if err == nil {
					err = s.Sync("flow-logs", key)
				}
				if err != nil {
					t.Error(err)
					return
				}
				if got := get(t, c, "flow-logs", key, ""); got != body {
					t.Errorf("%s = %q, want %q", key, got, body)
				}
			}
		})
	}
	wg.Wait()
}

func TestRestartKeepsData(t *testing.T) {
	dir := t.TempDir()
	s, stop := serve(t, config(dir))
	if err := s.CreateBucket(t.Context(), "flow-logs"); err != nil {
		t.Fatal(err)
	}
	put(t, client(s.Endpoint(), secretKey), "flow-logs", hiveKey, "kept")
	stop()
	cfg := config(dir)
	cfg.AccessKey += "2" // a new key does not lose the old one's buckets
	s, _ = serve(t, cfg)
	if err := s.CreateBucket(t.Context(), "flow-logs"); err != nil {
		t.Fatal(err)
	}
	c := s3.New(s3.Options{BaseEndpoint: aws.String(s.Endpoint()), UsePathStyle: true, Region: region,
		Credentials: credentials.NewStaticCredentialsProvider(cfg.AccessKey, secretKey, "")})
	if got, want := get(t, c, "flow-logs", hiveKey, ""), "kept"; got != want {
		t.Errorf("after a restart %q, want %q", got, want)
	}
}
