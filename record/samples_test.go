package record

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// openShared opens a file of the material that lies beside the module, outside
// the repository: it is other people's, for tests only. Without it the test is
// skipped.
func openShared(t *testing.T, name string) *os.File {
	t.Helper()
	dir, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
	}
	path := filepath.Join(dir, "..", "shared", name)
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("NOT RUN: the shared material is not beside the module: no %s", path)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// refused says, by what only they contain, which default-format lines of
// records.jsonl must be refused, and for what.
var refused = []struct {
	part  string
	field Field
	err   error
}{
	{" NaN 80 ", SrcPort, ErrNotNumber},
	{" 80 NaN ", DstPort, ErrNotNumber},
	{" 65543 ", SrcPort, ErrRange}, // their other faults come later in the line
	{" BADPORT ", SrcPort, ErrNotNumber},
	{" 6 - - - - ACCEPT ", Start, ErrAbsent},
	{" SUCCESS ", Action, ErrNotKnown},
	{"11 10.0.0.71 ", SrcAddr, ErrNotAddress}, // another format of 14 fields
}

// TestCollectedLines reads lines that some thirty other parsers are tested
// with. Lines of 14 fields get the verdict above; lines of other lengths must
// be read by one of the formats of that length.
func TestCollectedLines(t *testing.T) {
	formats := []Format{Default()}
	for _, s := range []string{
		flagsFormat, hopFormat, serviceFormat, "default+tcp-flags",
		// Formats of VRL's tests, which give them in code.
		"version srcaddr dstaddr srcport dstport protocol start end action log-status reject-reason resource-id encryption-status interface-type",
		"version srcaddr dstaddr srcport dstport protocol start end action log-status ecs-cluster-arn ecs-cluster-name ecs-container-instance-arn ecs-container-instance-id ecs-container-id ecs-second-container-id ecs-service-name ecs-task-definition-arn ecs-task-arn ecs-task-id",
		"version srcaddr dstaddr srcport dstport protocol start end action log-status reject-reason resource-id encryption-status instance-tag instance-tag-2 interface-tag interface-tag-2 asg-tag asg-tag-2 interface-type next-hop-interface-id next-hop-subnet-id next-hop-az-id next-hop-vpc-id next-hop-interface-type",
		// OpenTelemetry's transit gateway test in CloudWatch form.
		"version account-id tgw-id tgw-attachment-id tgw-src-vpc-id tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id tgw-src-eni tgw-dst-eni tgw-src-az-id tgw-dst-az-id tgw-pair-attachment-id srcaddr dstaddr srcport dstport protocol packets bytes start end log-status type tcp-flags flow-direction region",
		// Panther's extra column, and one that no format explains.
		"v3 x-extra", "default x-extra",
	} {
		formats = append(formats, mustFormat(t, s))
	}
	var lines, headers []string
	for sc := bufio.NewScanner(openShared(t, "data/logs/records.jsonl")); sc.Scan(); {
		var row struct{ Kind, Line string }
		if err := json.Unmarshal(sc.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		if row.Kind == "header" {
			headers = append(headers, row.Line)
		} else {
			lines = append(lines, row.Line)
		}
	}
	if len(lines) < 50 || len(headers) < 5 {
		t.Fatalf("%d lines and %d headers are too few to say anything", len(lines), len(headers))
	}
	for _, line := range headers {
		f, ok := ParseHeader([]byte(line))
		if !ok {
			t.Errorf("not seen as a header: %s", line)
			continue
		}
		if got := strings.Count(line, " ") + 1; got != f.Len() {
			t.Errorf("%d names, the format has %d: %s", got, f.Len(), line)
		}
		formats = append(formats, f)
	}
	accepted, seen := 0, make([]bool, len(refused))
	for _, line := range lines {
		if f, ok := ParseHeader([]byte(line)); ok {
			t.Errorf("seen as a header %v: %s", f, line)
		}
		n := strings.Count(line, " ") + 1
		var r Record
		fits := false
		for i, f := range formats {
			err := f.Parse([]byte(line), &r)
			if err == nil {
				if n != f.Len() {
					t.Errorf("%d fields read as %d: %s", n, f.Len(), line)
				}
				if got := string(f.Append(nil, &r)); got != line {
					t.Errorf("printed:\n got %s\nwant %s", got, line)
				}
			}
			fits = fits || err == nil
			if i > 0 || n != 14 {
				continue
			}
			want := false
			for j, bad := range refused {
				if !strings.Contains(line, bad.part) {
					continue
				}
				want, seen[j] = true, true
				var fe *FieldError
				if !errors.As(err, &fe) || fe.Field != bad.field || fe.Err != bad.err {
					t.Errorf("error is %v, want %v in %v: %s", err, bad.err, bad.field, line)
				}
			}
			if !want && err != nil {
				t.Errorf("refused: %v: %s", err, line)
			}
			if err == nil {
				accepted++
			}
		}
		if n != 14 && n != 11 && !fits { // the line of 11 begins inside a record
			t.Errorf("no format of %d fields reads: %s", n, line)
		}
	}
	for j, ok := range seen {
		if !ok {
			t.Errorf("no line has %q", refused[j].part)
		}
	}
	t.Logf("%d lines, %d of 14 fields accepted, %d headers", len(lines), accepted, len(headers))
}

// TestSeedLines reads the lines the project began from.
func TestSeedLines(t *testing.T) {
	f := mustFormat(t, "default+tcp-flags")
	n := 0
	var r Record
	for sc := bufio.NewScanner(openShared(t, "data/logs/seed-samples.log")); sc.Scan(); n++ {
		if err := f.Parse(sc.Bytes(), &r); err != nil {
			t.Errorf("%v: %s", err, sc.Text())
			continue
		}
		if got := string(f.Append(nil, &r)); got != sc.Text() {
			t.Errorf("printed:\n got %s\nwant %s", got, sc.Text())
		}
	}
	if n != 3 {
		t.Errorf("%d lines, want 3", n)
	}
}
