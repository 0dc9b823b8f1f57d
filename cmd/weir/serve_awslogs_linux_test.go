package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A tail is a command that shows records as they come, and when each line of it came.
type tail struct {
	mu    sync.Mutex
	lines map[string]time.Time
}

// tail starts a command, which ends with the test. Before each record its lines have so
// many other words.
func (u *awsUser) tail(words int, path string, args ...string) *tail {
	u.t.Helper()
	cmd := exec.CommandContext(u.t.Context(), path, args...)
	cmd.Args[0] = "weir" // which the test's own binary is called by
	cmd.Env = append(u.environ(), "AWS_ENDPOINT_URL="+u.endpoint, "PYTHONUNBUFFERED=1")
	cmd.Stderr = u.log
	out, err := cmd.StdoutPipe()
	if err != nil {
		u.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		u.t.Fatal(err)
	}
	t := &tail{lines: make(map[string]time.Time)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for s := bufio.NewScanner(out); s.Scan(); {
			if f := strings.Fields(s.Text()); len(f) == words+14 {
				t.mu.Lock()
				t.lines[strings.Join(f[words:], " ")] = time.Now()
				t.mu.Unlock()
			}
		}
	}()
	u.t.Cleanup(func() {
		<-done
		_ = cmd.Wait() // the test's context has killed it
	})
	return t
}

func (t *tail) seen() map[string]time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.lines)
}

// filtered returns the messages that filter-log-events finds.
func (u *awsUser) filtered(group, pattern string) map[string]bool {
	u.t.Helper()
	args := []string{"logs", "filter-log-events", "--log-group-name", group, "--output", "json"}
	if pattern != "" {
		args = append(args, "--filter-pattern", pattern)
	}
	var out struct {
		Events []struct{ Message string }
	}
	if err := json.Unmarshal([]byte(u.run(args...)), &out); err != nil {
		u.t.Fatal(err)
	}
	got := make(map[string]bool)
	for _, e := range out.Events {
		if got[e.Message] {
			u.t.Errorf("there are two events %q", e.Message)
		}
		got[e.Message] = true
	}
	return got
}

// asked returns the rows of a Logs Insights query, the values in their order.
func (u *awsUser) asked(group, query string) (rows []string) {
	u.t.Helper()
	now := time.Now().Unix()
	id := u.run("logs", "start-query", "--log-group-name", group, "--start-time", fmt.Sprint(now-3600), "--end-time", fmt.Sprint(now+60),
		"--query-string", query, "--query", "queryId", "--output", "text")
	var out struct {
		Status  string
		Results [][]struct{ Field, Value string }
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Second) {
		if err := json.Unmarshal([]byte(u.run("logs", "get-query-results", "--query-id", id, "--output", "json")), &out); err != nil {
			u.t.Fatal(err)
		}
		if out.Status != "Running" && out.Status != "Scheduled" {
			break
		}
		if time.Now().After(deadline) {
			u.t.Fatalf("query %q is %s", query, out.Status)
		}
	}
	if out.Status != "Complete" {
		u.t.Fatalf("query %q is %s", query, out.Status)
	}
	for _, r := range out.Results {
		var row []string
		for _, f := range r {
			if f.Field != "@ptr" {
				row = append(row, f.Value)
			}
		}
		rows = append(rows, strings.Join(row, " "))
	}
	return rows
}

// paginated returns how many events boto3's paginators find in a group: of the whole
// group, and of each stream forwards and backwards.
const paginated = `
import boto3, json, sys
logs, group = boto3.client("logs", endpoint_url=sys.argv[2]), sys.argv[1]
every = [e["message"] for p in logs.get_paginator("filter_log_events").paginate(logGroupName=group, PaginationConfig={"PageSize": 2}) for e in p["events"]]
forth, back = [], []
for p in logs.get_paginator("describe_log_streams").paginate(logGroupName=group, PaginationConfig={"PageSize": 1}):
    for s in p["logStreams"]:
        for start, to, key in ((True, forth, "nextForwardToken"), (False, back, "nextBackwardToken")):
            token = {}
            while True:
                a = logs.get_log_events(logGroupName=group, logStreamName=s["logStreamName"], startFromHead=start, limit=3, **token)
                to += [e["message"] for e in a["events"]]
                if token.get("nextToken") == a[key]:
                    break
                token = {"nextToken": a[key]}
print(json.dumps([sorted(every), sorted(forth), sorted(back)]))
`

// TestAWSLogs delivers records of real traffic to our own CloudWatch Logs, and reads them
// with the AWS CLI, with boto3 and with weir.
func TestAWSLogs(t *testing.T) {
	t.Parallel() // it waits for minutes to end
	var tails []string
	for _, path := range awsClients(t) {
		out, _ := exec.Command(path, "--version").CombinedOutput()
		if strings.HasPrefix(string(out), "aws-cli/2") {
			tails = append(tails, path)
		}
	}
	if len(tails) == 0 {
		t.Skip("SKIPPED: no aws-cli 2 on this machine; install awscli to test aws logs tail")
	}
	b := newServeBed(t, "", "")
	cmd, exports := b.serve()
	var env []string
	for _, line := range exports {
		env = append(env, strings.TrimPrefix(line, "export "))
	}
	_, endpoint, _ := strings.Cut(env[0], "=")
	u := &awsUser{t: t, path: tails[0], endpoint: endpoint, env: env[1:], log: &b.log}

	const group = "flows"
	u.eni = u.run("ec2", "describe-network-interfaces", "--filters", "Name=addresses.private-ip-address,Values="+farther.String(),
		"--query", "NetworkInterfaces[0].NetworkInterfaceId", "--output", "text")
	u.run("logs", "create-log-group", "--log-group-name", group)
	u.flowLog = u.run("ec2", "create-flow-logs", "--resource-type", "NetworkInterface", "--resource-ids", u.eni, "--traffic-type", "ALL",
		"--log-group-name", group, "--deliver-logs-permission-arn", "arn:aws:iam::123456789012:role/flow-logs", "--max-aggregation-interval", "60",
		"--query", "FlowLogIds[0]", "--output", "text")
	// Of the AWS CLI, the time and the stream come first.
	live := u.tail(2, u.path, "logs", "tail", group, "--follow", "--format", "detailed", "--since", "1m", "--endpoint-url", u.endpoint)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	followed := u.tail(0, self, "read", "logs://"+group, "--follow", "--since", "1m")
	b.until(time.Minute, "the interface is captured", func() bool { n, _ := b.metric("weir_agent_interfaces"); return n == 1 })
	if _, err := b.far.Namespace().ServeHTTP(netip.AddrPortFrom(farther, 80), nil); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.near.Namespace().Get(t.Context(), "http://"+farther.String()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		b.knock(refused, 22)
	}
	b.knock(refused, 80)
	b.knock(near, 22) // nobody answers, but no firewall refuses it

	// What is there to be found, of the default format: who, whom, which ports, verdict.
	key := func(line string) string {
		f := strings.Fields(line)
		if len(f) != 14 || f[13] != "OK" {
			return "" // NODATA
		}
		port := f[6]
		if f[4] != farther.String() {
			port = "from " + f[5]
		}
		return strings.Join([]string{f[3], f[4], port, f[12]}, " ")
	}
	want := map[string]int{
		fmt.Sprintf("%s %s 22 REJECT", refused, farther):   3,
		fmt.Sprintf("%s %s 80 REJECT", refused, farther):   1,
		fmt.Sprintf("%s %s 22 ACCEPT", near, farther):      1,
		fmt.Sprintf("%s %s from 22 ACCEPT", farther, near): 1,
		fmt.Sprintf("%s %s 80 ACCEPT", near, farther):      1,
		fmt.Sprintf("%s %s from 80 ACCEPT", farther, near): 1,
	}
	count := func(lines map[string]time.Time) map[string]int {
		got := make(map[string]int)
		for line := range lines {
			if k := key(line); want[k] > 0 {
				got[k]++
			}
		}
		return got
	}
	b.until(100*time.Second, fmt.Sprintf("aws logs tail shows all of %v", want), func() bool { return maps.Equal(count(live.seen()), want) })
	b.until(30*time.Second, "weir read --follow shows them too", func() bool { return maps.Equal(count(followed.seen()), want) })
	ssh := make(map[string]bool)
	for line, at := range live.seen() {
		k := key(line)
		if want[k] == 0 {
			continue
		}
		f := strings.Fields(line)
		end, err := strconv.ParseInt(f[11], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		// A record ends with its last packet, its window with the minute.
		window := time.Unix(end, 0).Truncate(time.Minute).Add(time.Minute)
		if late := at.Sub(window); late > 10*time.Second {
			t.Errorf("aws logs tail shows %q %v after its window, want 10s at most", line, late)
		} else {
			t.Logf("aws logs tail shows %q %.1f s after its window", line, late.Seconds())
		}
		if strings.HasSuffix(k, "22 REJECT") {
			ssh[line] = true
		}
	}
	const refusedSSH = "[v, acct, eni, src, dst, sp, dp=22, proto=6, packets, bytes, start, end, action=REJECT, status]"
	if got := u.filtered(group, refusedSSH); !maps.Equal(got, ssh) {
		t.Errorf("filter-log-events finds %v, want %v", got, ssh)
	}
	if got := u.filtered(group, "[v, acct, eni, src, dst, sp, dp=22, proto=6, ..., action=REJECT, status]"); !maps.Equal(got, ssh) {
		t.Errorf("filter-log-events finds %v with an ellipsis, want %v", got, ssh)
	}

	all := u.filtered(group, "")
	talkers := make(map[string]int)
	for line := range all {
		if f := strings.Fields(line); f[13] == "OK" {
			n, err := strconv.Atoi(f[9])
			if err != nil {
				t.Fatal(err)
			}
			talkers[f[3]+" "+f[4]] += n
		}
	}
	rows := u.asked(group, "stats sum(bytes) as total by srcAddr, dstAddr | sort total desc | limit 10")
	got := make(map[string]int)
	last := 1 << 62
	for _, row := range rows {
		f := strings.Fields(row)
		n, err := strconv.Atoi(f[len(f)-1])
		if err != nil || n > last {
			t.Errorf("top talkers are %q", rows)
		}
		if last = n; len(f) == 3 {
			got[f[0]+" "+f[1]] = n
		}
	}
	if !maps.Equal(got, talkers) {
		t.Errorf("start-query finds %v, want %v", got, talkers)
	}

	python := exec.Command("python3", "-c", paginated, group, u.endpoint)
	python.Env = u.environ()
	out, err := python.Output()
	var pages [3][]string
	if err == nil {
		err = json.Unmarshal(out, &pages)
	}
	switch sorted := slices.Sorted(maps.Keys(all)); {
	case err != nil && strings.Contains(fmt.Sprint(err), "exit status") && exec.Command("python3", "-c", "import boto3").Run() != nil:
		t.Log("SKIPPED: no boto3 on this machine")
	case err != nil:
		t.Errorf("boto3: %v", err)
	default:
		for i, way := range []string{"filter_log_events", "get_log_events", "get_log_events backwards"} {
			if !slices.Equal(pages[i], sorted) {
				t.Errorf("boto3's %s finds %q, want %q", way, pages[i], sorted)
			}
		}
	}

	seen := u.weir("read", "logs://"+group, "--where", "port 22 and reject", "--fields", "srcaddr,dstaddr,dstport,action", "--csv")
	if !maps.Equal(seen, map[string]bool{fmt.Sprintf("%s %s 22 REJECT", refused, farther): true}) {
		t.Errorf("weir read finds %v", seen)
	}
	u.run("ec2", "delete-flow-logs", "--flow-log-ids", u.flowLog)
	b.until(time.Minute, "nothing is captured any more", func() bool { n, ok := b.metric("weir_agent_interfaces"); return ok && n == 0 })
	b.terminate(cmd)
}
