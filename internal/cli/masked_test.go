package cli

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/fault"
)

// maskedEnv is an Env that decrypted "hunter2-here" and "default".
func maskedEnv(global Global) (e *Env, out, err *bytes.Buffer) {
	out, err = &bytes.Buffer{}, &bytes.Buffer{}
	e = &Env{Stdout: out, Stderr: err, Getenv: func(string) string { return "" }, Global: global}
	e.maskOutput()
	e.sensitive.Value("hunter2-here")
	e.sensitive.Value("default")
	return e, out, err
}

func TestOutputIsMasked(t *testing.T) {
	t.Parallel()
	for _, form := range []string{"human", "json"} {
		e, out, errs := maskedEnv(Global{Output: form, LogLevel: "debug"})
		e.report(fault.New(fault.Invalid, "refused: hunter2-here in default").Hint("not %s", "hunter2-here"))
		e.warn("hunter2-here is weak")
		log := e.newLog()
		log.Debug("request of hunter2-here", "url", "/x?p=hunter2-here", "error", errors.New("bad hunter2-here"))
		log.Debug("more", slog.Group("g", slog.Any("v", []string{"hunter2-here"})))
		if err := e.write("", []byte(`{"default": "hunter2-here"}`)); err != nil {
			t.Fatal(err)
		}
		text := out.String() + errs.String()
		if strings.Contains(text, "hunter2") {
			t.Errorf("%s: shown:\n%s", form, text)
		}
		if out.String() != `{"default": "(masked)"}` {
			t.Errorf("%s: result %s", form, out)
		}
		if strings.Contains(errs.String(), "in default") {
			t.Errorf("%s: an error tells a plain word that was decrypted:\n%s", form, errs)
		}
	}
}

func TestRevealingIsForTheResultOnly(t *testing.T) {
	t.Parallel()
	e, out, errs := maskedEnv(Global{Output: "human", LogLevel: "warn"})
	e.revealing = true
	if err := e.write("", []byte("p: hunter2-here")); err != nil {
		t.Fatal(err)
	}
	e.warn("hunter2-here")
	if out.String() != "p: hunter2-here" || strings.Contains(errs.String(), "hunter2") {
		t.Errorf("out %s, err %s", out, errs)
	}
}

// What a panic is about may be a secret.
func TestPanicIsAnError(t *testing.T) {
	t.Parallel()
	e, _, errs := maskedEnv(Global{Output: "human"})
	cmd := &cobra.Command{Use: "x", SilenceErrors: true, SilenceUsage: true, RunE: func(*cobra.Command, []string) error {
		panic("index out of range of hunter2-here")
	}}
	cmd.SetArgs(nil)
	err := execute(context.Background(), cmd)
	if !fault.Is(err, fault.Internal) {
		t.Fatalf("error %v", err)
	}
	e.report(err)
	if text := errs.String(); !strings.Contains(text, "panic: index out of range of (masked)") || !strings.Contains(text, "masked_test.go") {
		t.Errorf("printed: %s", text)
	}
}
