package sigv4

import (
	"bufio"
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// wireDir has requests as Amazon's clients have sent them, which are not ours to copy.
const wireDir = "../../../shared/data/clients/wire"

// secretOf returns the secret a client was given when its requests were recorded.
func secretOf(file string) string {
	switch client, _, _ := strings.Cut(filepath.Base(file), "-"); client {
	case "awscli", "boto3":
		return "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"
	}
	return "x"
}

// A recording is a request in parts, so that a test can change one.
type recording struct {
	line   string   // POST / HTTP/1.1
	header []string // Name: value
	body   string
}

func readRecording(t *testing.T, file string) recording {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, body, ok := strings.Cut(string(raw), "\n\n")
	lines := strings.Split(head, "\n")
	if !ok || len(lines) < 2 {
		t.Fatalf("%s is no request", file)
	}
	if !strings.Contains(lines[0], "HTTP/") {
		lines[0] += " HTTP/1.1"
	}
	body, _, _ = strings.Cut(body, "\n") // a form has one line; what follows explains it
	return recording{lines[0], lines[1:], body}
}

// verify sends the request through net/http's parser.
func (c recording) verify(t *testing.T, secret string) error {
	t.Helper()
	text := c.line + "\r\n" + strings.Join(c.header, "\r\n") + "\r\n\r\n" + c.body
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
	if err != nil {
		return err
	}
	var body bytes.Buffer
	if _, err := body.ReadFrom(r.Body); err != nil || body.String() != c.body {
		t.Fatalf("body is %q, %v, want %q", &body, err, c.body)
	}
	q, err := Parse(r)
	if err != nil {
		return err
	}
	return q.Verify(r, body.Bytes(), Key{ID: "AKIAIOSFODNN7EXAMPLE", Secret: secret}, q.Time)
}

func TestRecordedClients(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(wireDir, "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skipf("SKIPPED: no recorded requests in %s: NOTHING of real clients is tested", wireDir)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			c := readRecording(t, file)
			secret := secretOf(file)
			if err := c.verify(t, secret); err != nil {
				t.Fatal(err)
			}
			if err := c.verify(t, secret+"x"); err != ErrMismatch {
				t.Errorf("with a wrong secret: %v, want %v", err, ErrMismatch)
			}
			c.changed(t, secret)
		})
	}
}

// changed changes one byte at a time: each of the body, of the path, and of every
// signed header and of the signature.
func (c recording) changed(t *testing.T, secret string) {
	t.Helper()
	refused := func(what string, c recording) {
		t.Helper()
		if err := c.verify(t, secret); err == nil {
			t.Errorf("%s: verified nevertheless", what)
		}
	}
	for i := range c.body {
		d := c
		d.body = c.body[:i] + string(c.body[i]^1) + c.body[i+1:]
		refused("body: "+d.body, d)
	}
	for _, path := range []string{"/x", "/?x", "/%2F"} {
		d := c
		d.line = strings.Replace(c.line, " / ", " "+path+" ", 1)
		refused(d.line, d)
	}
	var signed string
	for _, h := range c.header {
		if _, list, ok := strings.Cut(h, "SignedHeaders="); ok {
			signed, _, _ = strings.Cut(list, ",")
		}
	}
	for n, h := range c.header {
		name, value, _ := strings.Cut(h, ": ")
		name = strings.ToLower(name)
		if name != "authorization" && !strings.Contains(";"+signed+";", ";"+name+";") || name == "content-length" {
			continue
		}
		for i := range value {
			d := c
			d.header = append([]string(nil), c.header...)
			d.header[n] = name + ": " + value[:i] + string(value[i]^1) + value[i+1:]
			refused(d.header[n], d)
		}
	}
}
