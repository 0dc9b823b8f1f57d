package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"weir/internal/awsconfig"
)

func TestRulesOption(t *testing.T) {
	file := filepath.Join(t.TempDir(), "acl.json")
	if err := os.WriteFile(file, []byte(`{"NetworkAcls": [{"NetworkAclId": "acl-1", "Entries": []}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	o := rulesOptions{paths: []string{file}}
	n, err := o.load(t.Context(), "explain", awsconfig.Options{}, &stderr)
	if err != nil || len(n.NetworkACLs) != 1 {
		t.Fatalf("loaded %+v, %v", n, err)
	}
	want := "weir: --rules: no security groups: nothing can be said of them\nweir: --rules: no network interfaces: nothing can be said of them\n"
	if stderr.String() != want {
		t.Errorf("stderr is %q, want %q", stderr.String(), want)
	}
	for _, paths := range [][]string{{file + "x"}, {"api", file}} {
		if _, err := (&rulesOptions{paths: paths}).load(t.Context(), "explain", awsconfig.Options{}, &stderr); err == nil {
			t.Errorf("--rules %q is no error", paths)
		}
	}
	if n, err := new(rulesOptions).load(t.Context(), "explain", awsconfig.Options{}, &stderr); n != nil || err != nil {
		t.Errorf("without --rules: %v, %v", n, err)
	}
}
