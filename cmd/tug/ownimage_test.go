package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestOwnImage plans tug's own container image; make image builds it.
func TestOwnImage(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "tug", "build", "--dry-run", "--version", "1.0.0", "--registry", "registry.example")
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "image tug: registry.example/tug:1.0.0 planned, from go cmd/tug (linux/amd64, linux/arm64)") {
		t.Errorf("%v\n%s", err, out)
	}
}
