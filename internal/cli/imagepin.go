package cli

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/git"
	"github.com/tugops/tug/internal/imagelock"
)

type imagePinOptions struct {
	registryFlags
	files                        []string
	lockOut, imgpkgLockOut       string
	imagesAnnotation             bool
	originsAnnotation            bool
	mapFile, platform, out       string
	verify, hermetic, pushedOnly bool
}

func newImagePinCommand(env *Env) *cobra.Command {
	var o imagePinOptions
	cmd := &cobra.Command{
		Use: "pin [PATH | -f FILE... | -]", GroupID: "image", Short: "Write digests into a stream of manifests (replaces kbld)",
		Long: `Reads manifests and kbld configuration from files, folders or stdin, replaces
every image reference that it finds by its digest, and writes the manifests.
Input, order, rules and output are those of "kbld -f": overrides and lock files
(kbld's, imgpkg's and tug's) come first, other references are resolved with
their registry. tug builds no images: one with a source needs a lock, or
--pushed once its pipeline has built and pushed it.

Unlike kbld, two locks that disagree about one image are an error.
With --output json the result lists the images instead of the manifests.

Credentials: read access to the image registries: the Docker configuration and
TUG_REGISTRY_HOSTNAME, _USERNAME, _PASSWORD (or kbld's own KBLD_REGISTRY_...).
None with --hermetic.`,
		Example: `  tug image pin -f .release/umbrella-chart -f app-locks > state.yaml
  helm template shop ./chart | tug image pin - --hermetic
  tug image pin -f kbld.yaml --pushed --lock-output shop.kbld.lock.yml`,
		Args: maxOnePath,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.files = append(args, o.files...)
			return runImagePin(cmd.Context(), env, o)
		},
	}
	f := cmd.Flags()
	f.StringSliceVarP(&o.files, "file", "f", nil, "manifests, configuration and locks: `FILE`, folder, or - for stdin (repeatable)")
	f.StringVar(&o.lockOut, "lock-output", "", "write a kbld lock file with what was resolved to `FILE`")
	f.StringVar(&o.imgpkgLockOut, "imgpkg-lock-output", "", "write an ImagesLock of imgpkg to `FILE`")
	f.BoolVar(&o.imagesAnnotation, "images-annotation", true, "annotate objects with the images that were resolved")
	f.BoolVar(&o.originsAnnotation, "origins-annotation", true, "say in the ImagesLock where images come from")
	f.StringVar(&o.mapFile, "image-map-file", "", "JSON `FILE` that maps references to others")
	f.BoolVar(&o.pushedOnly, "pushed", false, "images with a source have been built and pushed: take the digest at their destination")
	f.BoolVar(&o.verify, "verify", false, "ask registries whether locked images still exist")
	f.BoolVar(&o.hermetic, "hermetic", false, "any access to a registry is an error")
	f.StringVarP(&o.out, "out", "o", "", "write the result to `FILE`")
	platformFlag(cmd, &o.platform)
	o.registryFlags.flags(cmd)
	for _, name := range []string{"file", "lock-output", "imgpkg-lock-output", "image-map-file", "out"} {
		_ = cmd.MarkFlagFilename(name)
	}
	return cmd
}

func (o imagePinOptions) check() error {
	switch {
	case len(o.files) == 0:
		return fault.New(fault.Usage, "nothing to pin").Hint("give files or folders with -f, or - for stdin")
	case o.lockOut != "" && o.imgpkgLockOut != "":
		return fault.New(fault.Usage, "--lock-output and --imgpkg-lock-output exclude each other").Hint("run it twice for both")
	case o.verify && o.hermetic:
		return fault.New(fault.Usage, "--verify asks registries, and --hermetic forbids that").Hint("leave out one of the two")
	}
	return nil
}

func runImagePin(ctx context.Context, env *Env, o imagePinOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	stream, err := env.readStream(o.files, o.mapFile)
	if err != nil {
		return err
	}
	env.warn(stream.Set.Warnings...)
	images, err := o.resolve(ctx, env, stream)
	if err != nil {
		return err
	}
	objects, err := stream.Replace(images, o.imagesAnnotation)
	if err != nil {
		return err
	}
	data, err := imagelock.Encode(objects)
	if err != nil {
		return err
	}
	if err := o.writeLock(images, stream.Set); err != nil {
		return err
	}
	if env.Global.JSON() {
		return env.writeJSON(o.out, pinnedList(images))
	}
	return env.write(o.out, data)
}

func (o imagePinOptions) resolve(ctx context.Context, env *Env, s imagelock.Stream) ([]imagelock.Resolved, error) {
	platform, err := parsePlatform(o.platform)
	if err != nil {
		return nil, err
	}
	client, err := o.images(env, o.hermetic)
	if err != nil {
		return nil, err
	}
	r := imagelock.Resolver{Registry: client, Platform: platform, Pushed: o.pushedOnly, Verify: o.verify, Root: repositoryRoot()}
	return r.Resolve(ctx, s.Set, s.Images())
}

// repositoryRoot is the folder that paths in records are relative to: the
// repository's, or the current one; "" when even that is unknown.
func repositoryRoot() string {
	if repo, err := git.Open("."); err == nil && !repo.Bare() {
		return filepath.ToSlash(repo.Root())
	}
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	return filepath.ToSlash(dir)
}

// writeLock writes the lock file that was asked for. Both of kbld's can be
// read by their owner only, as kbld's are.
func (o imagePinOptions) writeLock(images []imagelock.Resolved, set imagelock.Set) error {
	locks := imagelock.LocksOf(images)
	switch {
	case o.lockOut != "":
		for i := range locks {
			locks[i].Origins = nil // kbld's lock has none
		}
		data, err := imagelock.EncodeKbld(locks, set.Rules)
		if err != nil {
			return err
		}
		return replaceFile(o.lockOut, data)
	case o.imgpkgLockOut != "":
		data, err := imagelock.EncodeImgpkg(locks, o.originsAnnotation)
		if err != nil {
			return err
		}
		return replaceFile(o.imgpkgLockOut, data)
	}
	return nil
}

// pinnedImage is an image of the JSON result.
type pinnedImage struct {
	Image    string           `json:"image"`
	NewImage string           `json:"newImage"`
	Origins  []map[string]any `json:"origins,omitempty"`
}

func pinnedList(images []imagelock.Resolved) []pinnedImage {
	list := make([]pinnedImage, len(images))
	for i, r := range images {
		list[i] = pinnedImage{r.Image, r.NewImage, r.Origins}
	}
	return list
}

// isURL reports whether a path is one of kbld's web addresses.
func isURL(path string) bool {
	return strings.HasPrefix(path, "http://") || strings.HasPrefix(path, "https://")
}
