package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"weir/internal/accesskey"
	"weir/internal/delivery"
	"weir/internal/lab"
)

const oneLog = `flow-logs:
  - name: text
    resource: lab
    max-aggregation-interval: 60
    destination: arn:aws:s3:::%s
    log-format: '${interface-id} ${flow-direction} ${srcaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}'
destinations:
  - buckets: [outside]
    endpoint: %s
    access-key-id-env: TEST_KEY
    secret-access-key-env: TEST_SECRET
`

// serve starts weir serve itself, with the arguments given besides, and returns
// what it prints until it serves.
func (b *serveBed) serve(args ...string) (cmd *exec.Cmd, exports []string) {
	b.tb.Helper()
	self, err := os.Executable()
	b.must(err)
	cmd = &exec.Cmd{
		Path: self, Args: append([]string{"weir", "serve", "--config", b.config, "--pin", b.pin}, args...), Stderr: &b.log,
		Env: append(os.Environ(), "AWS_EC2_METADATA_DISABLED=true", "TEST_KEY=a", "TEST_SECRET=not-a-secret"),
	}
	stdout, err := cmd.StdoutPipe()
	b.must(err)
	b.must(cmd.Start())
	b.tb.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	sc := bufio.NewScanner(stdout)
	for len(exports) < 4 && sc.Scan() {
		exports = append(exports, sc.Text())
	}
	go io.Copy(io.Discard, stdout)
	return cmd, exports
}

// fails runs weir serve, which has to end with status 1, and returns what it says.
func (b *serveBed) fails(args ...string) string {
	b.tb.Helper()
	self, err := os.Executable()
	b.must(err)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, self)
	cmd.Args = append([]string{"weir", "serve", "--config", b.config}, args...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != exitFailed {
		b.tb.Errorf("%q ends with %v, want status %d:\n%s", args, err, exitFailed, out)
	}
	return string(out)
}

func TestServe(t *testing.T) {
	b := newServeBed(t, "", fmt.Sprintf(oneLog, "inside/some/folder", "http://127.0.0.1:1"))
	cmd, exports := b.serve()
	var env []string
	for i, pattern := range []string{
		`^export (AWS_ENDPOINT_URL=http://127\.0\.0\.1:\d+)$`, `^export (AWS_ACCESS_KEY_ID=AKIA[A-Z2-7]{16})$`,
		`^export (AWS_SECRET_ACCESS_KEY=[A-Za-z0-9+/]{40})$`, `^export (AWS_DEFAULT_REGION=eu-test-1)$`,
	} {
		if i >= len(exports) || !regexp.MustCompile(pattern).MatchString(exports[i]) {
			t.Fatalf("line %d of %q does not match %s\n%s", i+1, exports, pattern, b.log.String())
		}
		env = append(env, strings.TrimPrefix(exports[i], "export "))
	}
	if st, err := os.Stat(filepath.Join(b.data, accesskey.FileName)); err != nil || st.Mode() != 0o600 {
		t.Errorf("the file of access keys has mode %v, %v, want 0600", st.Mode(), err)
	}
	b.capturing()
	if got := b.page("/healthz"); got != "ok\n" {
		t.Errorf("/healthz is %q, want ok", got)
	}
	b.checkMetrics()
	if out := b.fails("--pin", b.pin+"-2", "--listen", freeAddr(t), "--metrics-listen", freeAddr(t)); !strings.Contains(out, "in use by another process") {
		t.Errorf("a second one over the same directory says:\n%s", out)
	}
	if out := b.fails("--pin", b.pin+"-2", "--listen", freeAddr(t), "--data", t.TempDir()); !strings.Contains(out, "metrics: listen tcp") {
		t.Errorf("a second one at the same address says:\n%s", out)
	}
	if out := b.fails("--pin", b.pin, "--listen", freeAddr(t), "--metrics-listen", freeAddr(t), "--data", t.TempDir()); !strings.Contains(out, b.pin+": in use") {
		t.Errorf("a second one with the same tables says:\n%s", out)
	}

	sent, answered, err := b.near.Namespace().Ping(t.Context(), lab.PingConfig{Dst: farther, Count: 7})
	if err != nil || sent != answered {
		t.Fatalf("%d of %d pings are answered, %v", answered, sent, err)
	}
	b.terminate(cmd)

	cmd, again := b.serve() // and delivers what the first one has handed over
	if strings.Join(again, "\n") != strings.Join(exports, "\n") {
		t.Errorf("the second start prints %q, the first %q", again, exports)
	}
	b.until(time.Minute, "the pings are delivered", func() bool { return b.pings(embeddedObjects(t, b.data)) == 28 })
	b.aws(append(env, b.newKey(strings.TrimPrefix(exports[0], "export AWS_ENDPOINT_URL="))...))
	b.terminate(cmd)
	if n := b.pings(embeddedObjects(t, b.data)); n != 28 {
		t.Errorf("%d packets of 7 pings, want 28: there and back, at both ends", n)
	}
}

// pings returns the packets of ICMP in objects.
func (b *serveBed) pings(objects map[string][]byte) (n uint64) {
	r := newRecorded().read(b.tb, objects, "inside/some/folder/AWSLogs/123456789012/vpcflowlogs/eu-test-1/")
	for _, c := range r.all {
		n += c.total(func(leg) bool { return true }).Packets
	}
	return n
}

func (b *serveBed) checkMetrics() {
	b.tb.Helper()
	page := b.page("/metrics")
	lintMetrics(b.tb, []byte(page))
	help := make(map[string]bool)
	for line := range strings.Lines(page) {
		if name, text, _ := strings.Cut(strings.TrimPrefix(line, "# HELP "), " "); strings.HasPrefix(line, "# HELP ") && strings.TrimSpace(text) != "" {
			help[name] = true
			continue
		}
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		name, _, _ = strings.Cut(name, "{")
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			if base := strings.TrimSuffix(name, suffix); help[base] {
				name = base
			}
		}
		if !strings.HasPrefix(line, "#") && !help[name] {
			b.tb.Errorf("metric %s has no help", name)
		}
	}
	for _, name := range []string{
		"weir_agent_windows_total", "weir_agent_packets_total", "weir_agent_interfaces", "weir_journal_messages", "weir_journal_bytes",
		"weir_capture_skipped_packets_total", "weir_capture_windows_total", `weir_capture_unrecorded_packets_total{cause="not-ip"}`,
		"weir_delivery_put_duration_seconds_count",
	} {
		if _, ok := b.metric(name); !ok {
			b.tb.Errorf("there is no metric %s in\n%s", name, page)
		}
	}
}

// newKey makes an access key while the service runs, waits until it counts, and
// returns the environment that uses it.
func (b *serveBed) newKey(endpoint string) (env []string) {
	b.tb.Helper()
	self, err := os.Executable()
	b.must(err)
	cmd := exec.Command(self)
	cmd.Args = []string{"weir", "keys", "create", "--data", b.data, "--json"}
	out, err := cmd.Output()
	b.must(err)
	var k accesskey.Key
	b.must(json.Unmarshal(out, &k))
	store, err := delivery.NewS3(delivery.S3Config{
		Endpoint: endpoint, Region: "eu-test-1", PathStyle: true, AccessKey: k.ID, SecretKey: k.Secret,
	})
	b.must(err)
	b.until(10*time.Second, "the new key counts", func() bool { return store.Check(b.tb.Context(), "inside") == nil })
	return []string{"AWS_ACCESS_KEY_ID=" + k.ID, "AWS_SECRET_ACCESS_KEY=" + k.Secret}
}

// aws looks at the bucket with Amazon's own client, as who reads the first lines
// of the output does.
func (b *serveBed) aws(env []string) {
	b.tb.Helper()
	path, err := exec.LookPath("aws")
	if err != nil {
		b.tb.Log("SKIPPED: no aws-cli on this machine; install awscli to test what its users see")
		return
	}
	run := func(args ...string) []byte {
		cmd := exec.Command(path, args...)
		cmd.Env = append(os.Environ(), append(env, "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			b.tb.Fatalf("aws %q: %v: %s", args, err, stderr.String())
		}
		return out
	}
	objects := make(map[string][]byte)
	for line := range strings.Lines(string(run("s3", "ls", "--recursive", "s3://inside"))) {
		key := strings.Fields(line)[3]
		objects["inside/"+key] = run("s3", "cp", "s3://inside/"+key, "-")
	}
	if n := b.pings(objects); n != 28 {
		b.tb.Errorf("aws finds %d packets in %d objects, want 28", n, len(objects))
	}
}

// TestServeOverAFullJournal lets the journal and then the table in the kernel
// become full while the destination is away.
func TestServeOverAFullJournal(t *testing.T) {
	s3 := newOutside(t)
	s3.fail(refuse)
	b := newServeBed(t, "  journal-max: 64KiB\n  max-flows: 256\n", fmt.Sprintf(oneLog, "outside", s3.url()))
	cmd := b.start()
	b.capturing()
	sent := b.send()
	skipped := func() float64 { n, _ := b.metric("weir_capture_skipped_packets_total"); return n }
	b.until(2*time.Minute, "packets are skipped", func() bool { return skipped() > 100 })
	if n, _ := b.metric("weir_agent_errors_total"); n == 0 {
		t.Error("no attempt to hand windows over has failed")
	}
	b.must(cmd.Process.Kill()) // what waits in the kernel waits on
	_ = cmd.Wait()
	cmd = b.start()
	b.capturing()
	sent.stop()
	s3.fail(none)
	var r *recorded
	var total uint64
	b.until(2*time.Minute, "everything is delivered, or said to be skipped", func() bool {
		near, err := b.near.Stats()
		b.must(err)
		far, err := b.far.Stats()
		b.must(err)
		r, total = newRecorded().read(t, s3.snapshot(), "outside/"), uint64(skipped())
		for _, c := range r.all {
			total += c.total(func(leg) bool { return true }).Packets
		}
		if want := near.RxPackets + near.TxPackets + far.RxPackets + far.TxPackets; total > want {
			t.Fatalf("%d packets are recorded or skipped, only %d passed", total, want)
		} else if total < want {
			return false
		}
		return true
	})
	if r.skipData == 0 {
		t.Error("no SKIPDATA record")
	}
	t.Logf("%d packets at two interfaces, %v of them skipped and told by %d SKIPDATA records", total, skipped(), r.skipData)
	b.terminate(cmd)
}

// TestServeOverAnotherJournal has the journal in a server of its own.
func TestServeOverAnotherJournal(t *testing.T) {
	s, err := server.NewServer(&server.Options{
		ServerName: "external", Host: "127.0.0.1", Port: server.RANDOM_PORT, StoreDir: t.TempDir(),
		JetStream: true, SyncAlways: true, NoSigs: true, NoLog: true, JetStreamMaxStore: 1 << 40,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server is not ready")
	}
	b := newServeBed(t, "  journal-url: "+s.ClientURL()+"\n", fmt.Sprintf(oneLog, "inside", "http://127.0.0.1:1"))
	cmd := b.start()
	b.capturing()
	sent := b.send()
	b.until(time.Minute, "something is delivered", func() bool { return len(embeddedObjects(t, b.data)) > 0 })
	b.must(cmd.Process.Kill())
	_ = cmd.Wait()
	cmd = b.start()
	b.capturing()
	sent.stop()
	b.until(time.Minute, "everything is delivered", func() bool {
		return newRecorded().read(t, embeddedObjects(t, b.data), "inside/").differ(sent.sent) == nil
	})
	b.terminate(cmd)
	if err := newRecorded().read(t, embeddedObjects(t, b.data), "inside/").differ(sent.sent); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(b.data, "journal")); !os.IsNotExist(err) {
		t.Errorf("there is an embedded journal too: %v", err)
	}
}
