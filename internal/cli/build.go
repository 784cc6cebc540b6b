package cli

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/build"
	"github.com/tugops/tug/internal/build/dockerfile"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/imagelock"
)

type buildOptions struct {
	registryFlags
	path              string
	push, dryRun      bool
	allowDirty        bool
	render            bool
	out, lock, format string
	version           string
	registry, charts  string
	images, only      []string
	mirrors           []string
	driver            string
}

func newBuildCommand(env *Env) *cobra.Command {
	var o buildOptions
	cmd := &cobra.Command{
		Use: "build [PATH]", GroupID: "deliver", Short: "Build the images and charts of a code repository, and publish them",
		Long: `Builds what a code repository has: images of Go programs (without Docker) and of
Dockerfiles (by buildah, podman, BuildKit or Docker, whichever is there), and
charts with the version and the digests of the images in them. The version
comes from Git: a tag, the commits since one, or branch and commit.

With --push they are published, and --lock writes the digests for the config
repository. A version is published once: the same content again changes
nothing, other content is an error. tug.build.yaml says what is built; most
repositories need none, and kbld.yaml is read as it is.

Credentials: write access to the image registry and the chart repository. It
needs none for the cluster, the config repository or secrets.`,
		Example: `  tug build
  tug build --push --registry registry.example/team --lock shop.lock.yaml
  tug build ./demo-service-repository --push
  tug build --push --image web=registry.example/web@sha256:...`,
		Args: maxOnePath,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.path = "."
			if len(args) > 0 {
				o.path = args[0]
			}
			return runBuild(cmd.Context(), env, o)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.push, "push", false, "publish what was built")
	f.BoolVar(&o.dryRun, "dry-run", false, "show what would be built and where it would go, and do nothing")
	f.StringVarP(&o.out, "out", "o", "", "write images (OCI layouts) and charts into `FOLDER`")
	f.StringVar(&o.lock, "lock", "", "write the digests to `FILE` (with --push)")
	f.StringVar(&o.format, "lock-format", "", "`FORM` of the lock: tug, kbld or imgpkg (default: that of the file's name, else tug)")
	f.StringVar(&o.version, "version", "", "`VERSION` instead of that of the commit")
	f.StringVar(&o.registry, "registry", "", "`HOST/PATH` for images that name no destination")
	f.StringVar(&o.charts, "charts", "", "`REPOSITORY` for charts: oci://…, https://…, nexus+https://… or s3://…")
	f.StringArrayVar(&o.images, "image", nil, "`NAME=IMAGE@DIGEST` was built elsewhere (repeatable)")
	f.StringArrayVar(&o.only, "only", nil, "build only `NAME`, image/NAME or chart/NAME; a chart comes with all images (repeatable)")
	f.StringVar(&o.driver, "builder", "", "`PROGRAM` that builds Dockerfiles: buildah, podman, buildctl or docker")
	f.StringArrayVar(&o.mirrors, "map-registry", nil, "use the registry TO in place of FROM, as `FROM=TO` (repeatable)")
	f.BoolVar(&o.allowDirty, "allow-dirty", false, "publish although files differ from the commit; the version says so")
	f.BoolVar(&o.render, "render", true, "render charts with their own values, to see that they can be")
	oneOf(cmd, "lock-format", imagelock.Formats()...)
	oneOf(cmd, "builder", dockerfile.Names()...)
	file(cmd, "lock")
	_ = cmd.MarkFlagDirname("out")
	o.registryFlags.flags(cmd)
	return cmd
}

func (o buildOptions) check() error {
	switch {
	case o.lock != "" && !o.push:
		return fault.New(fault.Usage, "--lock %s without --push: a lock names images that are in a registry", o.lock).Hint("add --push")
	case o.push && o.dryRun:
		return fault.New(fault.Usage, "--push and --dry-run contradict each other").Hint("leave out one of the two")
	case o.format != "" && !slices.Contains(imagelock.Formats(), o.format):
		return fault.New(fault.Usage, "--lock-format %q is none of %s", o.format, strings.Join(imagelock.Formats(), ", "))
	case o.driver != "" && !slices.Contains(dockerfile.Names(), o.driver):
		return fault.New(fault.Usage, "--builder %q is none of %s", o.driver, strings.Join(dockerfile.Names(), ", "))
	case o.version != "":
		return build.CheckVersion(o.version)
	}
	return nil
}

// choices are the flags that decide about the plan.
func (o buildOptions) choices() (build.Choices, error) {
	c := build.Choices{Version: o.version, Registry: o.registry, Charts: o.charts, Only: o.only, Prebuilt: map[string]string{}}
	for _, text := range o.images {
		name, image, ok := strings.Cut(text, "=")
		if !ok {
			return c, fault.New(fault.Usage, "--image %q is not NAME=IMAGE@DIGEST", text)
		}
		c.Prebuilt[name] = image
	}
	var err error
	c.Elsewhere, err = build.ParseMirrors(o.mirrors)
	return c, err
}

func runBuild(ctx context.Context, env *Env, o buildOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	choices, err := o.choices()
	if err != nil {
		return err
	}
	at, err := openCode(o)
	if err != nil {
		return err
	}
	plan, err := at.decide(choices)
	if err != nil {
		return err
	}
	if o.dryRun {
		return o.report(env, plan.Preview())
	}
	if o.push {
		if err := at.publishable(plan, o); err != nil {
			return err
		}
	}
	work, err := os.MkdirTemp("", "tug-build-")
	if err != nil {
		return fault.New(fault.Unavailable, "folder for the build: %w", err)
	}
	defer os.RemoveAll(work)
	b, err := o.builder(env, at, choices, work)
	if err != nil {
		return err
	}
	progress := env.newProgress()
	b.Events = progress.Event
	result, err := b.Run(ctx, plan, o.push)
	progress.Close()
	if err != nil {
		return err
	}
	if o.out != "" {
		if err := result.Save(o.out); err != nil {
			return err
		}
	}
	if o.push {
		if err := o.writeLock(at, plan, result); err != nil {
			return err
		}
	}
	return o.report(env, result)
}

// lockFile is where the lock goes: --lock, or what the layout asks for.
func (o buildOptions) lockFile(at *code, plan *build.Plan) string {
	switch {
	case o.lock != "":
		return o.lock
	case plan.Lock != "":
		return filepath.Join(at.folder, plan.Lock)
	}
	return ""
}

// lockFormat is that of the flag, of the file that is there, or of its name.
func (o buildOptions) lockFormat(file string, before imagelock.LockFile) imagelock.Format {
	switch {
	case o.format != "":
		return imagelock.Format(o.format)
	case before.Format != "":
		return before.Format
	case strings.Contains(filepath.Base(file), ".kbld."):
		return imagelock.FormatKbld
	}
	return imagelock.FormatTug
}

func (o buildOptions) writeLock(at *code, plan *build.Plan, result *build.Result) error {
	file := o.lockFile(at, plan)
	if file == "" {
		return nil
	}
	var before imagelock.LockFile
	if data, err := os.ReadFile(file); err == nil {
		if before, err = imagelock.ReadLockFile(file, data); err != nil {
			return err
		}
	}
	data, err := result.EncodeLock(o.lockFormat(file, before), before.Locks, len(o.only) > 0)
	if err != nil {
		return err
	}
	result.Lock = filepath.ToSlash(file)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // as other folders of a repository
		return cannotWrite(file, err)
	}
	return writeInRoot(filepath.Dir(file), filepath.Base(file), data)
}
