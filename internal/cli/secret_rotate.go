package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/secret"
)

// secretRotateOptions are those of tug secret rotate.
type secretRotateOptions struct {
	files      []string
	recipients bool
	rule       ruleFlags
	keys       keyFlags
}

func newSecretRotateCommand(env *Env) *cobra.Command {
	var o secretRotateOptions
	cmd := &cobra.Command{
		Use: "rotate FILE...", Short: "Encrypt files with a new key, for those who may read them now",
		Long: `Gives files a new data key, and with it every value a new ciphertext, for the
recipients that .sops.yaml (or a flag) names now; those of the file where there
is no rule. Somebody who was removed cannot read what is written from now on,
but may know the old values: change those as well.

With --recipients-only the data key and the values stay, and only who may read
the file changes; files whose recipients are right are not touched.

Credentials: a private key of each file, and what encrypting for its recipients
needs.`,
		Example: `  tug secret rotate k8s/prod/secrets.yaml
  tug secret rotate --recipients-only k8s/*/secrets.yaml
  tug secret rotate secrets.yaml --age age1...,age1...`,
		Args: someFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.files = args
			return runSecretRotate(cmd.Context(), env, o)
		},
	}
	o.rule.flags(cmd)
	o.keys.flags(cmd)
	cmd.Flags().BoolVar(&o.recipients, "recipients-only", false, "change who may read the files, and nothing else")
	return cmd
}

// runSecretRotate computes all files before it writes the first.
func runSecretRotate(ctx context.Context, env *Env, o secretRotateOptions) error {
	results := make([]secretResult, len(o.files))
	next := make([][]byte, len(o.files))
	for i, file := range o.files {
		r, err := env.rotated(ctx, file, o)
		if err != nil {
			return err
		}
		next[i] = r.Data
		status := "rotated"
		if o.recipients {
			status = "recipients changed"
			if len(r.Added)+len(r.Removed) == 0 {
				status = "recipients are right"
			}
		}
		results[i] = secretResult{File: file, Status: status, Added: r.Added, Removed: r.Removed}
	}
	for i, file := range o.files {
		if err := rewrite(file, next[i]); err != nil {
			return err
		}
	}
	return env.tell(results)
}

func (e *Env) rotated(ctx context.Context, file string, o secretRotateOptions) (secret.Rotation, error) {
	data, err := readSecretFile(file)
	if err != nil {
		return secret.Rotation{}, err
	}
	opened, err := secret.Open(ctx, file, data, e.keys(o.keys))
	if err != nil {
		return secret.Rotation{}, err
	}
	rule, err := e.rule(file, o.rule)
	switch {
	case err == nil:
		return opened.Rotate(ctx, &rule, o.recipients)
	case fault.Is(err, fault.NotFound), fault.Is(err, fault.Usage) && strings.Contains(err.Error(), "nothing says for whom"):
		if o.recipients {
			return secret.Rotation{}, err
		}
		return opened.Rotate(ctx, nil, false)
	}
	return secret.Rotation{}, err
}
