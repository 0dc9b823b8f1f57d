package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"weir/record"
	"weir/recordfile"
)

// TestReadSpeed compares weir top with others that answer the same question, each a
// whole process, and writes what came out into docs/benchmarks/read.md. It takes
// minutes: make bench-read.
func TestReadSpeed(t *testing.T) {
	rounds, err := strconv.Atoi(os.Getenv("WEIR_READ_SPEED"))
	if err != nil {
		t.Skip("set WEIR_READ_SPEED to a number of rounds")
	}
	dir := t.TempDir()
	files := speedFiles(t, dir, 1_000_000)
	weir := filepath.Join(dir, "weir")
	if out, err := exec.Command("go", "build", "-o", weir, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	contestants := speedContestants(t, weir, files)
	want := ""
	for round := range rounds {
		for _, c := range contestants {
			got := c.run(t)
			switch {
			case c.quiet:
			case want == "":
				want = got
			case got != want && round == 0:
				t.Errorf("%s answers otherwise:\n%s\nthan the first:\n%s", c.name, got, want)
			}
		}
	}
	table := speedTable(contestants)
	t.Log("\n" + table)
	writeSpeedTable(t, "../../docs/benchmarks/read.md", table)
}

// speedFiles writes n records in three forms.
func speedFiles(t *testing.T, dir string, n int) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, name := range []string{"log", "log.gz", "log.parquet"} {
		files[name] = filepath.Join(dir, "flow."+name)
	}
	create := func(name string) *os.File {
		f, err := os.Create(files[name])
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	plain := create("log")
	zipped, err := gzip.NewWriterLevel(create("log.gz"), 6)
	if err != nil {
		t.Fatal(err)
	}
	columns, err := recordfile.NewParquetWriter(create("log.parquet"), record.Default(), recordfile.ParquetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	text := append(record.Default().AppendHeader(nil), '\n')
	rng := rand.New(rand.NewPCG(1, 2))
	var rec record.Record
	flush := func() {
		for _, w := range []io.Writer{plain, zipped} {
			if _, err := w.Write(text); err != nil {
				t.Fatal(err)
			}
		}
		text = text[:0]
	}
	for i := range n {
		line := speedRecord(rng, i, n)
		if err := record.Default().Parse([]byte(line), &rec); err != nil {
			t.Fatal(err)
		}
		if err := columns.Write(&rec); err != nil {
			t.Fatal(err)
		}
		if text = append(append(text, line...), '\n'); len(text) > 1<<20 {
			flush()
		}
	}
	flush()
	for _, c := range []io.Closer{zipped, columns} {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// speedRecord makes the traffic of a busy VPC in an hour: 240 interfaces of which few
// have most of the traffic, clients inside and outside, scanners that are refused.
func speedRecord(rng *rand.Rand, i, n int) string {
	zipf := func(n int) int { return int(float64(n) * rng.Float64() * rng.Float64() * rng.Float64()) }
	eni := zipf(240)
	inside := fmt.Sprintf("10.0.%d.%d", eni/60, 5+eni%60*4)
	outside := fmt.Sprintf("%d.%d.%d.%d", 11+zipf(200), rng.IntN(256), zipf(256), 1+rng.IntN(254))
	start := 1795392000 + i*3600/n
	packets := 1 + zipf(300)
	size := packets * (40 + rng.IntN(1400))
	src, dst, sport, dport, protocol, action := inside, outside, 32768+rng.IntN(28000), 443, 6, "ACCEPT"
	switch k := rng.IntN(100); {
	case k < 1:
		return fmt.Sprintf("2 123456789012 eni-%017x - - - - - - - %d %d - NODATA", 0xabc0000+eni*977, start, start+59)
	case k < 12:
		src, dst, action = outside, inside, "REJECT"
		dport, packets, size = []int{22, 23, 445, 3389, 8080, 1 + rng.IntN(65000)}[rng.IntN(6)], 1+rng.IntN(3), 40+rng.IntN(80)
	case k < 50:
		src, dst, sport, dport = dst, src, dport, sport
	case k < 60:
		dst, dport, protocol = fmt.Sprintf("10.0.0.%d", 2+rng.IntN(4)), 53, 17
	}
	return fmt.Sprintf("2 123456789012 eni-%017x %s %s %d %d %d %d %d %d %d %s OK", 0xabc0000+eni*977, src, dst, sport, dport,
		protocol, packets, size, start, start+10+rng.IntN(50), action)
}

// A contestant answers the question: which ten sources had most bytes refused?
type contestant struct {
	name, form string
	argv       []string
	env        []string
	quiet      bool // answers nothing, only takes the time that others need too
	read       func(out string) string

	cpu, wall []time.Duration
}

func (c *contestant) run(t *testing.T) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), c.argv[0], c.argv[1:]...)
	cmd.Env = append(os.Environ(), c.env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	begun := time.Now()
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", c.name, err, errs.String())
	}
	c.wall = append(c.wall, time.Since(begun))
	c.cpu = append(c.cpu, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
	if c.read != nil {
		return c.read(out.String())
	}
	return out.String()
}

func speedContestants(t *testing.T, weir string, files map[string]string) []*contestant {
	t.Helper()
	top := func(file string) []string {
		return []string{weir, "top", files[file], "--where", "reject", "--by", "srcaddr", "-n", "10", "--csv", "--quiet"}
	}
	one, two := []string{"GOMAXPROCS=1"}, []string{"GOMAXPROCS=2"}
	all := []*contestant{
		{name: "weir", form: "gzip", argv: top("log.gz"), env: one, read: topOfCSV},
		{name: "weir, two processors", form: "gzip", argv: top("log.gz"), env: two, read: topOfCSV},
		{name: "inflating alone", form: "gzip", argv: []string{os.Args[0], "-test.run", "^TestInflateAlone$"}, env: append(one, "WEIR_INFLATE="+files["log.gz"]), quiet: true},
		{name: "weir", form: "text", argv: top("log"), env: one, read: topOfCSV},
		{name: "weir, two processors", form: "text", argv: top("log"), env: two, read: topOfCSV},
		{name: "weir", form: "Parquet", argv: top("log.parquet"), env: one, read: topOfCSV},
	}
	awk := `$13 == "REJECT" { n[$4] += $10 } END { for (k in n) print n[k], k }`
	sorted := ` | sort -k1,1nr -k2,2 | head -n 10 | while read -r n k; do echo "$k $n"; done`
	if _, err := exec.LookPath("mawk"); err == nil {
		all = append(all,
			&contestant{name: "zcat and mawk", form: "gzip", argv: []string{"sh", "-c", "zcat " + files["log.gz"] + " | LC_ALL=C mawk '" + awk + "'" + sorted}},
			&contestant{name: "mawk", form: "text", argv: []string{"sh", "-c", "LC_ALL=C mawk '" + awk + "' " + files["log"] + sorted}})
	}
	script, err := filepath.Abs("../../e2e/readers/duckdb/top.mjs")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("npm"); err != nil {
		t.Log("no npm: without DuckDB")
		return all
	}
	install := exec.Command("npm", "install", "--no-audit", "--no-fund", "--silent")
	install.Dir = filepath.Dir(script)
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("npm install: %v\n%s", err, out)
	}
	for _, form := range []struct{ name, file string }{{"gzip", "log.gz"}, {"text", "log"}, {"Parquet", "log.parquet"}} {
		all = append(all, &contestant{name: "DuckDB", form: form.name, argv: []string{"node", script, files[form.file]}})
	}
	return all
}

// topOfCSV is the answer of weir top as the others print it.
func topOfCSV(out string) string {
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil || len(rows) == 0 {
		return fmt.Sprintf("%v: %.100q", err, out)
	}
	var b strings.Builder
	for _, row := range rows[1:] {
		fmt.Fprintf(&b, "%s %s\n", row[0], row[slices.Index(rows[0], "bytes")])
	}
	return b.String()
}

// TestInflateAlone only inflates a file: what every reader of it has to do.
func TestInflateAlone(t *testing.T) {
	name := os.Getenv("WEIR_INFLATE")
	if name == "" {
		t.Skip("TestReadSpeed runs it")
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 256<<10)
	for {
		if _, err := z.Read(buf); err == io.EOF {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func median(d []time.Duration) time.Duration {
	d = slices.Clone(d)
	slices.Sort(d)
	return d[len(d)/2]
}

func speedTable(all []*contestant) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d rounds, Linux, %s. Medians.\n\n", time.Now().UTC().Format(time.DateOnly), len(all[0].cpu), runtime.Version())
	b.WriteString("| form | who | processor s | records a second of it | wall s | of weir's processor time |\n|---|---|---|---|---|---|\n")
	ours := map[string]time.Duration{}
	for _, c := range all {
		if c.name == "weir" {
			ours[c.form] = median(c.cpu)
		}
	}
	for _, form := range []string{"gzip", "text", "Parquet"} {
		for _, c := range all {
			if c.form == form {
				cpu := median(c.cpu)
				fmt.Fprintf(&b, "| %s | %s | %.2f | %.2f M | %.2f | %.2f |\n", form, c.name, cpu.Seconds(), 1/cpu.Seconds(),
					median(c.wall).Seconds(), float64(cpu)/float64(ours[form]))
			}
		}
	}
	return b.String()
}

const speedBegin, speedEnd = "<!-- table: make bench-read -->\n", "<!-- end of table -->\n"

func writeSpeedTable(t *testing.T, page, table string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), speedBegin)
	_, after, ended := strings.Cut(rest, speedEnd)
	if !ok || !ended {
		t.Fatalf("%s has no place for the table", page)
	}
	if err := os.WriteFile(page, []byte(before+speedBegin+table+speedEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
