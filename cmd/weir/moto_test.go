package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/internal/ec2client"
)

// startMoto starts moto's server, an emulator of AWS that knows nothing of us, and
// returns its URL. Where there is none the test is skipped.
func startMoto(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("SKIPPED: moto takes many seconds to start")
	}
	python := pythonWithMoto()
	if python == "" {
		t.Skip("SKIPPED: no python3 has moto; pip install 'moto[server]'")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().(*net.TCPAddr)
	l.Close()
	var log bytes.Buffer
	cmd := exec.Command(python, "-m", "moto.server", "-H", "127.0.0.1", "-p", fmt.Sprint(addr.Port))
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	url := "http://" + addr.String()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if res, err := http.Get(url + "/moto-api/"); err == nil {
			res.Body.Close()
			return url
		}
		if time.Now().After(deadline) {
			t.Fatalf("moto does not start:\n%s", log.String())
		}
	}
}

// pythonWithMoto returns the first python3 that has moto, "" if there is none.
func pythonWithMoto() string {
	var candidates []string
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		candidates = append(candidates, filepath.Join(dir, "python3"))
	}
	home, _ := os.UserHomeDir()
	more, _ := filepath.Glob(filepath.Join(home, ".pyenv/versions/*/bin/python3"))
	for _, python := range append(candidates, more...) {
		if exec.Command(python, "-c", "import importlib.util as u, sys; sys.exit(u.find_spec('moto.server') is None or u.find_spec('flask') is None)").Run() == nil {
			return python
		}
	}
	return ""
}

// inMoto makes a bucket, and an interface in a subnet in a VPC.
func inMoto(t *testing.T, url string) (eni, subnet, vpc string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPut, url+"/flows", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("make a bucket: %v, %v", res, err)
	}
	res.Body.Close()
	c, err := ec2client.New(t.Context(), ec2client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		ID string `xml:"vpc>vpcId"`
	}
	var s struct {
		ID string `xml:"subnet>subnetId"`
	}
	var i struct {
		ID string `xml:"networkInterface>networkInterfaceId"`
	}
	if err := c.Do(t.Context(), "CreateVpc", &struct {
		CIDR string `ec2:"CidrBlock"`
	}{"10.9.0.0/16"}, &v); err != nil {
		t.Fatal(err)
	}
	if err := c.Do(t.Context(), "CreateSubnet", &struct {
		VPC  string `ec2:"VpcId"`
		CIDR string `ec2:"CidrBlock"`
	}{v.ID, "10.9.1.0/24"}, &s); err != nil {
		t.Fatal(err)
	}
	if err := c.Do(t.Context(), "CreateNetworkInterface", &struct {
		Subnet      string `ec2:"SubnetId"`
		Address     string `ec2:"PrivateIpAddress"`
		Description string `ec2:"Description"`
	}{s.ID, "10.9.1.20", "ELB app/web/50dc6c495c0c9188"}, &i); err != nil {
		t.Fatal(err)
	}
	return i.ID, s.ID, v.ID
}

// TestMoto does with moto what a user does with Amazon.
func TestMoto(t *testing.T) {
	url := startMoto(t)
	atEndpoint(t, url)
	eni, subnet, vpc := inMoto(t, url)
	do := func(status int, args ...string) result {
		t.Helper()
		r := weir(t.Context(), args...)
		if r.status() != status {
			t.Fatalf("weir %s: status %d, want %d\nerror: %v\n%s%s", strings.Join(args, " "), r.status(), status, r.err, r.stdout, r.stderr)
		}
		return r
	}
	for _, args := range []string{"", "--service alb", "--service elb,nat", "--ip 10.9.1.20", "--vpc " + vpc, "--subnet " + subnet, eni} {
		if r := do(exitDone, append([]string{"interfaces"}, strings.Fields(args)...)...); !strings.Contains(r.stdout, eni) {
			t.Errorf("interfaces %s: %s", args, r.stdout)
		}
	}
	for _, args := range []string{"--service nat", "--ip 10.9.1.21", "--vpc vpc-12345678", "--subnet subnet-12345678", "--instance i-12345678"} {
		if r := do(exitDiffer, append([]string{"interfaces"}, strings.Fields(args)...)...); r.stdout != "" {
			t.Errorf("interfaces %s: %s", args, r.stdout)
		}
	}
	if r := do(exitFailed, "interfaces", "eni-12345678"); !strings.Contains(r.hint(), "weir interfaces") {
		t.Errorf("an unknown interface: %v, hint %q", r.err, r.hint())
	}

	do(exitDone, "create", eni, "--to", "s3://flows", "--dry-run")
	do(exitDiffer, "list")
	if r := do(exitFailed, "create", eni, "--to", "s3://flows/folder"); !strings.Contains(r.stderr, "does not exist") {
		t.Errorf("moto knows no folders: %s", r.stderr) // and so fails as a resource of several may
	}
	ids := strings.Fields(do(exitDone, "create", eni, subnet, vpc, "--to", "s3://flows", "--interval", "1m",
		"--format", "default+tcp-flags", "--tag", "Name=mine", "--for", "1s").stdout)
	if len(ids) != 3 {
		t.Fatalf("created %q", ids)
	}
	if r := do(exitFailed, "create", eni, "--to", "s3://flows"); codeOf(r.err) != "FlowLogAlreadyExists" || r.hint() == "" {
		t.Errorf("created again: %v, hint %q", r.err, r.hint())
	}
	do(exitDone, "create", vpc, "--to", "logs://group", "--role", "deliverer", "--filter", "REJECT")
	do(exitDone, "create", vpc, "--to", "firehose://stream")

	var listed flowLogsJSON
	if err := json.Unmarshal([]byte(do(exitDone, "list", "--json").stdout), &listed); err != nil || len(listed.FlowLogs) != 5 {
		t.Fatalf("listed %+v, %v", listed, err)
	}
	f := listed.FlowLogs[slices.IndexFunc(listed.FlowLogs, func(f flowLogJSON) bool { return f.FlowLogID == ids[0] })]
	if f.ResourceID != eni || f.LogDestination != "arn:aws:s3:::flows" || f.MaxAggregationInterval != 60 ||
		f.TrafficType != "ALL" || !strings.HasSuffix(f.LogFormat, "${log-status} ${tcp-flags}") || len(f.Tags) != 2 {
		t.Errorf("it is %+v", f)
	}
	if r := do(exitDone, "list", "--failed"); !strings.Contains(r.stdout, "logs://group  ACTIVE  FAILED: Access error") {
		t.Errorf("the group is not there: %s", r.stdout)
	}
	if r := do(exitDone, "list", "--destination", "firehose://stream", "--json"); !strings.Contains(r.stdout, `"arn:aws:firehose:us-east-1:123456789012:deliverystream/stream"`) {
		t.Errorf("the stream's name did not become an ARN: %s", r.stdout)
	}

	var deleted []string // what --for 1s made, when its time has come
	for deadline := time.Now().Add(30 * time.Second); len(deleted) < 3 && time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		deleted = append(deleted, strings.Fields(do(exitDone, "delete", "--expired").stdout)...)
	}
	if len(deleted) != 3 {
		t.Errorf("deleted %q", deleted)
	}
	if r := do(exitFailed, "delete", ids[0]); !strings.Contains(r.stderr, ids[0]+": InvalidFlowLogId.NotFound") {
		t.Errorf("deleted again: %s", r.stderr)
	}
	do(exitDone, "delete", "--resource", vpc)
	do(exitDiffer, "list")
	if r := do(exitDone, "create", vpc, "--to", "s3://flows", "--for", "1s", "--wait"); strings.TrimSpace(r.stdout) == "" {
		t.Errorf("created %q", r.stdout)
	}
	do(exitDiffer, "list")
}
