package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestStaysQuickToBuild keeps out what the binary does without and what takes long
// to compile; see docs/benchmarks/serve.md.
func TestStaysQuickToBuild(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	deps := strings.Fields(string(out))
	if !slices.Contains(deps, "weir/cmd/weir") {
		t.Fatalf("go list found %q", deps)
	}
	for _, dep := range deps {
		if dep == "github.com/parquet-go/parquet-go" || strings.HasPrefix(dep, "google.golang.org/protobuf/") ||
			strings.HasPrefix(dep, "github.com/prometheus/") || strings.HasPrefix(dep, "github.com/segmentio/kafka-go/") {
			t.Errorf("the binary contains %s", dep)
		}
	}
}
