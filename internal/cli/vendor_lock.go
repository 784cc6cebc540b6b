package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/project"
	sources "github.com/tugops/tug/internal/source"
)

type vendorLockOptions struct {
	input
	update, dryRun bool
}

func newVendorLockCommand(env *Env) *cobra.Command {
	var o vendorLockOptions
	cmd := &cobra.Command{
		Use: "lock [PATH]", Short: "Lock the charts and Git trees that apps take from elsewhere",
		Long: `Renders apps and writes down what they take from outside their repository: the
version, digest and content hash of every chart that Chart.yaml, a kustomization
or a HelmRelease names, and the commit and tree hash of every Git repository.
With the lock, a render takes exactly that or fails; with the content in the
cache, which this command fills, it needs no network (--hermetic).

What is locked already stays as it is unless --update is given. The file belongs
to the machine: APP.sources.lock in the app's folder for locks, tug.sources.lock
beside the chart or kustomization without one. Nothing is written unless
everything of every app was found.

Credentials: read access to chart repositories, registries and Git servers:
TUG_CREDENTIALS, netrc, Helm's repositories.yaml, the Docker configuration,
ssh keys with known_hosts.`,
		Example: `  tug vendor lock
  tug vendor lock ./umbrella-chart --update
  tug vendor lock -e prod -a shop --dry-run`,
		Args: maxOnePath,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.take(args)
			return runVendorLock(cmd.Context(), env, o)
		},
	}
	o.input.flags(env, cmd)
	cmd.Flags().BoolVar(&o.update, "update", false, "look for newer versions and commits of what is locked already, too")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "show what would change, and write nothing")
	return cmd
}

// lockedSources is what became of one lock file; its exported part is the JSON
// result.
type lockedSources struct {
	File    string         `json:"file"`
	Apps    []string       `json:"apps"`
	Changed bool           `json:"changed"`
	Sources []lockedSource `json:"sources"`

	before *sources.Lock
	data   []byte // of before
	after  sources.Lock
}

// lockedSource is what became of one entry.
type lockedSource struct {
	Source  string `json:"source"`
	Version string `json:"version"`
	Was     string `json:"was,omitempty"`
	SHA256  string `json:"sha256"`
	Action  string `json:"action"` // added, updated, removed or kept
}

func runVendorLock(ctx context.Context, env *Env, o vendorLockOptions) error {
	if o.Rev != "" && !o.dryRun {
		return fault.New(fault.Usage, "the lock of revision %s cannot be written: commits do not change", o.Rev).
			Hint("check it out, or look with --dry-run")
	}
	src, err := env.open(ctx, o.input)
	if err != nil {
		return err
	}
	if !o.dryRun && (!src.working || src.elsewhere) {
		return fault.New(fault.Usage, "the files of environment %q are not those that are checked out, so that their lock cannot be written here", o.Env).
			Hint("run it in a checkout of that branch or repository, or look with --dry-run")
	}
	specs, err := src.specs(o.input)
	if err != nil {
		return err
	}
	var files []*lockedSources
	for _, spec := range specs {
		f, err := o.place(src, spec, &files)
		if err != nil {
			return subjectError(spec, err)
		}
		if err := o.resolve(ctx, env, src, spec, f); err != nil {
			return err
		}
	}
	for _, f := range files {
		if err := f.finish(src, o.dryRun); err != nil {
			return err
		}
	}
	return o.report(env, files)
}

// place finds the lock file of an app, which others may share.
func (o vendorLockOptions) place(src *source, spec project.Spec, files *[]*lockedSources) (*lockedSources, error) {
	name := sourceLockName(src.files, spec)
	for _, f := range *files {
		if f.File == name {
			f.Apps = append(f.Apps, spec.App)
			return f, nil
		}
	}
	f := &lockedSources{File: name, Apps: []string{spec.App}, Sources: []lockedSource{}}
	var err error
	if f.before, err = sources.ReadLock(src.files, name); err != nil && !o.update {
		return nil, err
	}
	if f.data, err = fs.ReadFile(src.files, name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	*files = append(*files, f)
	return f, nil
}

// resolve renders an app and keeps what it asked for.
func (o vendorLockOptions) resolve(ctx context.Context, env *Env, src *source, spec project.Spec, f *lockedSources) error {
	if spec.Namespace == "" {
		spec.Namespace = "default"
	}
	in := o.input
	in.keepImages = true
	options, err := env.sourceOptions(in, spec, f.File)
	if err != nil {
		return err
	}
	options.Lock, options.Update, options.Complete = f.before, o.update, true
	r := sources.New(options)
	request, err := env.request(ctx, src, spec, in)
	if err != nil {
		return err
	}
	request.Sources = r
	if _, err := env.builder().Build(ctx, request); err != nil {
		return err
	}
	f.after = f.after.Join(r.Used())
	return nil
}

// finish compares and writes.
func (f *lockedSources) finish(src *source, dryRun bool) error {
	var before sources.Lock
	if f.before != nil {
		before = *f.before
	}
	for _, d := range before.Compare(f.after) {
		f.Sources = append(f.Sources, lockedSource{Source: d.What, Version: d.Version, Was: d.Was, SHA256: d.SHA256, Action: d.Action})
	}
	if f.after.Empty() && f.data == nil {
		return nil
	}
	data, err := f.after.Encode()
	if err != nil {
		return err
	}
	if f.Changed = !bytes.Equal(data, f.data); !f.Changed || dryRun {
		return nil
	}
	return writeInRoot(src.root, f.File, data)
}

func (o vendorLockOptions) report(env *Env, files []*lockedSources) error {
	if env.Global.JSON() {
		return env.writeJSON("", oneOrAll(files))
	}
	var b strings.Builder
	for _, f := range files {
		state := "unchanged"
		switch {
		case len(f.Sources) == 0 && !f.Changed:
			fmt.Fprintf(&b, "%s: nothing comes from elsewhere\n", strings.Join(f.Apps, ", "))
			continue
		case f.Changed && o.dryRun:
			state = "would change"
		case f.Changed:
			state = "written"
		}
		fmt.Fprintf(&b, "%s (%s)\n", f.File, state)
		for _, s := range f.Sources {
			was := ""
			if s.Was != "" && s.Was != s.Version {
				was = ", was " + s.Was
			}
			fmt.Fprintf(&b, "  %-8s%s %s%s\n", s.Action, s.Source, s.Version, was)
		}
	}
	return env.write("", []byte(b.String()))
}
