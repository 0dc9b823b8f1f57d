package lab

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestOtherSystemsHaveTheSameAPI checks that what is exported for Linux exists
// elsewhere too, so that users of the package build anywhere.
func TestOtherSystemsHaveTheSameAPI(t *testing.T) {
	if diff := cmp.Diff(exported(t, "*_linux.go"), exported(t, "*_other.go")); diff != "" {
		t.Errorf("exported names, - Linux + others:\n%s", diff)
	}
}

// exported returns the exported types, functions and methods of some files.
func exported(t *testing.T, glob string) []string {
	t.Helper()
	files, err := filepath.Glob(glob)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files %s: %v", glob, err)
	}
	var names []string
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, src, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				name := d.Name.Name
				if d.Recv != nil {
					e := d.Recv.List[0].Type
					if p, ok := e.(*ast.StarExpr); ok {
						e = p.X
					}
					recv := e.(*ast.Ident).Name
					if !ast.IsExported(recv) {
						continue
					}
					name = recv + "." + name
				}
				if d.Name.IsExported() {
					names = append(names, name)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					if s, ok := s.(*ast.TypeSpec); ok && s.Name.IsExported() {
						names = append(names, s.Name.Name)
					}
				}
			}
		}
	}
	slices.Sort(names)
	return names
}
