package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/internal/ec2client"
)

// A motoLogs fills the log groups of moto.
type motoLogs struct {
	t   *testing.T
	url string
}

// call calls an action. Moto looks at the signature only for the service's name.
func (m motoLogs) call(action string, in map[string]any) {
	m.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		m.t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, m.url, bytes.NewReader(body))
	if err != nil {
		m.t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", "Logs_20140328."+action)
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261124/us-east-1/logs/aws4_request, SignedHeaders=host, Signature=0")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		m.t.Fatal(err)
	}
	defer res.Body.Close()
	if answer, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK {
		m.t.Fatalf("%s: %s: %s", action, res.Status, answer)
	}
}

// put puts n records into a stream, one each second from begin on, and returns them.
func (m motoLogs) put(group, stream string, begin time.Time, n int) (lines []string) {
	m.t.Helper()
	var events []any
	for i := range n {
		at := begin.Unix() + int64(i)
		line := fmt.Sprintf("2 123456789012 eni-0a1b2c3d4e5f67890 10.%d.%d.%d 10.0.2.9 49152 443 6 10 8400 %d %d ACCEPT OK", len(stream), i/250, i%250, at, at+59)
		lines = append(lines, line)
		events = append(events, map[string]any{"timestamp": at * 1000, "message": line})
	}
	for chunk := range slices.Chunk(events, 1000) {
		m.call("PutLogEvents", map[string]any{"logGroupName": group, "logStreamName": stream, "logEvents": chunk})
	}
	return lines
}

// TestMotoReads reads log groups and names from moto.
func TestMotoReads(t *testing.T) {
	url := startMoto(t)
	atEndpoint(t, url)
	t.Run("log groups", func(t *testing.T) { motoReadsLogs(t, motoLogs{t, url}) })
	t.Run("names", motoNames)
}

// linesOf are the records that were printed, in the order of text.
func linesOf(stdout string) []string {
	all := strings.Split(strings.TrimSpace(stdout), "\n")
	all = slices.DeleteFunc(all, func(s string) bool { return s == "" || strings.HasPrefix(s, "version") })
	slices.Sort(all)
	return all
}

func motoReadsLogs(t *testing.T, m motoLogs) {
	const group = "/vpc/flows"
	m.call("CreateLogGroup", map[string]any{"logGroupName": group})
	stream := func(name string) string {
		m.call("CreateLogStream", map[string]any{"logGroupName": group, "logStreamName": name})
		return name
	}
	now := time.Now().Truncate(time.Second)
	old := m.put(group, stream("eni-1"), now.Add(-8*time.Hour), 12000) // more than a page
	recent := m.put(group, stream("eni-22"), now.Add(-time.Hour), 30)
	same := func(what string, got result, want ...string) {
		t.Helper()
		want = slices.Sorted(slices.Values(want))
		if lines := linesOf(got.stdout); got.err != nil || !slices.Equal(lines, want) {
			t.Errorf("%s: %v, %d records, want %d\n%s", what, got.err, len(lines), len(want), got.stderr)
		}
	}
	same("all", weir(t.Context(), "read", "logs://"+group), slices.Concat(old, recent)...)
	same("a stream", weir(t.Context(), "read", "logs://"+group+":eni-22"), recent...)
	same("a stream after a slash", weir(t.Context(), "read", "logs://"+group+"/eni-22"), recent...)
	at := func(d time.Duration) string { return now.Add(d).UTC().Format(time.RFC3339) }
	same("since", weir(t.Context(), "read", "logs://"+group, "--since", at(-time.Hour+69*time.Second)), recent[10:]...)
	same("since and until", weir(t.Context(), "read", "logs://"+group, "--since", at(-8*time.Hour+159*time.Second), "--until", at(-8*time.Hour+200*time.Second)), old[100:200]...)
	dir := t.TempDir()
	if r := weir(t.Context(), "fetch", "logs://"+group, "--dir", dir); r.err != nil {
		t.Error(r.err)
	}
	same("fetched", weir(t.Context(), "read", dir), slices.Concat(old, recent)...)
	if r := weir(t.Context(), "read", "logs://other"); r.status() != exitFailed || !strings.Contains(r.err.Error(), "ResourceNotFoundException") || r.hint() == "" {
		t.Errorf("another group: %v, hint %q", r.err, r.hint())
	}

	// As many streams as are not read one by one.
	for i := range 200 {
		stream(fmt.Sprintf("none-%d", i))
	}
	same("a group of many streams", weir(t.Context(), "read", "logs://"+group), slices.Concat(old, recent)...)
	motoFollows(t, m, group, stream)
}

// motoFollows follows the group from five minutes ago on, while events come to a stream
// that is there and to one that is new.
func motoFollows(t *testing.T, m motoLogs, group string, stream func(string) string) {
	now := time.Now()
	want := m.put(group, "eni-22", now.Add(-100*time.Second), 5)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	root := newRoot()
	root.SetArgs([]string{"read", "logs://" + group, "--follow", "--since", "5m", "-q"})
	out, in := io.Pipe()
	root.SetOut(in)
	root.SetErr(io.Discard)
	done := make(chan error, 1)
	go func() {
		done <- root.ExecuteContext(ctx)
		in.Close()
	}()
	got := make(chan string, 10000)
	go func() {
		defer close(got)
		for in := bufio.NewScanner(out); in.Scan(); {
			got <- in.Text()
		}
	}()
	var lines []string
	wait := func(n int) {
		for len(lines) < n {
			line, ok := <-got
			if !ok {
				t.Fatalf("it has ended after %d of %d records: %v", len(lines), n, <-done)
			}
			if !strings.HasPrefix(line, "version") {
				lines = append(lines, line)
			}
		}
	}
	wait(5)
	want = append(want, m.put(group, "eni-22", time.Now(), 3)...)
	want = append(want, m.put(group, stream("eni-new"), now.Add(-3*time.Minute), 4)...) // late
	wait(12)
	cancel()
	for line := range got {
		lines = append(lines, line)
	}
	if err := <-done; err != nil {
		t.Errorf("interrupted: %v", err)
	}
	slices.Sort(lines)
	slices.Sort(want)
	if !slices.Equal(lines, want) {
		t.Errorf("followed\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}

// motoNames calls addresses and interfaces by what moto says of them.
func motoNames(t *testing.T) {
	c, err := ec2client.New(t.Context(), ec2client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var x struct {
		VPC       string `xml:"vpc>vpcId"`
		Subnet    string `xml:"subnet>subnetId"`
		Interface string `xml:"networkInterface>networkInterfaceId"`
		Instance  string `xml:"instancesSet>item>instanceId"`
		Address   string `xml:"instancesSet>item>privateIpAddress"`
	}
	do := func(action string, in any) {
		t.Helper()
		if err := c.Do(t.Context(), action, in, &x); err != nil {
			t.Fatal(err)
		}
	}
	name := func(id, name string) {
		t.Helper()
		in := struct {
			ID    string `ec2:"ResourceId.1"`
			Key   string `ec2:"Tag.1.Key"`
			Value string `ec2:"Tag.1.Value"`
		}{id, "Name", name}
		var none struct{}
		if err := c.Do(t.Context(), "CreateTags", &in, &none); err != nil {
			t.Fatal(err)
		}
	}
	do("CreateVpc", &struct {
		CIDR string `ec2:"CidrBlock"`
	}{"10.9.0.0/16"})
	name(x.VPC, "prod")
	do("CreateSubnet", &struct {
		VPC  string `ec2:"VpcId"`
		CIDR string `ec2:"CidrBlock"`
	}{x.VPC, "10.9.1.0/24"})
	name(x.Subnet, "front")
	type newInterface struct {
		Subnet      string `ec2:"SubnetId"`
		Address     string `ec2:"PrivateIpAddress"`
		Description string `ec2:"Description"`
	}
	do("CreateNetworkInterface", &newInterface{x.Subnet, "10.9.1.20", "mine"})
	web := x.Interface
	name(web, "web one")
	do("CreateNetworkInterface", &newInterface{x.Subnet, "10.9.1.21", "ELB app/shop/50dc6c495c0c9188"})
	do("RunInstances", &struct {
		Image  string `ec2:"ImageId"`
		Min    int    `ec2:"MinCount"`
		Max    int    `ec2:"MaxCount"`
		Subnet string `ec2:"SubnetId"`
	}{"ami-12345678", 1, 1, x.Subnet})
	name(x.Instance, "db")
	now := time.Now().Unix()
	text := "interface-id srcaddr dstaddr instance-id start end\n"
	for _, pair := range []string{"10.9.1.20 10.9.1.21", x.Address + " 10.9.1.99", "10.9.7.7 192.0.2.1"} {
		text += fmt.Sprintf("%s %s %s %d %d\n", web, pair, x.Instance, now, now+59)
	}
	file := filepath.Join(t.TempDir(), "x.log")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r := weir(t.Context(), "top", file, "--by", "srcaddr,dstaddr,interface-id,instance-id", "--sum", "records", "--names", "api")
	if r.err != nil {
		t.Fatal(r.err)
	}
	for _, want := range []string{"web one", "alb shop", "db", "subnet front", "vpc prod"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("%s is not in\n%s", want, r.stdout)
		}
	}
}
