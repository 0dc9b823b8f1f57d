package main

import (
	"io"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
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
		{`a.log --names bad.csv`, exitFailed, `--names: read bad.csv: .*`, `a file or directory of what .*`},
		{`none.log`, exitFailed, `none.log: no such file or directory`, place},
		{`dangling.log`, exitFailed, `dangling.log: no such file or directory`, `it is a symbolic link to something that is not there`},
		{`a.log/b`, exitFailed, `a.log/b: not a directory`, place},
		{`empty`, exitDiffer, `no record; that is not to say that there was no traffic`, ``},
		{`a.zip`, exitFailed, `1 of 1 objects could not be read to their end`, ``},
		{`s3://none`, exitFailed, `s3://none/: list: NoSuchBucket: .*`, `aws s3 ls shows the buckets that there are at http://127\..*; see --endpoint-url`},
		{`s3://logs/none`, exitFailed, `s3://logs/none: nothing is there`, `in s3://logs/ there is web/`},
		{`s3://logs`, exitFailed, `1 of 1 objects could not be read to their end`, ``},
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
			root := newRoot()
			root.SetArgs(args)
			root.SetOut(io.Discard)
			err := root.ExecuteContext(t.Context())
			if err == nil {
				t.Errorf("weir %q: no error", args)
				continue
			}
			want := command + ": " + tt.err
			if strings.HasPrefix(tt.err, "unknown flag") { // the same for all commands
				want = tt.err
			}
			hint := strings.ReplaceAll(tt.hint, "CMD", command)
			if got := err.Error(); !regexp.MustCompile(`^` + want + `$`).MatchString(got) {
				t.Errorf("weir %q: got %q, want %q", args, got, want)
			}
			if got := hintOf(err); !regexp.MustCompile(`^` + hint + `$`).MatchString(got) {
				t.Errorf("weir %q: %v: got hint %q, want %q", args, err, got, hint)
			}
			if got := statusOf(err); got != tt.status {
				t.Errorf("weir %q: %v: got status %d, want %d", args, err, got, tt.status)
			}
		}
	}
}
