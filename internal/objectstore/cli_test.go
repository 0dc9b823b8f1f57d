package objectstore

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// clis finds the versions of aws-cli on this machine: that of the system and
// that of the path.
func clis(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, name := range []string{"/usr/bin/aws", "aws"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		out, err := exec.Command(path, "--version").CombinedOutput()
		if err != nil {
			t.Fatalf("%s --version: %v: %s", path, err, out)
		}
		version, _, _ := strings.Cut(string(out), " ")
		found[strings.ReplaceAll(version, "/", "-")] = path
	}
	return found
}

func TestAWSCLI(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds for each command")
	}
	paths := clis(t)
	if len(paths) == 0 {
		t.Skip("SKIPPED: no aws-cli on this machine; install awscli to test what its users see")
	}
	for version, path := range paths {
		t.Run(version, func(t *testing.T) {
			s, _ := serve(t, config(t.TempDir()))
			if err := s.CreateBucket(t.Context(), "flow-logs"); err != nil {
				t.Fatal(err)
			}
			testCLI(t, path, s.Endpoint())
		})
	}
}

func testCLI(t *testing.T, path, endpoint string) {
	dir := t.TempDir()
	small, big := filepath.Join(dir, "small.log.gz"), filepath.Join(dir, "big.log.gz")
	content := bytes.Repeat([]byte("0123456789abcdef"), 20<<16) // 20 MiB: sent in parts
	for name, body := range map[string][]byte{small: []byte("small"), big: content} {
		if err := os.WriteFile(name, body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(secret, region string, args ...string) (string, error) {
		cmd := exec.Command(path, append([]string{"--endpoint-url", endpoint}, args...)...)
		cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+accessKey, "AWS_SECRET_ACCESS_KEY="+secret,
			"AWS_DEFAULT_REGION="+region, "AWS_PAGER=", "AWS_MAX_ATTEMPTS=1")
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	key := "s3://flow-logs/" + hiveKey
	for _, tt := range []struct {
		args []string
		want string // in the output
	}{
		{[]string{"s3", "cp", small, key}, "upload:"},
		{[]string{"s3", "cp", big, "s3://flow-logs/AWSLogs/big.log.gz"}, "upload:"},
		{[]string{"s3", "ls", "--recursive", "s3://flow-logs"}, hiveKey},
		{[]string{"s3", "sync", "s3://flow-logs/AWSLogs", "copy"}, "download:"},
		{[]string{"s3api", "get-object", "--bucket", "flow-logs", "--key", hiveKey, "--range", "bytes=1-2", "part"}, `bytes 1-2/5`},
	} {
		out, err := run(secretKey, region, tt.args...)
		if err != nil || !strings.Contains(out, tt.want) {
			t.Fatalf("aws %v: %v\n%s\nwant %q in it", tt.args, err, out, tt.want)
		}
	}
	for name, want := range map[string][]byte{"copy/big.log.gz": content, "part": []byte("ma")} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, %v, or others than the %d that were sent", name, len(got), err, len(want))
		}
	}
	for _, tt := range []struct {
		name, secret, region, want string
		args                       []string
	}{
		{"wrong secret", "wrong", region, "SignatureDoesNotMatch", []string{"s3", "ls"}},
		{"missing bucket", secretKey, region, "NoSuchBucket", []string{"s3", "cp", small, "s3://no-such-bucket/k"}},
	} {
		if out, err := run(tt.secret, tt.region, tt.args...); err == nil || !strings.Contains(out, tt.want) {
			t.Errorf("%s: %v, want %s in\n%s", tt.name, err, tt.want, out)
		}
	}
	// Who has another region configured is sent to this one.
	if out, err := run(secretKey, "us-east-1", "s3", "cp", key, "again"); err != nil {
		t.Errorf("signed for another region: %v\n%s", err, out)
	}
}

// boto is what a program in Python does with logs: it lists, pages, and reads a
// part, and sends a body in aws-chunked form.
const boto = `
import boto3, sys
from botocore.config import Config
endpoint, region, access, secret, key = sys.argv[1:]
s3 = boto3.client("s3", endpoint_url=endpoint, region_name=region, aws_access_key_id=access,
                  aws_secret_access_key=secret, config=Config(retries={"total_max_attempts": 1}))
for n in range(3):
    s3.put_object(Bucket="flow-logs", Key=f"{key}{n}", Body=b"from python")
pages = s3.get_paginator("list_objects_v2").paginate(Bucket="flow-logs", PaginationConfig={"PageSize": 2})
print([o["Key"] for p in pages for o in p["Contents"]] == [f"{key}{n}" for n in range(3)])
print(s3.get_object(Bucket="flow-logs", Key=key + "0", Range="bytes=5-")["Body"].read() == b"python")
try:
    s3.head_bucket(Bucket="no-such-bucket")
except s3.exceptions.ClientError as e:
    print(e.response["Error"]["Code"] == "404")
`

func TestBoto3(t *testing.T) {
	if err := exec.Command("python3", "-c", "import boto3").Run(); err != nil {
		t.Skip("SKIPPED: no boto3 for python3 on this machine; install it to test what its users see")
	}
	s, _ := serve(t, config(t.TempDir()))
	if err := s.CreateBucket(t.Context(), "flow-logs"); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("python3", "-c", boto, s.Endpoint(), region, accessKey, secretKey, hiveKey).CombinedOutput()
	if got, want := string(out), "True\nTrue\nTrue\n"; err != nil || got != want {
		t.Errorf("boto3 says %q, %v, want %q", got, err, want)
	}
}
