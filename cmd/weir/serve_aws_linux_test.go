package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"weir/record"
)

// seedFormat is the default format and tcp-flags, as create-flow-logs takes it.
const seedFormat = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status} ${tcp-flags}"

// awsClients returns the AWS CLIs on this machine.
func awsClients(t *testing.T) (paths []string) {
	t.Helper()
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		path, err := filepath.EvalSymlinks(filepath.Join(dir, "aws"))
		if err == nil && !slices.Contains(paths, path) && exec.Command(path, "--version").Run() == nil {
			paths = append(paths, path)
		}
	}
	if len(paths) == 0 {
		t.Skip("SKIPPED: no aws-cli on this machine; install awscli to test what its users see")
	}
	return paths
}

// An awsUser goes the way from an interface to its records with one AWS CLI.
type awsUser struct {
	t              *testing.T
	path, endpoint string
	env            []string
	bucket         string
	eni, flowLog   string
	log            io.Writer // what goes to standard error of commands that are not waited for
}

// environ is the environment of a client.
func (u *awsUser) environ() []string {
	return append(os.Environ(), append(u.env, "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_PAGER=")...)
}

// run runs one command and returns what it prints.
func (u *awsUser) run(args ...string) string {
	u.t.Helper()
	out, err := u.try(args...)
	if err != nil {
		u.t.Fatalf("%s %q: %v", u.path, args, err)
	}
	return strings.TrimSpace(out)
}

func (u *awsUser) try(args ...string) (string, error) {
	cmd := exec.Command(u.path, append(args, "--endpoint-url", u.endpoint)...)
	cmd.Env = u.environ()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, stderr.String())
	}
	return string(out), err
}

func (u *awsUser) create() {
	u.t.Helper()
	u.eni = u.run("ec2", "describe-network-interfaces", "--filters", "Name=addresses.private-ip-address,Values="+farther.String(),
		"--query", "NetworkInterfaces[0].NetworkInterfaceId", "--output", "text")
	args := []string{
		"ec2", "create-flow-logs", "--resource-type", "NetworkInterface", "--resource-ids", u.eni, "--traffic-type", "ALL",
		"--log-destination-type", "s3", "--log-destination", "arn:aws:s3:::" + u.bucket + "/logs/", "--max-aggregation-interval", "60",
		"--log-format", seedFormat, "--tag-specifications", "ResourceType=vpc-flow-log,Tags=[{Key=Name,Value=seed}]", "--output", "json",
	}
	var made struct {
		FlowLogIds   []string
		Unsuccessful []struct {
			Error struct{ Code, Message string }
		}
	}
	ask := func() {
		u.t.Helper()
		if err := json.Unmarshal([]byte(u.run(args...)), &made); err != nil {
			u.t.Fatal(err)
		}
	}
	ask()
	if len(made.FlowLogIds) > 0 || len(made.Unsuccessful) != 1 || made.Unsuccessful[0].Error.Message != "LogDestination: "+u.bucket+" does not exist" {
		u.t.Errorf("without a bucket create-flow-logs answers %+v", made)
	}
	u.run("s3", "mb", "s3://"+u.bucket)
	made.Unsuccessful = nil
	ask()
	if len(made.FlowLogIds) != 1 || len(made.Unsuccessful) > 0 {
		u.t.Fatalf("create-flow-logs answers %+v", made)
	}
	u.flowLog = made.FlowLogIds[0]
	if _, err := u.try(args...); err == nil || !strings.Contains(err.Error(), "FlowLogAlreadyExists") {
		u.t.Errorf("create-flow-logs once more: %v, want FlowLogAlreadyExists", err)
	}
}

// described checks what describe-flow-logs says of the flow log.
func (u *awsUser) described() {
	u.t.Helper()
	got := u.run("ec2", "describe-flow-logs", "--filter", "Name=tag:Name,Values=se*", "Name=resource-id,Values="+u.eni,
		"Name=deliver-log-status,Values=SUCCESS", "--query",
		"FlowLogs[?FlowLogId=='"+u.flowLog+"'].[FlowLogStatus,LogDestination,LogFormat,MaxAggregationInterval,TrafficType]", "--output", "text")
	want := strings.Join([]string{"ACTIVE", "arn:aws:s3:::" + u.bucket + "/logs/", seedFormat, "60", "ALL"}, "\t")
	if got != want {
		u.t.Errorf("describe-flow-logs answers %q, want %q", got, want)
	}
}

// weir runs a command of weir's that prints CSV, and returns its rows without the sums
// that weir top adds, each once.
func (u *awsUser) weir(args ...string) map[string]bool {
	u.t.Helper()
	self, err := os.Executable()
	if err != nil {
		u.t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	cmd := &exec.Cmd{Path: self, Args: append([]string{"weir"}, args...), Stdout: &stdout, Stderr: &stderr,
		Env: append(u.environ(), "AWS_ENDPOINT_URL="+u.endpoint)}
	if err := cmd.Run(); err != nil {
		u.t.Fatalf("weir %q: %v\n%s", args, err, stderr.String())
	}
	got := make(map[string]bool)
	header := ""
	for line := range strings.Lines(stdout.String()) {
		if header == "" {
			header, _, _ = strings.Cut(strings.TrimSpace(line), ",records,")
			continue
		}
		fields := strings.Split(strings.TrimSpace(line), ",")
		got[strings.Join(fields[:strings.Count(header, ",")+1], " ")] = true
	}
	return got
}

// records reads the records in the bucket: what action and tcp-flags they have of TCP
// port 80, by the address that is not the interface's.
func (u *awsUser) records() map[string]bool {
	u.t.Helper()
	got := make(map[string]bool)
	for line := range strings.Lines(u.run("s3", "ls", "--recursive", "s3://"+u.bucket)) {
		key := strings.Fields(line)[3]
		if !strings.HasPrefix(key, "logs/AWSLogs/123456789012/vpcflowlogs/eu-test-1/") {
			u.t.Errorf("there is an object %s", key)
		}
		body, err := u.try("s3", "cp", "s3://"+u.bucket+"/"+key, "-")
		if err != nil {
			u.t.Fatal(err)
		}
		eachRecord(u.t, key, []byte(body), func(r *record.Record) {
			text := func(f record.Field) string { return string(r.AppendField(nil, f)) }
			if text(record.InterfaceID) != u.eni {
				u.t.Errorf("a record of %s", text(record.InterfaceID))
			}
			if text(record.SrcPort) == "80" || text(record.DstPort) == "80" {
				got[strings.Join([]string{text(record.SrcAddr), text(record.DstAddr), text(record.Action), text(record.LogStatus), text(record.TCPFlags)}, " ")] = true
			}
		})
	}
	return got
}

// knock sends one SYN to a port of the far end.
func (b *serveBed) knock(from netip.Addr, port int) {
	b.tb.Helper()
	b.must(b.near.Namespace().Do(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: from.As4()}); err != nil {
			return err
		}
		if err := unix.Connect(fd, &unix.SockaddrInet4{Port: port, Addr: farther.As4()}); err != unix.EINPROGRESS {
			return fmt.Errorf("connect: %w", err)
		}
		return nil
	}))
}

// TestAWSCommandLine does with each AWS CLI what the first readers of the
// documentation do: find the interface, create, look at the records, delete.
func TestAWSCommandLine(t *testing.T) {
	t.Parallel() // it waits for minutes to end
	clients := awsClients(t)
	b := newServeBed(t, "", "")
	cmd, exports := b.serve()
	var env []string
	for _, line := range exports {
		env = append(env, strings.TrimPrefix(line, "export "))
	}
	_, endpoint, _ := strings.Cut(env[0], "=")
	var users []*awsUser
	for i, path := range clients {
		u := &awsUser{t: t, path: path, endpoint: endpoint, env: env[1:], bucket: fmt.Sprint("seed-", i)}
		u.create()
		users = append(users, u)
	}
	b.until(time.Minute, "the interface is captured", func() bool { n, _ := b.metric("weir_agent_interfaces"); return n == 1 })
	if _, err := b.far.Namespace().ServeHTTP(netip.AddrPortFrom(farther, 80), nil); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.near.Namespace().Get(t.Context(), "http://"+farther.String()); err != nil {
		t.Fatal(err)
	}
	b.knock(refused, 80)
	// As the document says that Weir began from: a refused SYN, an allowed
	// connection, and its answer.
	want := map[string]bool{
		fmt.Sprintf("%s %s REJECT OK 2", refused, farther): true,
		fmt.Sprintf("%s %s ACCEPT OK 3", near, farther):    true,
		fmt.Sprintf("%s %s ACCEPT OK 19", farther, near):   true,
	}
	for _, u := range users {
		var got map[string]bool
		deadline := time.Now().Add(100 * time.Second)
		for got = u.records(); len(got) < len(want) && time.Now().Before(deadline); got = u.records() {
			time.Sleep(time.Second)
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s finds %v, want %v\n%s", u.path, got, want, b.log.String())
		}
		if got := u.weir("read", "s3://"+u.bucket, "--where", "port 80", "--fields", "srcaddr,dstaddr,action,log-status,tcp-flags", "--csv"); !maps.Equal(got, want) {
			t.Errorf("weir read finds %v, want %v", got, want)
		}
		if got := u.weir("top", "s3://"+u.bucket, "--where", "reject and tcp-flags = syn", "--by", "srcaddr,dstaddr", "--csv"); !got[fmt.Sprintf("%s %s", refused, farther)] {
			t.Errorf("weir top finds %v", got)
		}
		u.described()
		u.run("ec2", "delete-flow-logs", "--flow-log-ids", u.flowLog)
		if left := u.run("ec2", "describe-flow-logs", "--flow-log-ids", u.flowLog, "--query", "FlowLogs", "--output", "json"); left != "[]" {
			t.Errorf("after delete-flow-logs there is still %s", left)
		}
	}
	b.until(time.Minute, "nothing is captured any more", func() bool { n, ok := b.metric("weir_agent_interfaces"); return ok && n == 0 })
	b.terminate(cmd)
}
