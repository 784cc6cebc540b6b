package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/imagelock"
)

type imageListOptions struct {
	input
	registryFlags
	verify bool
	out    string
}

func newImageListCommand(env *Env) *cobra.Command {
	var o imageListOptions
	cmd := &cobra.Command{
		Use: "list [PATH | -]", GroupID: "image", Short: "Show which images run, where they stand and which are locked",
		Long: `Renders apps and lists their image references: what each is locked to, the
object that names it and the file that the object comes from. With - it lists
those of a stream of manifests on stdin instead.

States: locked (a lock file has it), digest (it has a digest of its own),
unlocked (it runs as a tag), pending (an override needs a registry: run "tug
image lock"), other (text under a key "image" at a place that runs nothing).

Credentials: none; with --verify read access to the image registries.`,
		Example: `  tug image list -e prod
  tug image list ./umbrella-chart --output json
  helm template shop ./chart | tug image list -`,
		Args: maxOnePath,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.take(args)
			return runImageList(cmd.Context(), env, o)
		},
	}
	o.input.flags(env, cmd)
	f := cmd.Flags()
	f.BoolVar(&o.verify, "verify", false, "ask registries whether images with a digest still exist")
	f.StringVarP(&o.out, "out", "o", "", "write the result to `FILE`")
	_ = cmd.MarkFlagFilename("out")
	o.registryFlags.flags(cmd)
	return cmd
}

// listedImage is one image reference of the result.
type listedImage struct {
	App    string `json:"app,omitempty"`
	Env    string `json:"env,omitempty"`
	Image  string `json:"image"`
	State  string `json:"state"`
	Locked bool   `json:"locked"` // what runs is a digest
	// NewImage is what the image becomes, Digest its digest.
	NewImage string `json:"newImage,omitempty"`
	Digest   string `json:"digest,omitempty"`
	Lock     string `json:"lock,omitempty"`   // file:line
	Reason   string `json:"reason,omitempty"` // of a pending lock
	Object   string `json:"object"`
	Path     string `json:"path"`   // in the object
	Source   string `json:"source"` // file:line of the object

	locked string // NewImage, not masked
}

func runImageList(ctx context.Context, env *Env, o imageListOptions) error {
	if o.verify && o.Hermetic {
		return fault.New(fault.Usage, "--verify asks registries, and --hermetic forbids that").Hint("leave out one of the two")
	}
	apps, err := env.listedApps(ctx, o.input)
	if err != nil {
		return err
	}
	var list []listedImage
	for _, a := range apps {
		for _, u := range imagelock.Uses(a.objects, a.locks) {
			if !u.Confidential() {
				list = append(list, listed(a, u).masked(env))
			}
		}
	}
	if env.Global.JSON() {
		err = env.writeJSON(o.out, append([]listedImage{}, list...))
	} else {
		err = env.write(o.out, []byte(listTable(list)))
	}
	if err != nil || !o.verify {
		return err
	}
	return o.verifyAll(ctx, env, list)
}

// listedApps are the rendered apps, or the one stream on stdin.
func (e *Env) listedApps(ctx context.Context, in input) ([]imageApp, error) {
	if in.Path != "-" {
		_, apps, err := e.imageApps(ctx, in)
		return apps, err
	}
	stream, err := e.readStream([]string{"-"}, "")
	if err != nil {
		return nil, err
	}
	byHand, err := in.readLocks(ctx, e)
	if err != nil {
		return nil, err
	}
	set, err := imagelock.Join(stream.Set, byHand)
	e.warn(set.Warnings...)
	return []imageApp{{objects: stream.Objects, locks: set}}, err
}

func listed(a imageApp, u imagelock.Use) listedImage {
	l := listedImage{
		App: a.spec.App, Env: a.spec.Env, Image: u.Image, Locked: u.Digest != "", Digest: u.Digest,
		Object: u.Ref.String(), Path: u.Path, Source: u.Source.String(),
	}
	switch {
	case u.Lock != nil && u.Lock.Pending != "":
		l.State, l.Lock, l.Reason = "pending", u.Lock.Source.String(), u.Lock.Pending
	case u.Lock != nil:
		l.State, l.Lock, l.NewImage = "locked", u.Lock.Source.String(), u.Lock.NewImage
	case u.Digest != "":
		l.State, l.NewImage = "digest", u.Image
	case u.Runs:
		l.State = "unlocked"
	default:
		l.State = "other"
	}
	return l
}

// masked shows nothing that was decrypted.
func (l listedImage) masked(env *Env) listedImage {
	l.locked = l.NewImage
	l.Image, l.NewImage = env.sensitive.Mask(l.Image), env.sensitive.Mask(l.NewImage)
	return l
}

// shortDigest is enough of a digest for people.
const shortDigest = len("sha256:") + 12

func listTable(list []listedImage) string {
	several := slices.ContainsFunc(list, func(l listedImage) bool { return l.App != list[0].App })
	var rows [][]string
	for _, l := range list {
		digest := "-"
		if l.Digest != "" {
			digest = l.Digest[:min(shortDigest, len(l.Digest))]
		}
		row := []string{l.Image, l.State, digest, l.Object, l.Source}
		if several {
			row = append([]string{l.App}, row...)
		}
		rows = append(rows, row)
	}
	head := "IMAGE | STATE | DIGEST | USED BY | DECLARED IN"
	if several {
		head = "APP | " + head
	}
	var b strings.Builder
	table(&b, head, rows)
	if len(rows) == 0 {
		b.WriteString("no images\n")
	}
	return b.String()
}

// verifyAll asks for every digest of the list.
func (o imageListOptions) verifyAll(ctx context.Context, env *Env, list []listedImage) error {
	client, err := o.images(env, false)
	if err != nil {
		return err
	}
	var images []string
	for _, l := range list {
		if l.Locked {
			images = append(images, l.locked)
		}
	}
	r := imagelock.Resolver{Registry: client, Verify: true}
	_, err = r.Resolve(ctx, imagelock.Set{}, images)
	return err
}
