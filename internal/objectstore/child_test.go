package objectstore

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// childEnv makes the test binary a server over the directory it names.
const childEnv = "WEIR_TEST_OBJECTSTORE"

// child puts one object, syncs it, says so, and goes on serving until killed.
func child(dir string) {
	s, err := Open(config(dir))
	if err == nil {
		go s.Run(context.Background())
		err = s.CreateBucket(context.Background(), "flow-logs")
	}
	if err == nil {
		_, err = client(s.Endpoint(), secretKey).PutObject(context.Background(), &s3.PutObjectInput{
			Bucket: aws.String("flow-logs"), Key: aws.String(hiveKey), Body: strings.NewReader("kept")})
	}
	if err == nil {
		err = s.Sync("flow-logs", hiveKey)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("synced", s.Endpoint())
	select {}
}

// start runs child until it has synced, and returns its endpoint.
func start(t *testing.T, dir string, stderr io.Writer) (cmd *exec.Cmd, endpoint string, out *bufio.Reader) {
	t.Helper()
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	cmd.Stderr = stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	out = bufio.NewReader(pipe)
	line, _ := out.ReadString('\n')
	endpoint, ok := strings.CutPrefix(strings.TrimSpace(line), "synced ")
	if !ok {
		t.Fatalf("child says %q", line)
	}
	return cmd, endpoint, out
}

func TestKillKeepsWhatWasSynced(t *testing.T) {
	dir := t.TempDir()
	cmd, _, _ := start(t, dir, os.Stderr)
	if _, err := Open(config(dir)); err == nil || !strings.Contains(err.Error(), ErrLocked.Error()) {
		t.Errorf("Open of a directory in use: %v, want ErrLocked", err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	s, _ := serve(t, config(dir))
	c := client(s.Endpoint(), secretKey)
	if got, want := get(t, c, "flow-logs", hiveKey, ""), "kept"; got != want {
		t.Errorf("after kill -9 %q, want %q", got, want)
	}
}

// TestQuiet checks that nothing reaches standard output or error, whatever is
// sent: all of that belongs to the program.
func TestQuiet(t *testing.T) {
	var stderr bytes.Buffer
	cmd, endpoint, out := start(t, t.TempDir(), &stderr)
	c := client(endpoint, secretKey)
	put(t, c, "flow-logs", "a", "1")
	for _, key := range []string{"a/b", "a/b/c", strings.Repeat("x", 300), strings.Repeat("y/", 400), "../../etc/passwd"} {
		c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("flow-logs"), Key: &key, Body: strings.NewReader("x")})
	}
	for _, raw := range []string{
		"GARBAGE\r\n\r\n",
		"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 20<<10) + "\r\n\r\n",
		"PUT /flow-logs/k HTTP/1.1\r\nHost: x\r\nContent-Length: nine\r\n\r\n",
		"BREW /flow-logs/k HTTP/1.1\r\nHost: x\r\n\r\n",
		"PUT /flow-logs/k HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf",
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(endpoint, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(conn, raw)
		conn.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, conn)
		conn.Close()
	}
	// A signed upload that breaks off.
	pr, pw := io.Pipe()
	req, _ := http.NewRequest("PUT", presign(t, c, "flow-logs", "broken"), pr)
	req.ContentLength = 1 << 20
	go func() {
		pw.Write(make([]byte, 100<<10))
		pw.CloseWithError(io.ErrUnexpectedEOF)
	}()
	if resp, err := http.DefaultClient.Do(req); err == nil {
		resp.Body.Close()
	}
	if got, want := get(t, c, "flow-logs", "a", ""), "1"; got != want {
		t.Errorf("afterwards %q, want %q", got, want)
	}
	if _, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("flow-logs"), Key: aws.String("broken")}); err == nil {
		t.Error("an upload that broke off is an object")
	}
	cmd.Process.Kill()
	rest, _ := io.ReadAll(out)
	cmd.Wait()
	if len(rest) > 0 || stderr.Len() > 0 {
		t.Errorf("printed %q and %q, want nothing", rest, &stderr)
	}
}

func presign(t *testing.T, c *s3.Client, bucket, key string) string {
	t.Helper()
	out, err := s3.NewPresignClient(c).PresignPutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	return out.URL
}
