package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/secret"
)

// secretEncryptOptions are those of tug secret encrypt.
type secretEncryptOptions struct {
	files []string
	like  string
	out   string
	rule  ruleFlags
	keys  keyFlags
}

func newSecretEncryptCommand(env *Env) *cobra.Command {
	var o secretEncryptOptions
	cmd := &cobra.Command{
		Use: "encrypt FILE...", Short: "Encrypt files by the rules of .sops.yaml",
		Long: `Encrypts files in place, for the recipients and with the selection of the first
creation rule of .sops.yaml that fits (looked for from the file's folder upward),
or for those named by flags or the variables of sops.

A file that was encrypted before keeps the ciphertext of what did not change:
the old file is the one of --like, else that of the last commit. Unchanged text
gives the old file to the byte. That needs its private key; without it every
value gets a new ciphertext.

Credentials: public keys only, for age and SSH; the service's for KMS and Vault.
The private key of the old file, to keep its ciphertext.`,
		Example: `  tug secret encrypt k8s/prod/secrets.yaml
  tug secret encrypt secret.yaml --age age1... --encrypted-regex '^(data|stringData)$'
  tug secret encrypt new.yaml --like old.yaml -o old.yaml`,
		Args: someFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.files = args
			return runSecretEncrypt(cmd.Context(), env, o)
		},
	}
	o.rule.flags(cmd)
	o.keys.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.like, "like", "", "keep the ciphertext that `FILE` has (default: the file in the last commit)")
	f.StringVarP(&o.out, "out", "o", "", "write to `FILE` (- for stdout) instead of in place")
	_ = cmd.MarkFlagFilename("like")
	_ = cmd.MarkFlagFilename("out")
	return cmd
}

func runSecretEncrypt(ctx context.Context, env *Env, o secretEncryptOptions) error {
	if (o.out != "" || o.like != "") && len(o.files) > 1 {
		return fault.New(fault.Usage, "--out and --like go with one FILE, got %d", len(o.files))
	}
	var results []secretResult
	for _, file := range o.files {
		r, err := env.encryptFile(ctx, file, o)
		if err != nil {
			return err
		}
		results = append(results, r)
	}
	if o.out == "-" {
		return nil
	}
	return env.tell(results)
}

func (e *Env) encryptFile(ctx context.Context, file string, o secretEncryptOptions) (secretResult, error) {
	plain, err := readSecretFile(file)
	if err != nil {
		return secretResult{}, err
	}
	if secret.Encrypted(file, plain) {
		names, err := secret.RecipientsOf(file, plain)
		return secretResult{File: file, Status: "already encrypted", Recipients: names}, err
	}
	name := file
	if o.out != "" && o.out != "-" {
		name = o.out
	}
	rule, err := e.rule(name, o.rule)
	if err != nil {
		return secretResult{}, err
	}
	old := committed(file, "HEAD")
	if o.like != "" {
		if old, err = readSecretFile(o.like); err != nil {
			return secretResult{}, err
		}
	}
	done, err := secret.Encrypt(ctx, name, plain, rule, old, e.keys(o.keys))
	if err != nil {
		return secretResult{}, err
	}
	e.warn(done.Warnings...)
	if o.like != "" && !done.Kept {
		e.warn(o.like + ": its ciphertext was not kept: its key is not at hand, or it was encrypted by another rule")
	}
	r := secretResult{File: name, Status: "encrypted", Recipients: rule.Names()}
	if done.Kept {
		r.Status = "encrypted, unchanged values kept"
	}
	if o.out == "-" {
		return r, e.write("", done.Data)
	}
	return r, rewrite(name, done.Data)
}
