package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/program"
	"github.com/tugops/tug/internal/secret"
)

// secretEditOptions are those of tug secret edit.
type secretEditOptions struct {
	file string
	rule ruleFlags
	keys keyFlags
}

func newSecretEditCommand(env *Env) *cobra.Command {
	var o secretEditOptions
	cmd := &cobra.Command{
		Use: "edit FILE", Short: "Change an encrypted file in an editor",
		Long: `Opens the file in the clear in SOPS_EDITOR, EDITOR, or vim, nano or vi, and encrypts it
again: values that did not change keep their ciphertext, and a file that did
not change is not touched. A file that does not exist is made by the rules of
.sops.yaml.

The plain text is in a folder for you alone, in memory where the system has such
a file system, and goes with everything the editor leaves there.

Credentials: a private key of the file.`,
		Example: `  tug secret edit k8s/prod/secrets.yaml
  EDITOR='code --wait' tug secret edit k8s/prod/secrets.yaml`,
		Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.file = args[0]
			return runSecretEdit(cmd.Context(), env, o)
		},
	}
	o.rule.flags(cmd)
	o.keys.flags(cmd)
	return cmd
}

func runSecretEdit(ctx context.Context, env *Env, o secretEditOptions) error {
	args, err := env.editor()
	if err != nil {
		return err
	}
	e := &editing{env: env, options: o, editor: args}
	if err := e.open(ctx); err != nil {
		return err
	}
	next, err := e.run(ctx)
	if err != nil {
		return err
	}
	r := secretResult{File: o.file, Status: "changed"}
	if next == nil || bytes.Equal(next, e.data) {
		r.Status = "unchanged"
		return env.tell([]secretResult{r})
	}
	if now, err := os.ReadFile(o.file); err == nil && !bytes.Equal(now, e.data) {
		return fault.New(fault.Conflict, "%s was changed by somebody else while it was edited; nothing was written", o.file).
			Hint("edit it again")
	}
	if err := rewrite(o.file, next); err != nil {
		return err
	}
	return env.tell([]secretResult{r})
}

// editing is one use of the editor.
type editing struct {
	env     *Env
	options secretEditOptions
	editor  []string

	data   []byte // of the file; nil when there is none
	plain  []byte
	opened *secret.Opened // nil for a new file
	rule   secret.Rule    // of a new file
}

func (e *editing) open(ctx context.Context) error {
	o := e.options
	data, err := readSecretFile(o.file)
	if fault.Is(err, fault.NotFound) {
		e.rule, err = e.env.rule(o.file, o.rule)
		return err
	}
	if err != nil {
		return err
	}
	e.data = data
	if e.opened, err = secret.Open(ctx, o.file, data, e.env.keys(o.keys)); err != nil {
		return err
	}
	e.plain, err = e.opened.Plain()
	return err
}

// run lets the person edit until the text can be encrypted; nil is a file that
// did not change.
//
// Ctrl-C belongs to the editor, which may use it for something else than an
// end; SIGTERM ends both.
func (e *editing) run(ctx context.Context) ([]byte, error) {
	ctx, stop := signal.NotifyContext(context.WithoutCancel(ctx), syscall.SIGTERM)
	defer stop()
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	folder, err := privateFolder()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	file := filepath.Join(folder, filepath.Base(e.options.file))
	if err := os.WriteFile(file, e.plain, 0o600); err != nil {
		return nil, fmt.Errorf("text for the editor: %w", reason(err))
	}
	for {
		args := append(slices.Clone(e.editor), file)
		if err := program.Interact(ctx, program.Session{Args: args, In: e.env.Stdin, Out: e.env.Stderr, ErrOut: e.env.Stderr}); err != nil {
			if ctx.Err() != nil {
				return nil, fault.New(fault.Interrupted, "interrupted; nothing was written")
			}
			return nil, fault.New(fault.Invalid, "editor %w; nothing was written", err).Hint("set EDITOR to a program that ends when the file is closed")
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fault.New(fault.Invalid, "the editor removed the text: %w", reason(err))
		}
		if bytes.Equal(text, e.plain) {
			return nil, nil
		}
		next, err := e.encrypt(ctx, text)
		if err == nil || !e.again(ctx, err) {
			return next, err
		}
	}
}

func (e *editing) encrypt(ctx context.Context, text []byte) ([]byte, error) {
	if e.opened != nil {
		return e.opened.Replace(text)
	}
	done, err := secret.Encrypt(ctx, e.options.file, text, e.rule, nil, e.env.keys(e.options.keys))
	e.env.warn(done.Warnings...)
	return done.Data, err
}

// again asks whether to go back to the editor with a text that cannot be
// encrypted.
func (e *editing) again(ctx context.Context, err error) bool {
	if !e.env.InTTY || !e.env.ErrTTY || ctx.Err() != nil {
		return false
	}
	e.env.report(err)
	fmt.Fprint(e.env.Stderr, "Enter goes back to the editor, anything else gives up: ")
	line, readErr := bufio.NewReader(e.env.Stdin).ReadString('\n')
	return readErr == nil && strings.TrimSpace(line) == ""
}

// editor is the program and its arguments.
func (e *Env) editor() ([]string, error) {
	for _, variable := range []string{"SOPS_EDITOR", "EDITOR"} {
		if args := strings.Fields(e.Getenv(variable)); len(args) > 0 {
			return quiet(args), nil
		}
	}
	for _, name := range []string{"vim", "nano", "vi"} {
		if path := (program.Runner{}).Look(name); path != "" {
			return quiet([]string{path}), nil
		}
	}
	return nil, fault.New(fault.NotFound, "no editor").Hint("export EDITOR=…")
}

// quiet keeps vim from writing swap, undo and history files elsewhere.
func quiet(args []string) []string {
	if base := filepath.Base(args[0]); base == "vim" || base == "nvim" {
		return append(args, "-n", "-i", "NONE", "--cmd", "set noundofile nobackup nowritebackup")
	}
	return args
}

// privateFolder makes a folder for this user alone, in memory where there is
// such a file system.
func privateFolder() (string, error) {
	for _, parent := range []string{"/dev/shm", ""} {
		if info, err := os.Stat(parent); parent != "" && (err != nil || !info.IsDir()) {
			continue
		}
		folder, err := os.MkdirTemp(parent, "tug-edit-") // 0700
		if err == nil {
			return folder, nil
		}
		if parent == "" || !errors.Is(err, fs.ErrPermission) {
			return "", fmt.Errorf("folder for the editor: %w", reason(err))
		}
	}
	return "", fault.New(fault.Invalid, "no folder for the editor")
}
