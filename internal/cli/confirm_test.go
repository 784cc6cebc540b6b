package cli

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/tugops/tug/internal/fault"
)

func TestConfirm(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]fault.Kind{
		"y\n": "", "Yes\n": "", " y \n": "", "n\n": fault.Interrupted, "\n": fault.Interrupted,
		"": fault.Interrupted, "yes please\n": fault.Interrupted,
	} {
		env, _, stderr := testEnv()
		env.InTTY, env.ErrTTY, env.Stdin = true, true, strings.NewReader(answer)
		if err := env.confirm(t.Context(), false, "Deploy this?"); (err == nil) != (want == "") || err != nil && !fault.Is(err, want) {
			t.Errorf("answer %q: %v", answer, err)
		}
		if stderr.String() != "Deploy this? [y/N] " {
			t.Errorf("asked %q", stderr)
		}
	}
}

func TestConfirmEndsWithAnInterrupt(t *testing.T) {
	t.Parallel()
	env, _, _ := testEnv()
	nobody, hold := io.Pipe()
	defer hold.Close()
	env.InTTY, env.ErrTTY, env.Stdin = true, true, nobody
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	if err := env.confirm(ctx, false, "Deploy this?"); !fault.Is(err, fault.Interrupted) {
		t.Errorf("got %v", err)
	}
}

func TestNobodyIsAskedWithoutATerminal(t *testing.T) {
	t.Parallel()
	env, _, stderr := testEnv()
	if err := env.confirm(t.Context(), false, "Deploy this?"); !fault.Is(err, fault.Usage) || stderr.Len() > 0 {
		t.Errorf("got %v, asked %q", err, stderr)
	}
	if err := env.confirm(t.Context(), true, "Deploy this?"); err != nil {
		t.Error(err)
	}
}
