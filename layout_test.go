package weir_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const module = "weir/"

// maxLines is where a file is too long to be read in one go.
const maxLines = 600

// floors reads the floor of each package from the table in ARCHITECTURE.md:
// "| 2 | `internal/capture` | …".
func floors(t *testing.T) map[string]int {
	t.Helper()
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	for _, m := range regexp.MustCompile("(?m)^\\| (\\d) \\| `([a-z0-9/]+)`").FindAllStringSubmatch(string(text), -1) {
		out[m[2]], _ = strconv.Atoi(m[1])
	}
	if len(out) == 0 {
		t.Fatal("ARCHITECTURE.md has no table of floors")
	}
	return out
}

// room returns the package of the table that pkg is or lies in, such as
// internal/capture for internal/capture/bpf; empty if there is none.
func room(floors map[string]int, pkg string) string {
	for p := pkg; p != "."; p = filepath.Dir(p) {
		if floors[p] != 0 {
			return p
		}
	}
	return ""
}

type listed struct {
	ImportPath, Dir string
	Imports         []string
}

// packages returns the packages of the module that are more than tests.
func packages(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p listed
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(p.ImportPath, module) {
			all = append(all, p)
		}
	}
	if len(all) == 0 {
		t.Fatal("go list found no packages")
	}
	return all
}

func TestImportsPointDown(t *testing.T) {
	floors, exists := floors(t), map[string]bool{}
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		from := room(floors, name)
		exists[from] = true
		if from == "" {
			t.Errorf("%s has no floor: add a row, with a reason, to the table in ARCHITECTURE.md", name)
			continue
		}
		for _, imp := range p.Imports {
			imp, ours := strings.CutPrefix(imp, module)
			if to := room(floors, imp); ours && to != from && floors[to] >= floors[from] {
				t.Errorf("%s (floor %d) imports %s (floor %d), which is not below it", name, floors[from], imp, floors[to])
			}
		}
	}
	for p := range floors {
		if !exists[p] {
			t.Errorf("ARCHITECTURE.md has a row for %s, which does not exist", p)
		}
	}
}

func TestPackageComments(t *testing.T) {
	for _, p := range packages(t) {
		files, err := filepath.Glob(filepath.Join(p.Dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		var commented []string
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			if f.Doc != nil {
				commented = append(commented, filepath.Base(file))
			}
		}
		if len(commented) != 1 {
			t.Errorf("%s has a package comment in %v, want it in exactly one file", p.ImportPath, commented)
		}
	}
}

func TestFilesAreShort(t *testing.T) {
	out, err := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard", "*.go", "*.c", "*.h").Output()
	if err != nil {
		// A source archive has no repository; the packages' directories do as well.
		out = nil
		for _, p := range packages(t) {
			files, _ := filepath.Glob(filepath.Join(p.Dir, "*.go"))
			out = append(out, strings.Join(files, "\n")+"\n"...)
		}
	}
	generated := regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)
	checked := 0
	for line := range strings.Lines(string(out)) {
		file := strings.TrimSpace(line)
		text, err := os.ReadFile(file)
		if os.IsNotExist(err) {
			continue // deleted but not committed
		}
		if err != nil {
			t.Fatal(err)
		}
		checked++
		if n := countLines(text); n > maxLines && !generated.Match(text) {
			t.Errorf("%s has %d lines, want at most %d", file, n, maxLines)
		}
	}
	if checked == 0 {
		t.Fatal("no source files found")
	}
}

func countLines(text []byte) (n int) {
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); n++ {
	}
	return n
}
