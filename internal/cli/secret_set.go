package cli

import (
	"bytes"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/secret"
)

// secretSetOptions are those of tug secret set.
type secretSetOptions struct {
	file, path    string
	from, fromRev string
	value         *string
	json, clear   bool
	remove        bool
	keys          keyFlags
}

func newSecretSetCommand(env *Env) *cobra.Command {
	var o secretSetOptions
	var value string
	cmd := &cobra.Command{
		Use: "set FILE PATH", Short: "Set one value of an encrypted file",
		Long: `Sets one value; everything else keeps its ciphertext. The value is read from
stdin (at a terminal it is asked for and not shown), from a file, or from another
revision, so that it is in no history and no list of processes. One line break
at the end of stdin is not part of it.

PATH is stringData.password, list[0].name or data["tls.key"]. A value that the
rules of the file leave in the clear is refused, unless --clear is given.

Credentials: a private key of the file.`,
		Example: `  tug secret set k8s/prod/secrets.yaml stringData.password
  tug secret set k8s/prod/secrets.yaml 'stringData["tls.key"]' --from-file tls.key
  tug secret set values.yaml db.port --json < port
  tug secret set k8s/prod/secrets.yaml stringData.old --delete`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 2 {
				return nil
			}
			e := fault.New(fault.Usage, "%s takes FILE and PATH, got %d arguments", cmd.CommandPath(), len(args))
			if len(args) > 2 {
				e.Hint("the value comes from stdin or --from-file, so that it is not in your shell's history")
			}
			return e.Hint("try: %s k8s/prod/secrets.yaml stringData.password", cmd.CommandPath())
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.file, o.path = args[0], args[1]
			if cmd.Flags().Changed("value") {
				o.value = &value
			}
			return runSecretSet(cmd.Context(), env, o)
		},
	}
	o.keys.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.from, "from-file", "", "take the content of `FILE`, to the byte")
	f.StringVar(&o.fromRev, "from-rev", "", "take the value that revision `REV` of the file has (MERGE_HEAD, say)")
	f.StringVar(&value, "value", "", "take `VALUE`: it will be in your shell's history")
	f.BoolVar(&o.json, "json", false, "the value is JSON: a number, true, a list, a map")
	f.BoolVar(&o.clear, "clear", false, "accept a path that the file's rules leave in the clear")
	f.BoolVar(&o.remove, "delete", false, "remove the value instead")
	cmd.MarkFlagsMutuallyExclusive("from-file", "from-rev", "value", "delete")
	cmd.MarkFlagsMutuallyExclusive("from-rev", "json")
	_ = cmd.MarkFlagFilename("from-file")
	return cmd
}

func runSecretSet(ctx context.Context, env *Env, o secretSetOptions) error {
	path, err := secret.ParsePath(o.path)
	if err != nil {
		return err
	}
	data, err := readSecretFile(o.file)
	if err != nil {
		return err
	}
	opened, err := secret.Open(ctx, o.file, data, env.keys(o.keys))
	if err != nil {
		return err
	}
	var next []byte
	if o.remove {
		next, err = opened.Unset(path)
	} else {
		var value any
		if value, err = env.newValue(ctx, o, path); err == nil {
			next, err = opened.Set(path, value, o.clear)
		}
	}
	if err != nil {
		return err
	}
	r := secretResult{File: o.file, Status: "unchanged"}
	switch {
	case bytes.Equal(next, data):
	case o.remove:
		r.Status = path.String() + " removed"
	default:
		r.Status = path.String() + " set"
	}
	if err := rewrite(o.file, next); err != nil {
		return err
	}
	return env.tell([]secretResult{r})
}

// newValue is the value to set.
func (e *Env) newValue(ctx context.Context, o secretSetOptions, path secret.Path) (any, error) {
	if o.fromRev != "" {
		data, err := atRevision(o.file, o.fromRev)
		if err != nil {
			return nil, err
		}
		opened, err := secret.Open(ctx, o.file, data, e.keys(o.keys))
		if err != nil {
			return nil, err
		}
		return opened.Value(path)
	}
	text, err := e.newText(o)
	if err != nil {
		return nil, err
	}
	if o.json {
		return secret.ParseValue(text)
	}
	return string(text), nil
}

func (e *Env) newText(o secretSetOptions) ([]byte, error) {
	switch {
	case o.value != nil:
		e.warn("the value is in your shell's history now; stdin keeps it out")
		return []byte(*o.value), nil
	case o.from != "":
		return readSecretFile(o.from)
	case e.InTTY:
		ask := e.keys(keyFlags{}).Ask
		if ask == nil {
			return nil, fault.New(fault.Usage, "the value cannot be asked for: stderr is no terminal").Hint("give it on stdin or with --from-file")
		}
		return ask(fmt.Sprintf("New value of %s: ", o.path))
	}
	text, err := e.limitedInput()
	text = bytes.TrimSuffix(text, []byte("\n"))
	return bytes.TrimSuffix(text, []byte("\r")), err
}
