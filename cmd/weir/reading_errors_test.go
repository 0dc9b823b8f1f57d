package main

import (
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// TestReadingErrors has what every command that reads says about places and flags: each
// begins with the command, names what it is about, and comes with what to do next.
func TestReadingErrors(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	server := httptest.NewServer(dirS3(dir + "/s3"))
	defer server.Close()
	closed := httptest.NewServer(nil)
	closed.Close()
	for k, v := range map[string]string{"AWS_ENDPOINT_URL": server.URL, "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "",
		"AWS_DEFAULT_REGION": "", "AWS_PROFILE": "", "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull} {
		t.Setenv(k, v)
	}
	for _, err := range []error{
		os.MkdirAll("s3/logs/web", 0o755), os.Mkdir("empty", 0o755), os.Symlink("nowhere", "dangling.log"),
		os.WriteFile("a.log", []byte("version srcaddr bytes start end action\n2 10.0.0.1 5 60 61 ACCEPT\n"), 0o644),
		os.WriteFile("a.zip", []byte("PK\x03\x04 and so on"), 0o644),
		os.WriteFile("bad.csv", []byte("10.0.0.1\n"), 0o644),
		os.WriteFile("s3/logs/web/denied.log", []byte("denied"), 0o644),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	const place = "a file, a directory, -, s3://BUCKET/PREFIX or logs://GROUP"
	for _, tt := range []struct {
		args      string // "" stands for an empty argument
		status    int
		err, hint string // regular expressions; CMD is the command, and comes first
	}{
		{``, exitUsage, `no place to read from`, `a file, a directory, s3://BUCKET/PREFIX, or "-" for standard input`},
		{`""`, exitUsage, `a place without a name`, place + `; is a variable of the shell empty\?`},
		{`gs://logs`, exitUsage, `gs://logs: no place that records can be read from`, place},
		{`s3://`, exitUsage, `s3://: no bucket`, `s3://BUCKET/PREFIX`},
		{`s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/x`, exitUsage, `s3://arn:\S+: not the name of a bucket`, `an access point has an alias, .*`},
		{`logs://`, exitUsage, `logs://: no log group`, `logs://GROUP, or logs://GROUP:STREAM`},
		{`- -`, exitUsage, `standard input \(-\) can be read once`, `name - once`},
		{`a.log --where bytes>`, exitUsage, `--where: column 7: at the end: .*\nbytes>\n      \^`, `see docs/formats/filter.md`},
		{`a.log --format srcadr`, exitUsage, `--format: format column 1: unknown field "srcadr", .*`, `see docs/formats/flow-record.md for the fields`},
		{`a.log --since x`, exitUsage, `--since: "x" is no time`, `1h, 2d, .*`},
		{`a.log --until x`, exitUsage, `--until: "x" is no time`, `1h, 2d, .*`},
		{`a.log --since 1h --until 2h`, exitUsage, `--since 1h is not before --until 2h`, `no record is in between`},
		{`a.log --tz Mars`, exitUsage, `--tz: unknown time zone Mars`, `a name such as Europe/Berlin, local or UTC`},
		{`a.log --account 1`, exitUsage, `--account: "1" is no account`, `12 digits`},
		{`a.log --flow-log-id x`, exitUsage, `--flow-log-id: "x" is not the id of a flow log`, `fl-.*`},
		{`a.log --names none`, exitFailed, `--names: .*none: no such file or directory`, `a file or directory of what .*`},
		{`a.log --names api --region eu-west-1 --endpoint-url x`, exitFailed, `--names api: endpoint "x" is not a URL`, `such as http://127.0.0.1:7979`},
		{`a.log --names api --region eu-west-1 --endpoint-url ` + closed.URL, exitFailed, `--names api: DescribeInstances: .*connection refused`, `nothing listens at http://127\..*`},
		{`a.log --names bad.csv`, exitFailed, `--names: read bad.csv: .*`, `a file or directory of what .*`},
		{`none.log`, exitFailed, `none.log: no such file or directory`, place},
		{`dangling.log`, exitFailed, `dangling.log: no such file or directory`, `it is a symbolic link to something that is not there`},
		{`a.log/b`, exitFailed, `a.log/b: not a directory`, place},
		{`empty`, exitDiffer, `no record; that is not to say that there was no traffic`, ``},
		{`a.zip`, exitFailed, `1 of 1 objects could not be read to their end`, ``},
		{`s3://none`, exitFailed, `s3://none/: list: NoSuchBucket: .*`, `aws s3 ls shows the buckets that there are at http://127\..*; see --endpoint-url`},
		{`s3://logs/none`, exitFailed, `s3://logs/none: nothing is there`, `in s3://logs/ there is web/`},
		{`s3://logs`, exitFailed, `1 of 1 objects could not be read to their end`, `the policy must allow .*`},
		{`s3://logs --endpoint-url ` + closed.URL, exitFailed, `s3://logs/: list: .*connection refused`, `nothing listens at http://127\..*; is weir serve running there\? .*`},
		{`s3://logs --profile none`, exitFailed, `configuration: .*`, `aws configure list-profiles shows which there are`},
		{`logs://group --endpoint-url ` + closed.URL, exitFailed, `logs://group: .*`, `say --region, or set AWS_REGION or the profile's region`},
		{`logs://group --region eu-west-1 --endpoint-url ` + closed.URL, exitFailed, `logs://group: DescribeLogStreams: .*connection refused`, `nothing listens at http://127\..*`},
		{`a.log --bogus`, exitUsage, `unknown flag: --bogus`, `see weir CMD -h`},
	} {
		for _, command := range []string{"read", "top", "summary", "timeline"} {
			if command == "timeline" && strings.Contains(tt.args, "--names") {
				continue // nothing that it shows has a name
			}
			args := []string{command}
			for _, a := range strings.Fields(tt.args) {
				args = append(args, strings.ReplaceAll(a, `""`, ""))
			}
			want := command + ": " + tt.err
			if strings.HasPrefix(tt.err, "unknown flag") { // the same for all commands
				want = tt.err
			}
			fails(t, io.Discard, args, tt.status, want, strings.ReplaceAll(tt.hint, "CMD", command))
		}
	}
}

// fails runs a command and compares its error, its hint, both regular expressions, and
// its exit status.
func fails(t *testing.T, stdout io.Writer, args []string, status int, want, hint string) {
	t.Helper()
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	err := root.ExecuteContext(t.Context())
	if err == nil {
		t.Errorf("weir %q: no error", args)
		return
	}
	if got := err.Error(); !regexp.MustCompile(`^` + want + `$`).MatchString(got) {
		t.Errorf("weir %q: got %q, want %q", args, got, want)
	}
	if got := hintOf(err); !regexp.MustCompile(`^` + hint + `$`).MatchString(got) {
		t.Errorf("weir %q: %v: got hint %q, want %q", args, err, got, hint)
	}
	if got := statusOf(err); got != status {
		t.Errorf("weir %q: %v: got status %d, want %d", args, err, got, status)
	}
}

// full is an output that takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// TestErrorsOfOneCommand has what only some of the commands that read say.
func TestErrorsOfOneCommand(t *testing.T) {
	t.Chdir(t.TempDir())
	atEndpoint(t, "http://127.0.0.1:1")
	t.Setenv("AWS_REGION", "")
	const head = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n"
	line := func(n int, start int64) string {
		return fmt.Sprintf("2 123456789012 eni-1 10.0.0.%d 10.0.1.1 40000 22 6 1 40 %d %d ACCEPT OK\n", n, start, start+9)
	}
	const day = 24 * 3600
	server := httptest.NewServer(dirS3("s3"))
	defer server.Close()
	for _, err := range []error{
		os.Mkdir("dir", 0o755), os.MkdirAll("s3/logs", 0o755), os.WriteFile("s3/logs/a.log", nil, 0o644),
		os.WriteFile("a.log", []byte(head+line(1, 60)+line(2, 60)), 0o644), os.WriteFile("b.log", []byte(head+line(3, 60)+line(4, 60)), 0o644),
		os.WriteFile("year.log", []byte(head+line(1, day)+line(1, 367*day-60)), 0o644),
		os.WriteFile("long.log", []byte(head+line(1, day)+line(1, 367*day)), 0o644),
		os.WriteFile("own.log", []byte("a b\n"), 0o644),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		args      string
		status    int
		err, hint string
	}{
		{`read a.log --limit -1`, exitUsage, `read: --limit -1: less than nothing`, `a number of records`},
		{`read a.log --fields srcaddr,x`, exitUsage, "read: --fields: column 9: \"x\": unknown field; one that is not Amazon's is written `x` in backticks", `names such as srcaddr,dstaddr,dstport`},
		{`read a.log --conversations --fields srcaddr`, exitUsage, `if any flags in the group .* \[conversations fields\] were all set`, `see weir read -h`},
		{`read a.log --parquet dir`, exitFailed, `read: write dir: file exists`, `the name of a file`},
		{`read a.log --parquet none/x`, exitFailed, `read: write none/x: no such file or directory`, `a file in a directory that is there and may be written`},
		{`read own.log --parquet x --format x-a,x-b`, exitFailed, `read: no field of "x-a x-b" is one of Amazon's: a file has to have one`, ``},
		{`read logs://group --follow`, exitFailed, `read: logs://group: no region`, `say --region, or set AWS_REGION or the profile's region`},
		{`top a.log --by x`, exitUsage, "top: --by: column 1: \"x\": unknown field; one that is not Amazon's is written `x` in backticks", `names such as srcaddr,dstport`},
		{`top a.log --sum hits`, exitUsage, `top: --sum: .*"hits".*`, `bytes, packets or records`},
		{`top a.log --number -1`, exitUsage, `top: --number and --max-groups must not be negative`, `see weir top -h`},
		{`top a.log --by srcaddr --max-groups 1`, exitFailed, `top: too many groups: more than 1`, `group --by fewer fields, .* allow more with --max-groups`},
		// No file has more than three, but both together do.
		{`top a.log b.log --by srcaddr --max-groups 3`, exitFailed, `top: too many groups: more than 3`, `group --by fewer fields, .* allow more with --max-groups`},
		{`summary a.log --number 0`, exitUsage, `summary: --number 0: less than one`, `see weir summary -h`},
		{`timeline a.log --sum hits`, exitUsage, `timeline: --sum: .*"hits".*`, `bytes, packets or records`},
		{`timeline a.log --every 90s`, exitUsage, `timeline: --every 1m30s: not whole minutes`, `such as 5m or 1h`},
		{`timeline long.log --every 1m`, exitUsage, `timeline: --every 1m0s: 527041 stretches of time are too many`, `a longer stretch of time`},
		{`timeline a.log --svg dir`, exitFailed, `timeline: write dir: file exists`, `the name of a file`},
		{`explain a.log --rules api --rules weir.yaml`, exitUsage, `explain: --rules: "api" goes with no other`, `files, or api alone`},
		{`explain a.log --rules api --region eu-west-1 --endpoint-url x`, exitFailed, `explain: --rules: endpoint "x" is not a URL`, `such as http://127.0.0.1:7979`},
		{`explain own.log --format x-a,x-b`, exitFailed, `explain: none of the fields x-a x-b is one of Amazon's: there is nothing to explain`, ``},
		{`interfaces --region eu-west-1 --endpoint-url x`, exitFailed, `interfaces: endpoint "x" is not a URL`, `such as http://127.0.0.1:7979`},
	} {
		fails(t, io.Discard, strings.Fields(tt.args), tt.status, tt.err, tt.hint)
	}
	for _, args := range []string{`read a.log`, `read a.log --csv`, `read a.log --conversations`, `read a.log --conversations --csv`,
		`top a.log`, `top a.log --json`, `top a.log --csv`, `summary a.log`, `summary a.log --json`, `summary a.log --csv`,
		`timeline a.log`, `timeline a.log --json`, `timeline a.log --csv`, `explain a.log`, `explain a.log -n 0 --json`,
		`fetch s3://logs --dry-run --endpoint-url ` + server.URL, `fetch s3://logs --dry-run --json --endpoint-url ` + server.URL,
		`ddl duckdb s3://logs --assume`} {
		command, _, _ := strings.Cut(args, " ")
		fails(t, full{}, strings.Fields(args), exitFailed, command+": no space left on device", ``)
	}
	if r := weir(t.Context(), strings.Fields("timeline year.log --every 1m --csv")...); r.err != nil || strings.Count(r.stdout, "\n") != 1+366*24*60 {
		t.Errorf("a year of minutes: %v, %d lines", r.err, strings.Count(r.stdout, "\n"))
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if r := weir(ended, "explain", strings.TrimSpace(line(1, 60))); r.status() != exitFailed || r.err.Error() != "explain: context canceled" {
		t.Errorf("an interrupted command: %v", r.err)
	}
}

// TestTooManyConversations reads two files, each of as many conversations as there may
// be: one worker reads too many, or, if each reads a file, both together have too many.
func TestTooManyConversations(t *testing.T) {
	t.Chdir(t.TempDir())
	const head = "version srcaddr dstaddr srcport dstport protocol packets bytes start end action\n"
	for i, name := range []string{"a.log", "b.log"} {
		text := head
		for n := range 2 {
			text += fmt.Sprintf("2 10.0.0.%d 10.0.1.1 40000 22 6 1 40 60 69 ACCEPT\n", 2*i+n)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run := func(most int, places ...string) error {
		o := readOptions{conversations: true, maxConversations: most}
		return runRead(t.Context(), &o, places, io.Discard, io.Discard)
	}
	if err := run(4, "a.log", "b.log"); err != nil {
		t.Fatal(err)
	}
	for _, places := range [][]string{{"a.log"}, {"a.log", "b.log"}} {
		most := 2*len(places) - 1
		err := run(most, places...)
		want := fmt.Sprintf("read: too many conversations: more than %d", most)
		if err == nil || err.Error() != want || hintOf(err) != "choose records --where, or a shorter time with --since and --until" {
			t.Errorf("%d in %v: %v, hint %q, want %s", most, places, err, hintOf(err), want)
		}
	}
}
