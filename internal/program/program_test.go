package program_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tugops/tug/internal/program"
	"github.com/tugops/tug/internal/render"
)

func script(text string) render.Program {
	return render.Program{Name: "fn.sh", Content: []byte("#!/bin/sh\n" + text)}
}

func TestRun(t *testing.T) {
	t.Setenv("TUG_TEST_CANARY", "leaked")
	p := script("cat; echo; env | sort; ls; cat part/x.txt; echo \"$@\"")
	p.Input = []byte("input")
	p.Args, p.Env = []string{"a b", "$(id)"}, []string{"MODE=fast"}
	p.Files = []render.File{{Name: "part/x.txt", Data: []byte("file ")}}
	out, err := program.Runner{}.Run(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	got := string(out)
	for _, want := range []string{"input\n", "MODE=fast\n", "part\n", "file a b $(id)\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	for _, never := range []string{"leaked", "HOME="} {
		if strings.Contains(got, never) {
			t.Errorf("%q in %q", never, got)
		}
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		program render.Program
		runner  program.Runner
		err     string
	}{
		"status":         {program: script("echo no such chart >&2; exit 3"), err: "fn.sh ended with exit status 3: no such chart"},
		"silent":         {program: script("exit 1"), err: "fn.sh ended with exit status 1"},
		"too long":       {program: script("while :; do :; done"), runner: program.Runner{Time: 50 * time.Millisecond}, err: "fn.sh did not end within 50ms"},
		"with children":  {program: script("sleep 600 & sleep 600"), runner: program.Runner{Time: 50 * time.Millisecond}, err: "did not end within"},
		"too much":       {program: script("while :; do echo xxxxxxxxxxxxxxxx; done"), runner: program.Runner{Output: 1000}, err: "fn.sh wrote more than 1000 bytes"},
		"no interpreter": {program: render.Program{Name: "fn.py", Content: []byte("#!/no/such/python\n")}, err: "start fn.py: "},
		"file outside":   {program: render.Program{Name: "x", Path: "/bin/true", Files: []render.File{{Name: "../x"}}}, err: "files for x: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := tc.runner.Run(t.Context(), tc.program)
			if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Fatalf("error %v, want %q", err, tc.err)
			}
			if strings.Contains(err.Error(), os.TempDir()) {
				t.Errorf("the temporary folder shows: %v", err)
			}
		})
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (program.Runner{}).Run(ctx, script("cat")); err != context.Canceled { //nolint:errorlint // it is passed on as it is
		t.Errorf("error %v", err)
	}
}

func TestLook(t *testing.T) {
	t.Parallel()
	if got := (program.Runner{}).Look("sh"); !filepath.IsAbs(got) {
		t.Errorf("sh is at %q", got)
	}
	if got := (program.Runner{}).Look("no-such-program"); got != "" {
		t.Errorf("found %q", got)
	}
}
