package ec2

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// sources returns the files of a package without its tests.
func sources(t *testing.T, fset *token.FileSet, dir string) []*ast.File {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no sources in %s: %v", dir, err)
	}
	var out []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
	return out
}

// readTable returns the codes of the table, and of each variable how many values
// its text leaves open.
func readTable(t *testing.T) (codes map[string]bool, open map[string]int) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "kinds.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	codes, open = make(map[string]bool), make(map[string]int)
	ast.Inspect(f, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || len(v.Values) != 1 {
			return true
		}
		call, ok := v.Values[0].(*ast.CallExpr)
		if !ok || len(call.Args) != 3 {
			return true
		}
		codes[literal(call.Args[0])] = true
		open[v.Names[0].Name] = len(verb.FindAllString(literal(call.Args[2]), -1))
		return true
	})
	if len(codes) < 40 {
		t.Fatalf("the table has %d codes only", len(codes))
	}
	return codes, open
}

var verb = regexp.MustCompile(`%[a-z]`)

// literal returns the value of an expression that is a string in quotes, "" of others.
func literal(e ast.Expr) string {
	b, ok := e.(*ast.BasicLit)
	if !ok || b.Kind != token.STRING {
		return ""
	}
	s, err := strconv.Unquote(b.Value)
	if err != nil {
		return ""
	}
	return s
}

// code is what error codes look like that are in no table yet.
var code = regexp.MustCompile(`^[A-Z][A-Za-z]+\.(NotFound|Malformed|Duplicate|InUse|Invalid|Unsupported)$|^(Invalid|Missing)[A-Z][A-Za-z]+$|LimitExceeded$`)

// TestTheTableHasEveryError: what an answer says of an error is in kinds.go, so that
// whoever has a recording that differs finds the place.
func TestTheTableHasEveryError(t *testing.T) {
	codes, open := readTable(t)
	for _, dir := range []string{".", "../awsapi", "../flowlog", "../../cmd/weir"} {
		fset := token.NewFileSet()
		for _, f := range sources(t, fset, dir) {
			name := filepath.Base(fset.Position(f.Pos()).Filename)
			// These are clients, which have to know what they are answered.
			client := dir == "../../cmd/weir" && !strings.HasPrefix(name, "serve")
			if dir == "." && name == "kinds.go" || client {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.Field:
					return n.Tag == nil // what members are called is no error
				case *ast.BasicLit:
					if s := literal(n); codes[s] || code.MatchString(s) {
						t.Errorf("%s: the code %s outside the table", fset.Position(n.Pos()), s)
					}
				case *ast.CompositeLit:
					if what := typeName(n.Type); what == "Kind" || what == "Error" && hasLiteral(n) {
						t.Errorf("%s: an error of its own outside the table", fset.Position(n.Pos()))
					}
				case *ast.CallExpr:
					if kind, want := withOf(n, open); kind != "" && len(n.Args) != want {
						t.Errorf("%s: %s has %d values, and its text has room for %d", fset.Position(n.Pos()), kind, len(n.Args), want)
					}
				}
				return true
			})
		}
	}
}

// typeName returns the name of a type of this package's, here or in another package.
func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		if p, ok := e.X.(*ast.Ident); ok && p.Name == "ec2" {
			return e.Sel.Name
		}
	}
	return ""
}

func hasLiteral(c *ast.CompositeLit) bool {
	return slices.ContainsFunc(c.Elts, func(e ast.Expr) bool {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			e = kv.Value
		}
		return literal(e) != ""
	})
}

// withOf returns the kind that a call of With is of, and how many values it wants.
func withOf(c *ast.CallExpr, open map[string]int) (kind string, want int) {
	with, ok := c.Fun.(*ast.SelectorExpr)
	if !ok || with.Sel.Name != "With" {
		return "", 0
	}
	switch x := with.X.(type) {
	case *ast.Ident:
		kind = x.Name
	case *ast.SelectorExpr:
		kind = x.Sel.Name
	}
	want, ok = open[kind]
	if !ok {
		return "", 0
	}
	return kind, want
}

// TestSignaturesHaveTheirStatus: texts of signatures are in package sigv4, their codes
// and statuses in the table.
func TestSignaturesHaveTheirStatus(t *testing.T) {
	codes, _ := readTable(t)
	fset, missing := token.NewFileSet(), map[string]bool{}
	found := 0
	for _, f := range sources(t, fset, "../sigv4") {
		ast.Inspect(f, func(n ast.Node) bool {
			v, ok := n.(*ast.ValueSpec)
			if !ok || len(v.Values) != 1 || !strings.HasPrefix(v.Names[0].Name, "code") {
				return true
			}
			found++
			if s := literal(v.Values[0]); !codes[s] {
				missing[s] = true
			}
			return true
		})
	}
	if found < 5 || len(missing) > 0 {
		t.Errorf("of %d codes these are not in the table: %v", found, slices.Sorted(maps.Keys(missing)))
	}
}
