package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/secret"
)

// secretDecryptOptions are those of tug secret decrypt.
type secretDecryptOptions struct {
	file, path, rev, out string
	keys                 keyFlags
}

func newSecretDecryptCommand(env *Env) *cobra.Command {
	var o secretDecryptOptions
	cmd := &cobra.Command{
		Use: "decrypt FILE", Short: "Print a file, or one value of it, in the clear",
		Long: `Decrypts a file, verifies that it was not changed since it was encrypted, and
prints it. Plain text reaches the disk only with -o, in a file for you alone: no
other command of tug needs it there (see tug secret edit).

Credentials: a private key of the file.`,
		Example: `  tug secret decrypt k8s/prod/secrets.yaml
  tug secret decrypt k8s/prod/secrets.yaml --path stringData.password
  tug secret decrypt k8s/prod/secrets.yaml --rev v1.2.0`,
		Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.file = args[0]
			return runSecretDecrypt(cmd.Context(), env, o)
		},
	}
	o.keys.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.path, "path", "", "only the value at `PATH`: stringData.password, list[0], data[\"tls.key\"]")
	f.StringVar(&o.rev, "rev", "", "the file as revision `REV` has it")
	f.StringVarP(&o.out, "out", "o", "", "write plain text to `FILE`, readable for you alone")
	_ = cmd.MarkFlagFilename("out")
	return cmd
}

func runSecretDecrypt(ctx context.Context, env *Env, o secretDecryptOptions) error {
	read := readSecretFile
	if o.rev != "" {
		read = func(file string) ([]byte, error) { return atRevision(file, o.rev) }
	}
	data, err := read(o.file)
	if err != nil {
		return err
	}
	plain, err := env.decrypted(ctx, o, data)
	if err != nil {
		return err
	}
	if o.out != "" && o.out != "-" {
		if err := env.write(o.out, plain); err != nil {
			return err
		}
		env.warn(o.out + " holds secrets in plain text: remove it when you are done, and never commit it")
		return nil
	}
	if env.Global.JSON() {
		return env.writeJSON("", struct {
			File  string `json:"file"`
			Path  string `json:"path,omitempty"`
			Plain string `json:"plain"`
		}{o.file, o.path, string(plain)})
	}
	return env.write("", plain)
}

// decrypted is the file, or the value that is asked for.
func (e *Env) decrypted(ctx context.Context, o secretDecryptOptions, data []byte) ([]byte, error) {
	if o.path == "" {
		return secret.Text(ctx, o.file, data, e.keys(o.keys))
	}
	path, err := secret.ParsePath(o.path)
	if err != nil {
		return nil, err
	}
	opened, err := secret.Open(ctx, o.file, data, e.keys(o.keys))
	if err != nil {
		return nil, err
	}
	return opened.ValueText(path)
}
