package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/git"
	"github.com/tugops/tug/internal/imagelock"
	"github.com/tugops/tug/internal/render"
	"github.com/tugops/tug/internal/secret"
)

// input are the flags that choose and change what is rendered; they are the
// same on every command that renders (design.md section 3).
type input struct {
	Path        string
	Rev         string
	Env         string
	App         string
	Namespace   string
	ValueFiles  []string
	Set         []string
	Locks       []string
	KubeVersion string
	Hermetic    bool
	NoCache     bool
	Allow       render.Allow
	keepImages  bool // leave image references as they are rendered
	twice       bool // each app is rendered at two revisions
	decrypted   bool // a file given by hand was encrypted
	noDecrypt   bool // leave encrypted files as they are
}

// chooseFlags adds the flags that choose an app.
func (in *input) chooseFlags(env *Env, cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&in.Env, "env", "e", "", "environment `ENV` of tug.yaml")
	f.StringVarP(&in.App, "app", "a", "", "one `APP` instead of all of the environment; names the app where there is no tug.yaml")
	f.StringVarP(&in.Namespace, "namespace", "n", "", "`NAMESPACE` (default: the environment's, else the context's)")
	env.completeChoice(cmd, in)
}

// flags adds all flags of rendering commands.
func (in *input) flags(env *Env, cmd *cobra.Command) {
	in.chooseFlags(env, cmd)
	cmd.Flags().StringVar(&in.Rev, "rev", "", "render `REV` (any commit, branch or tag) instead of the working tree")
	in.renderFlags(cmd)
}

// renderFlags adds the flags that change what is rendered.
func (in *input) renderFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVarP(&in.ValueFiles, "values", "f", nil, "more values for charts, from `FILE`; later files win (repeatable)")
	f.StringArrayVar(&in.Set, "set", nil, "single values for charts, `K=V`, over all files (repeatable)")
	f.StringArrayVar(&in.Locks, "lock", nil, "more image locks, from `FILE` or folder (repeatable)")
	f.StringVar(&in.KubeVersion, "kube-version", "", "Kubernetes `VERSION` to render for (default: the environment's)")
	f.BoolVar(&in.Hermetic, "hermetic", false, "an image without lock or digest is an error, and so is any network access before the plan")
	f.BoolVar(&in.NoCache, "no-cache", false, "render everything again, and keep nothing for the next time")
	f.BoolVar(&in.Allow.Exec, "allow-exec", false, "let functions in kustomizations run programs of the repository")
	f.BoolVar(&in.Allow.Containers, "allow-containers", false, "let functions in kustomizations run container images")
	f.BoolVar(&in.Allow.Ytt, "allow-ytt", false, "let steps (then: in tug.yaml) run ytt")
	_ = cmd.MarkFlagFilename("values")
	_ = cmd.MarkFlagFilename("lock")
}

// take reads the PATH argument.
func (in *input) take(args []string) {
	in.Path = "."
	if len(args) > 0 {
		in.Path = args[0]
	}
}

// readValues reads the files given with -f.
func (in *input) readValues(ctx context.Context, e *Env) ([]render.NamedValues, error) {
	var values []render.NamedValues
	for _, file := range in.ValueFiles {
		data, err := readGiven(file)
		if err != nil {
			return nil, fault.New(fault.NotFound, "values file %s: %w", file, reason(err)).Hint("paths given with -f are relative to the current folder")
		}
		if data, err = in.clear(ctx, e, file, data); err != nil {
			return nil, err
		}
		values = append(values, render.NamedValues{Name: file, Data: data})
	}
	return values, nil
}

// readLocks reads the lock files and folders given with --lock.
func (in *input) readLocks(ctx context.Context, e *Env) (imagelock.Set, error) {
	var sets []imagelock.Set
	for _, path := range in.Locks {
		info, err := os.Stat(path)
		if err != nil {
			return imagelock.Set{}, fault.New(fault.NotFound, "image lock %s: %w", path, reason(err)).Hint("paths given with --lock are relative to the current folder")
		}
		dir, name := ".", filepath.ToSlash(filepath.Clean(path))
		if !filepath.IsLocal(path) {
			dir, name = filepath.Dir(path), filepath.Base(path)
			if info.IsDir() {
				dir, name = path, "."
			}
		}
		set, err := loadLocks(dir, name, e.decryptOptions(ctx, *in, ""))
		if err != nil {
			return imagelock.Set{}, err
		}
		sets = append(sets, set)
	}
	return imagelock.Join(sets...)
}

func loadLocks(dir, name string, o secret.Options) (imagelock.Set, error) {
	files, err := git.Folder(dir)
	if err != nil {
		return imagelock.Set{}, fmt.Errorf("image lock: %w", err)
	}
	return imagelock.Load(secret.Decrypting(files, o), []string{name})
}
