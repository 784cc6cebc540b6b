package cli

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/fault"
)

// testEnv is an Env without terminal or variables.
func testEnv() (env *Env, stdout, stderr *bytes.Buffer) {
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	return &Env{
		Stdin: strings.NewReader(""), Stdout: stdout, Stderr: stderr,
		Getenv: func(string) string { return "" }, Width: func() int { return 80 },
	}, stdout, stderr
}

// TestHelp looks at the help of every command: an example, the credentials it
// needs, the exit codes, what each flag takes, and lines that fit a screen.
func TestHelp(t *testing.T) {
	t.Parallel()
	env, _, _ := testEnv()
	for _, cmd := range newRootCommand(env).Commands() {
		if !cmd.IsAvailableCommand() {
			continue
		}
		env, stdout, stderr := testEnv()
		if code := Run(t.Context(), env, []string{cmd.Name(), "--help"}); code != 0 || stderr.Len() > 0 {
			t.Errorf("%s --help: exit code %d, stderr %q", cmd.Name(), code, stderr)
		}
		help := stdout.String()
		for _, want := range []string{"\nUsage:\n  tug " + cmd.Name(), "\nExamples:\n  ", "Credentials:", exitCodes} {
			if !strings.Contains(help, want) {
				t.Errorf("%s --help lacks %q:\n%s", cmd.Name(), want, help)
			}
		}
		checkText(t, cmd)
	}
}

func checkText(t *testing.T, cmd *cobra.Command) {
	t.Helper()
	if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") || cmd.Short[:1] != strings.ToUpper(cmd.Short[:1]) {
		t.Errorf("%s: short help %q", cmd.Name(), cmd.Short)
	}
	for line := range strings.Lines(cmd.Long + "\n" + cmd.Example) {
		if len(line) > 82 {
			t.Errorf("%s: line of %d characters: %s", cmd.Name(), len(line), line)
		}
	}
	for line := range strings.Lines(cmd.Example) {
		if !strings.HasPrefix(line, "  tug "+cmd.Name()) && !strings.HasPrefix(line, "  source <(tug "+cmd.Name()) {
			t.Errorf("%s: example %q is of another command", cmd.Name(), line)
		}
	}
}

// The exit codes of the help text are those of the kinds of faults.
func TestExitCodesAreThoseOfFaults(t *testing.T) {
	t.Parallel()
	codes := map[string]bool{"0": true}
	for _, k := range []fault.Kind{
		fault.Internal, fault.Usage, fault.Pending, fault.Denied, fault.Findings, fault.NotReady, fault.Conflict, fault.Interrupted,
	} {
		codes[fmt.Sprint(k.ExitCode())] = true
	}
	for line := range strings.Lines(strings.TrimPrefix(exitCodes, "Exit codes:\n")) {
		code := strings.Fields(line)[0]
		if !codes[code] {
			t.Errorf("no fault has the exit code %s", code)
		}
		delete(codes, code)
	}
	if len(codes) > 0 {
		t.Errorf("the help text lacks the exit codes %v", codes)
	}
}
