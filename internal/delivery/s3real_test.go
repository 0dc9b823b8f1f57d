package delivery

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"weir/internal/flowlog"
)

// A switched is a store whose credentials change, as when somebody rotates them.
type switched struct{ at atomic.Pointer[S3] }

func (s *switched) Put(ctx context.Context, bucket, key string, body []byte, contentType string) error {
	return s.at.Load().Put(ctx, bucket, key, body, contentType)
}

func (s *switched) Check(ctx context.Context, bucket string) error {
	return s.at.Load().Check(ctx, bucket)
}

// errorBodies tells what a store says in its refusals, each once.
func errorBodies(t *testing.T) *http.Client {
	seen := make(map[string]bool)
	gate := make(chan struct{}, 1)
	return &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil || resp.StatusCode < 400 {
			return resp, err
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		resp.Body = io.NopCloser(bytes.NewReader(body))
		gate <- struct{}{}
		defer func() { <-gate }()
		if key := fmt.Sprint(r.Method, resp.StatusCode, len(body)); !seen[key] && t.Context().Err() == nil {
			seen[key] = true
			t.Logf("%s: %s, %s: %s", r.Method, resp.Status, resp.Header.Get("Server"), body)
		}
		return resp, err
	})}
}

// TestS3OfOthers delivers to a server that is not ours: the one at
// WEIR_S3_ENDPOINT, whose key and secret are in WEIR_S3_KEY and WEIR_S3_SECRET; what
// is not given is taken to be not checked. It makes a bucket there, and removes it. What each server was found to answer is in
// TestS3ErrorsOfOthers.
func TestS3OfOthers(t *testing.T) {
	endpoint, key, secret := os.Getenv("WEIR_S3_ENDPOINT"), os.Getenv("WEIR_S3_KEY"), os.Getenv("WEIR_S3_SECRET")
	if endpoint == "" {
		t.Skip("SKIPPED: WEIR_S3_ENDPOINT names no S3 server")
	}
	checksKey, checksSecret := key != "", secret != ""
	key, secret = cmp.Or(key, "anybody"), cmp.Or(secret, "not-a-secret")
	s3Env(t)
	client := func(key, secret string) *S3 {
		t.Helper()
		s, err := NewS3(S3Config{
			Endpoint: endpoint, Region: cmp.Or(os.Getenv("WEIR_S3_REGION"), "us-east-1"), PathStyle: true,
			AccessKey: key, SecretKey: secret, HTTPClient: errorBodies(t),
		})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	good := client(key, secret)
	bucket := fmt.Sprintf("weir-test-%d", time.Now().UnixNano())
	b := newBed(t)
	b.log("fl-1", func(f *flowlog.FlowLog) { f.Destination = "arn:aws:s3:::" + bucket + "/folder" })
	store := new(switched)
	store.at.Store(good)
	b.run(b.open(Config{Flush: time.Second, Sinks: inBuckets(store)}))
	status := func() flowlog.Status {
		st, err := b.logs.Status(t.Context(), "fl-1")
		b.must(err)
		return st
	}
	fails := func(kind Kind, want ...string) {
		t.Helper()
		b.until(fmt.Sprintf("the status is %s: %s", kind, want), func() bool {
			st := status()
			return (st.Error == string(kind) || kind == "") && slices.ContainsFunc(want, func(w string) bool { return strings.Contains(st.Cause, w) })
		})
		t.Logf("status: %s: %s", status().Error, status().Cause)
	}
	delivered := func(records uint64) {
		t.Helper()
		b.until("everything is delivered", func() bool { st := status(); return st.Error == "" && uint64(st.Records) == records })
	}

	b.append(win{end: 60, ports: []uint16{1}})
	fails(AccessError, "NoSuchBucket: The specified bucket does not exist")
	_, err := good.client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket})
	b.must(err)
	delivered(1)

	// Servers agree on what a wrong secret is, not on an unknown key.
	if checksSecret {
		store.at.Store(client(key, "not-"+secret))
	}
	b.append(win{start: 60, end: 120, ports: []uint16{2}})
	if checksSecret {
		fails(AccessError, "SignatureDoesNotMatch: The request signature we calculated does not match the signature you provided.")
		store.at.Store(good)
	}
	delivered(2)
	if checksKey {
		store.at.Store(client("AKIAIOSFODNN7EXAMPLE", secret))
	}
	b.append(win{start: 120, end: 180, ports: []uint16{3}})
	if checksKey {
		fails("", "InvalidAccessKeyId", "XAdminUserNotFound")
		store.at.Store(good)
	}
	delivered(3)

	list, err := good.client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket})
	b.must(err)
	for _, o := range list.Contents {
		got, err := good.client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: o.Key})
		b.must(err)
		body, err := io.ReadAll(got.Body)
		b.must(err)
		b.store.objects[bucket+"/"+strings.TrimPrefix(*o.Key, "folder/")] = body
		_, err = good.client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &bucket, Key: o.Key})
		b.must(err)
	}
	if got, want := b.lines(bucket, false), []string{"eni-1 1 ACCEPT OK", "eni-1 2 ACCEPT OK", "eni-1 3 ACCEPT OK"}; !slices.Equal(got, want) {
		t.Errorf("records are %q, want %q", got, want)
	}
	t.Logf("%d objects", len(list.Contents))
	_, err = good.client.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: &bucket})
	b.must(err)
}

// TestS3ErrorsOfOthers has what servers that are not ours were seen to answer
// (2026-11-24, without what names the request; an S3 of any kind may add elements
// to Amazon's).
func TestS3ErrorsOfOthers(t *testing.T) {
	const (
		begin    = `<?xml version="1.0" encoding="UTF-8"?>` + "\n<Error>"
		mismatch = "The request signature we calculated does not match the signature you provided. Check your key and signing method."
	)
	for _, tt := range []struct {
		name   string
		status int
		body   string
		kind   Kind
		want   string // of code and message
	}{
		{"MinIO 2026-02-12, no bucket", 404, begin + "<Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message><Key>folder/x.log.gz</Key>" +
			"<BucketName>b</BucketName><Resource>/b/folder/x.log.gz</Resource><RequestId>18EAF0DDA9800CC1</RequestId><HostId>40fd</HostId></Error>",
			AccessError, "NoSuchBucket: The specified bucket does not exist"},
		{"MinIO, wrong secret", 403, begin + "<Code>SignatureDoesNotMatch</Code><Message>" + mismatch + "</Message><Key>x</Key><BucketName>b</BucketName></Error>",
			AccessError, "SignatureDoesNotMatch: " + mismatch},
		{"MinIO, unknown key", 403, begin + "<Code>InvalidAccessKeyId</Code><Message>The Access Key Id you provided does not exist in our records.</Message><Key>x</Key></Error>",
			AccessError, "InvalidAccessKeyId: The Access Key Id you provided does not exist in our records."},
		{"Versity S3 Gateway 1.8.0, no bucket", 404, begin + "<Code>NoSuchBucket</Code><Message>The specified bucket does not exist.</Message><BucketName>b</BucketName></Error>",
			AccessError, "NoSuchBucket: The specified bucket does not exist."},
		{"Versity S3 Gateway, wrong secret", 403, begin + "<Code>SignatureDoesNotMatch</Code><Message>" + mismatch + "</Message><AWSAccessKeyId>k</AWSAccessKeyId>" +
			"<StringToSign>AWS4-HMAC-SHA256&#xA;20261124T092404Z</StringToSign><StringToSignBytes>41 57 53</StringToSignBytes></Error>",
			AccessError, "SignatureDoesNotMatch: " + mismatch},
		// Neither the status nor the code is one of S3, so it is of no known kind.
		{"Versity S3 Gateway, unknown key", 404, begin + "<Code>XAdminUserNotFound</Code><Message>No user exists with the provided access key ID.</Message></Error>",
			AccessError, "XAdminUserNotFound: No user exists with the provided access key ID."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := scripted(t, S3Config{}, s3Answer{status: tt.status, body: tt.body})
			err := s.Put(t.Context(), "b", "folder/x.log.gz", []byte("x"), "")
			f := (*Failure)(nil)
			if !errors.As(err, &f) || f.Kind != tt.kind || f.Code+": "+f.Message != tt.want || !f.Permanent {
				t.Errorf("Put = %v (%+v), want %s: %s", err, f, tt.kind, tt.want)
			}
		})
	}
}
