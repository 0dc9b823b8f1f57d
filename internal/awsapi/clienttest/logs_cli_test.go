package clienttest

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A cli is one AWS CLI, which is told of a service.
type cli struct {
	t              *testing.T
	path, endpoint string
}

func (c *cli) try(args ...string) (string, error) {
	cmd := exec.CommandContext(c.t.Context(), c.path, append([]string{"logs", "--endpoint-url", c.endpoint, "--output", "json"}, args...)...)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+key.ID, "AWS_SECRET_ACCESS_KEY="+key.Secret, "AWS_REGION=eu-west-1",
		"AWS_DEFAULT_REGION=eu-west-1", "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
		"AWS_PAGER=", "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1", "TZ=UTC")
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// run runs a command that must succeed.
func (c *cli) run(args ...string) string {
	c.t.Helper()
	out, err := c.try(args...)
	if err != nil {
		c.t.Fatalf("aws logs %q: %v\n%s", args, err, out)
	}
	return out
}

// wants runs a command and compares what it prints.
func (c *cli) wants(want string, args ...string) {
	c.t.Helper()
	if got := c.run(args...); got != want {
		c.t.Errorf("aws logs %q:\n got %s\nwant %s", args, got, want)
	}
}

// TestLogsCLI uses log groups with each AWS CLI there is, as its users do.
func TestLogsCLI(t *testing.T) {
	if os.Getenv("WEIR_CLIENTS") == "" {
		t.Skip("set WEIR_CLIENTS=1 to run the AWS CLI")
	}
	var paths []string
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		path, err := filepath.EvalSymlinks(filepath.Join(dir, "aws"))
		if err == nil && !slices.Contains(paths, path) && exec.Command(path, "--version").Run() == nil {
			paths = append(paths, path)
		}
	}
	if len(paths) == 0 {
		skip(t, "the AWS CLI", "there is none")
	}
	for _, path := range paths {
		version, _ := exec.Command(path, "--version").CombinedOutput()
		name, _, _ := strings.Cut(string(version), " ")
		t.Run(strings.ReplaceAll(name, "/", "-"), func(t *testing.T) { testLogsCLI(&cli{t, path, serve(t)}) })
	}
}

func testLogsCLI(c *cli) {
	const group = "/vpc/flow"
	c.wants("", "create-log-group", "--log-group-name", group, "--tags", "Team=net")
	c.wants("", "create-log-stream", "--log-group-name", group, "--log-stream-name", "eni-1-all")
	c.wants("", "put-retention-policy", "--log-group-name", group, "--retention-in-days", "7")
	if out, err := c.try("put-retention-policy", "--log-group-name", group, "--retention-in-days", "8"); err == nil || !strings.Contains(out, "(InvalidParameterException)") {
		c.t.Errorf("a retention that is none: %s", out)
	}
	c.wants("7", "describe-log-groups", "--log-group-name-prefix", "/vpc", "--query", "logGroups[0].retentionInDays")
	now := time.Now().UnixMilli()
	type event struct {
		Timestamp int64  `json:"timestamp"`
		Message   string `json:"message"`
	}
	var events []event
	for i := range 25 {
		events = append(events, event{now + int64(i), fmt.Sprintf("2 123456789012 eni-1 10.0.0.1 10.0.0.%d 1 443 6 1 40 1 2 %s OK", i, []string{"ACCEPT", "REJECT"}[i%2])})
	}
	body, _ := json.Marshal(events)
	c.run("put-log-events", "--log-group-name", group, "--log-stream-name", "eni-1-all", "--log-events", string(body))
	c.wants(fmt.Sprint(now+24), "describe-log-streams", "--log-group-name", group, "--order-by", "LastEventTime", "--descending", "--query", "logStreams[0].lastEventTimestamp")
	c.wants("3", "get-log-events", "--log-group-name", group, "--log-stream-name", "eni-1-all", "--start-from-head", "--limit", "3", "--query", "length(events)")
	c.wants("25", "filter-log-events", "--log-group-name", group, "--page-size", "4", "--query", "length(events)")
	c.wants("12", "filter-log-events", "--log-group-name", group, "--filter-pattern", "REJECT", "--query", "length(events)")
	c.wants("1", "filter-log-events", "--log-group-name", group, "--filter-pattern", "[v, account, eni, src, dst=10.0.0.7, ...]", "--query", "length(events)")

	c.wants("", "put-metric-filter", "--log-group-name", group, "--filter-name", "refused", "--filter-pattern", "REJECT",
		"--metric-transformations", "metricName=Refused,metricNamespace=Net,metricValue=1")
	c.wants(`"Refused"`, "describe-metric-filters", "--log-group-name", group, "--query", "metricFilters[0].metricTransformations[0].metricName")

	var query string
	if err := json.Unmarshal([]byte(c.run("start-query", "--log-group-name", group, "--start-time", fmt.Sprint(now/1000), "--end-time", fmt.Sprint(now/1000+1),
		"--query-string", "stats count(*) as n by action | sort action", "--query", "queryId")), &query); err != nil {
		c.t.Fatal(err)
	}
	for strings.Contains(c.run("get-query-results", "--query-id", query, "--query", "status"), "Running") {
		time.Sleep(10 * time.Millisecond)
	}
	c.wants("ACCEPT\t13\nREJECT\t12", "get-query-results", "--query-id", query, "--query", "results[*].[[0].value,[1].value]", "--output", "text")
	if out, err := c.try("tail", group, "--since", "1h", "--format", "short"); err == nil { // only the second version has it
		if n := len(strings.Split(out, "\n")); n != 25 {
			c.t.Errorf("tail shows %d lines: %s", n, out)
		}
	} else if !strings.Contains(out, "argument operation: Invalid choice") && !strings.Contains(out, "Found invalid choice") {
		c.t.Errorf("tail: %s", out)
	}
	c.wants("", "delete-log-group", "--log-group-name", group)
	if out, err := c.try("describe-log-streams", "--log-group-name", group); err == nil || !strings.Contains(out, "(ResourceNotFoundException)") {
		c.t.Errorf("a group that is gone: %s", out)
	}
}
