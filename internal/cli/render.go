package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/render"
	"github.com/tugops/tug/internal/snapshot"
)

type renderOptions struct {
	input
	showSecrets bool
	out         string
}

func newRenderCommand(env *Env) *cobra.Command {
	var o renderOptions
	cmd := &cobra.Command{
		Use: "render [PATH]", GroupID: "deliver", Short: "Show the objects that a commit stands for",
		Long: `Renders apps, pins their images by their locks, and writes the objects as one
YAML stream: CRDs and hooks included, each object once, in apply order. Files
encrypted with SOPS are decrypted in memory; Secrets and all that was decrypted
are masked unless --show-secrets is given. Values of random template functions
are placeholders; a deploy uses real ones and keeps them.
With --output json, every object is a JSON object on a line of its own.

Credentials: the private keys of encrypted files (SOPS_AGE_KEY_FILE and the like;
none with --no-decrypt). Else it reads files only.`,
		Example: `  tug render ./umbrella-chart -a shop -n shop
  tug render -e prod --rev HEAD~1 -o state.yaml`,
		Args: maxOnePath,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.take(args)
			return runRender(cmd.Context(), env, o)
		},
	}
	o.flags(env, cmd)
	cmd.Flags().BoolVar(&o.showSecrets, "show-secrets", false, "write values of Secrets, and what was decrypted, as they are")
	cmd.Flags().BoolVar(&o.noDecrypt, "no-decrypt", false, "leave encrypted files as they are: needs no key")
	cmd.Flags().StringVarP(&o.out, "out", "o", "", "write the result to `FILE`")
	return cmd
}

func runRender(ctx context.Context, env *Env, o renderOptions) error {
	env.revealing = o.showSecrets
	snapshots, err := env.snapshots(ctx, o.input)
	if err != nil {
		return err
	}
	var buf bytes.Buffer
	for _, s := range snapshots {
		env.warn(named(s.App, s.Env, s.Warnings)...)
		if env.Global.JSON() {
			if err := writeJSONObjects(&buf, s, o.showSecrets); err != nil {
				return err
			}
			continue
		}
		if err := s.WriteYAML(&buf, o.showSecrets); err != nil {
			return err
		}
	}
	return env.write(o.out, buf.Bytes())
}

// snapshots renders all chosen apps with placeholders, without a cluster.
func (e *Env) snapshots(ctx context.Context, in input) ([]*snapshot.Snapshot, error) {
	src, err := e.open(ctx, in)
	if err != nil {
		return nil, err
	}
	specs, err := src.specs(in)
	if err != nil {
		return nil, err
	}
	list := make([]*snapshot.Snapshot, len(specs))
	err = render.Parallel(ctx, len(specs), func(i int) (err error) {
		spec := specs[i]
		if spec.Namespace == "" {
			spec.Namespace = "default"
		}
		list[i], err = e.build(ctx, src, spec, in, nil)
		return err
	})
	return list, err
}

// writeJSONObjects writes one object per line.
func writeJSONObjects(buf *bytes.Buffer, s *snapshot.Snapshot, showSecrets bool) error {
	objects := s.Objects
	if !showSecrets {
		objects = s.Masked()
	}
	for _, o := range objects {
		data, err := json.Marshal(o.Fields)
		if err != nil {
			return fmt.Errorf("JSON of %s: %w", o.Ref(), err)
		}
		buf.Write(append(data, '\n'))
	}
	return nil
}

// named puts the app in front of warnings.
func named(app, env string, warnings []string) []string {
	if env != "" {
		app += "/" + env
	}
	list := make([]string, len(warnings))
	for i, w := range warnings {
		list[i] = app + ": " + w
	}
	return list
}
