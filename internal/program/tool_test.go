package program_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/program"
)

func shell(script string) program.Tool {
	return program.Tool{Path: "/bin/sh", Args: []string{"-c", script}}
}

func TestWork(t *testing.T) {
	t.Setenv("TUG_TEST_CANARY", "leaked")
	var lines []string
	tool := shell("echo one; echo two >&2; env; pwd; printf end")
	tool.Dir, tool.Env = t.TempDir(), []string{"MODE=fast"}
	tool.Line = func(l string) { lines = append(lines, l) }
	out, err := program.Runner{}.Work(t.Context(), tool)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out, "leaked") || !strings.Contains(out, "MODE=fast") || !strings.Contains(out, tool.Dir) {
		t.Errorf("output %q", out)
	}
	if lines[0] != "one" || lines[1] != "two" || lines[len(lines)-1] != "end" {
		t.Errorf("lines %q", lines)
	}
}

func TestWorkFails(t *testing.T) {
	t.Parallel()
	_, err := program.Runner{}.Work(t.Context(), program.Tool{Path: "/bin/sh", Args: []string{"-c", "echo main.go:3:1: no; exit 2"}})
	failed, ok := errors.AsType[*program.ToolError](err)
	if !ok {
		t.Fatalf("error %v", err)
	}
	if diff := cmp.Diff(&program.ToolError{Name: failed.Name, Status: "exit status 2", Output: "main.go:3:1: no"}, failed); diff != "" {
		t.Error(diff)
	}
	endless := shell("while :; do echo xxxxxxxxxxxxxxxxxxxxxxxx; done")
	endless.Time = 100 * time.Millisecond
	if _, err := (program.Runner{}).Work(t.Context(), endless); !fault.Is(err, fault.Unavailable) {
		t.Errorf("error %v", err)
	}
	if _, err := (program.Runner{}).Work(t.Context(), program.Tool{Path: "/no/such/tool"}); !errors.Is(err, os.ErrNotExist) || strings.Contains(err.Error(), "/no/") {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (program.Runner{}).Work(ctx, shell("cat")); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
