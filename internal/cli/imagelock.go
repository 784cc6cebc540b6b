package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/imagelock"
)

type imageLockOptions struct {
	input
	registryFlags
	out, format, platform string
	update, dryRun        bool
	verify, pushed        bool
}

func newImageLockCommand(env *Env) *cobra.Command {
	var o imageLockOptions
	cmd := &cobra.Command{
		Use: "lock [PATH]", GroupID: "image", Short: "Ask registries for digests and write the lock files",
		Long: `Renders apps, resolves the images that no lock covers, and writes the lock file
of each app: LOCKS/APP.lock.yaml in the folder that tug.yaml (locks:) or the
layout (app-locks/) names. The file belongs to the machine: it is written
whole, with what the app uses now. Locks in other files stay as they are and
come first. Overrides of kbld (tags by version, platforms) are followed.
Nothing is written unless every image of every app was resolved.

Credentials: read access to the image registries: the Docker configuration and
TUG_REGISTRY_HOSTNAME, _USERNAME, _PASSWORD (or kbld's own KBLD_REGISTRY_...).`,
		Example: `  tug image lock -e prod
  tug image lock -e prod -a shop --update --dry-run
  tug image lock ./umbrella-chart --format kbld -o app-locks/shop.kbld.lock.yml`,
		Args: maxOnePath,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.take(args)
			return runImageLock(cmd.Context(), env, o)
		},
	}
	o.input.flags(env, cmd)
	f := cmd.Flags()
	f.StringVarP(&o.out, "out", "o", "", "write the lock to `FILE` (- for stdout) instead of the app's place for it")
	f.StringVar(&o.format, "format", "", "`FORM` of the lock: tug, kbld or imgpkg (default: that of the file, else tug)")
	f.BoolVar(&o.update, "update", false, "resolve what the lock file has already as well")
	f.BoolVar(&o.dryRun, "dry-run", false, "show what would change, and write nothing")
	f.BoolVar(&o.pushed, "pushed", false, "images with a source have been built and pushed: take the digest at their destination")
	f.BoolVar(&o.verify, "verify", false, "ask registries whether locked images still exist")
	platformFlag(cmd, &o.platform)
	oneOf(cmd, "format", imagelock.Formats()...)
	_ = cmd.MarkFlagFilename("out")
	o.registryFlags.flags(cmd)
	return cmd
}

func (o imageLockOptions) check() error {
	switch {
	case o.format != "" && !slices.Contains(imagelock.Formats(), o.format):
		return fault.New(fault.Usage, "--format %q is none of %s", o.format, strings.Join(imagelock.Formats(), ", ")).
			Hint("tug is the default; kbld and imgpkg read their own")
	case o.verify && o.Hermetic:
		return fault.New(fault.Usage, "--verify asks registries, and --hermetic forbids that").Hint("leave out one of the two")
	case o.Rev != "" && o.out == "" && !o.dryRun:
		return fault.New(fault.Usage, "the lock file of revision %s cannot be written: commits do not change", o.Rev).
			Hint("check it out, or say where to write the lock with -o FILE, or look with --dry-run")
	}
	return nil
}

func runImageLock(ctx context.Context, env *Env, o imageLockOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	src, apps, err := env.imageApps(ctx, o.input)
	if err != nil {
		return err
	}
	if o.out != "" && len(apps) > 1 {
		return fault.New(fault.Usage, "-o %s: there are %d apps, and a lock file is for one", o.out, len(apps)).
			Hint("choose one with -a")
	}
	platform, err := parsePlatform(o.platform)
	if err != nil {
		return err
	}
	client, err := o.images(env, o.Hermetic)
	if err != nil {
		return err
	}
	r := &imagelock.Resolver{Registry: client, Platform: platform, Pushed: o.pushed, Verify: o.verify, Root: repositoryRoot()}
	var files []*lockFile
	for _, a := range apps {
		f, err := o.lockFile(ctx, src, a, r)
		if err != nil {
			return subjectError(a.spec, err)
		}
		files = append(files, f)
	}
	if !o.dryRun {
		for _, f := range files {
			if err := f.write(env); err != nil {
				return err
			}
		}
	}
	return o.report(env, files)
}

// report says what became of each lock file. What goes to stdout with -o - is
// the lock itself.
func (o imageLockOptions) report(env *Env, files []*lockFile) error {
	if o.out == "-" && !o.dryRun {
		return nil
	}
	if env.Global.JSON() {
		return env.writeJSON("", append([]*lockFile{}, files...))
	}
	var b strings.Builder
	for _, f := range files {
		f.describe(&b, o.dryRun)
	}
	return env.write("", []byte(b.String()))
}

// describe writes the summary of one lock file, with the lines that change
// when they are not written.
func (f *lockFile) describe(b *strings.Builder, dryRun bool) {
	verb := "written"
	switch {
	case f.File == "":
		fmt.Fprintf(b, "%s: no images to lock\n", f.subject())
		return
	case !f.Changed:
		verb = "nothing to change"
	case dryRun:
		verb = "would be written"
	}
	fmt.Fprintf(b, "%s: %s %s (%s)\n", f.subject(), f.File, verb, f.counts())
	if dryRun && f.Changed {
		writeLineDiff(b, f.File, f.before, f.data)
		return
	}
	for _, i := range f.Images {
		switch i.Action {
		case "added":
			fmt.Fprintf(b, "  + %s -> %s\n", i.Image, i.NewImage)
		case "updated":
			fmt.Fprintf(b, "  ~ %s -> %s (was %s)\n", i.Image, i.NewImage, i.Was)
		case "removed":
			fmt.Fprintf(b, "  - %s (not used any more)\n", i.Image)
		}
	}
}

func (f *lockFile) subject() string {
	if f.Env == "" {
		return f.App
	}
	return f.App + "/" + f.Env
}

func (f *lockFile) counts() string {
	n := map[string]int{}
	for _, i := range f.Images {
		n[i.Action]++
	}
	var parts []string
	for _, action := range []string{"added", "updated", "removed", "kept"} {
		if n[action] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[action], action))
		}
	}
	if len(parts) == 0 {
		return "no images"
	}
	return strings.Join(parts, ", ")
}
