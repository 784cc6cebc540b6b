package cli

import (
	"cmp"
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/git"
	"github.com/tugops/tug/internal/imagelock"
	"github.com/tugops/tug/internal/promote"
)

// intents are what the command line or the file of intents asks for, complete:
// environments filled in, tags resolved to digests.
func (p *promotion) intents(ctx context.Context) ([]promote.Intent, error) {
	var list []promote.Intent
	var err error
	switch {
	case p.o.intents != "":
		list, err = p.readIntents()
	case p.o.from != "":
		list, err = p.fromEnvironment(ctx)
	default:
		list, err = p.given()
	}
	if err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].Environment, err = p.environmentOf(ctx, list[i].Environment); err != nil {
			return nil, err
		}
		if err := p.resolve(ctx, &list[i]); err != nil {
			return nil, err
		}
		if list[i], err = list[i].Filled(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (p *promotion) environmentOf(ctx context.Context, name string) (string, error) {
	_, name, _, err := p.environment(ctx, name)
	return name, err
}

// maxIntentsFile bounds a file of intents, in bytes.
const maxIntentsFile = 16 << 20

func (p *promotion) readIntents() ([]promote.Intent, error) {
	name, in := p.o.intents, p.env.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fault.New(fault.NotFound, "--intents %s: %w", name, reason(err))
		}
		defer f.Close()
		in = f
	} else {
		name = "stdin"
	}
	data, err := io.ReadAll(io.LimitReader(in, maxIntentsFile+1))
	if err != nil {
		return nil, fault.New(fault.Invalid, "--intents %s: %w", name, reason(err))
	}
	if len(data) > maxIntentsFile {
		return nil, fault.New(fault.Usage, "--intents %s: more than %d MiB", name, maxIntentsFile>>20)
	}
	return promote.ParseIntents(name, data)
}

// given is the intent of the flags.
func (p *promotion) given() ([]promote.Intent, error) {
	in := promote.Intent{
		App: p.o.app, Environment: p.o.env, Part: p.o.part, Version: p.o.version, Sequence: p.o.sequence, Key: p.o.key, Rollback: p.o.rollback,
		Source: promote.Source{Repository: git.WithoutCredentials(p.o.sourceRepository), Commit: p.o.sourceRev},
	}
	for _, text := range p.o.images {
		name, ref, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, fault.New(fault.Usage, "--image %q is not NAME=REFERENCE@DIGEST", text).Hint("for example --image shop=registry.example/shop@sha256:…")
		}
		in.Images = append(in.Images, imageOf(name, ref))
	}
	for _, file := range p.o.locks {
		images, err := lockedImages(file)
		if err != nil {
			return nil, err
		}
		in.Images = append(in.Images, images...)
	}
	p.sourceHere(&in)
	var err error
	in.Values, err = settings(p.o.set)
	return []promote.Intent{in}, err
}

func settings(list []string) ([]promote.Setting, error) {
	var values []promote.Setting
	for _, text := range list {
		key, value, ok := strings.Cut(text, "=")
		// A selector has an equals sign of its own: images[name=x].tag=1.
		for ok && strings.Count(key, "[") > strings.Count(key, "]") {
			more, rest, found := strings.Cut(value, "=")
			if !found {
				ok = false
			}
			key, value = key+"="+more, rest
		}
		if !ok || key == "" {
			return nil, fault.New(fault.Usage, "--set-value %q is not KEY=VALUE", text).Hint("for example --set-value replicas=3")
		}
		values = append(values, promote.Setting{Path: key, Value: value})
	}
	return values, nil
}

// imageOf takes the tag out of a reference with tag and digest.
func imageOf(name, ref string) promote.Image {
	image := promote.Image{Name: name, NewImage: ref}
	repository, digest, ok := strings.Cut(ref, "@")
	colon, slash := strings.LastIndexByte(repository, ':'), strings.LastIndexByte(repository, '/')
	if ok && colon > slash {
		image.Tag, image.NewImage = repository[colon+1:], repository[:colon]+"@"+digest
	}
	return image
}

// sourceHere fills in what was built, when the command runs in a code
// repository. Values alone are of no build.
func (p *promotion) sourceHere(in *promote.Intent) {
	if p.here || in.Version == "" && len(in.Images) == 0 {
		return
	}
	repo, err := git.Open(".")
	if err != nil {
		return // a pipeline may run anywhere
	}
	_, head, err := repo.At("HEAD")
	if err != nil {
		return // without a commit there is no source
	}
	if in.Source == (promote.Source{}) {
		in.Source = promote.Source{Repository: repo.RemoteURL(), Commit: head.Hash}
	}
	if in.Sequence == 0 && in.Source.Commit == head.Hash {
		in.Sequence = head.Time.Unix()
	}
}

// lockedImages are those of a lock file that a build wrote.
func lockedImages(file string) ([]promote.Image, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fault.New(fault.NotFound, "--lock %s: %w", file, reason(err)).Hint("tug build --lock FILE writes it")
	}
	f, err := imagelock.ReadLockFile(filepath.ToSlash(file), data)
	if err != nil {
		return nil, err
	}
	if len(f.Locks) == 0 {
		return nil, fault.New(fault.Invalid, "--lock %s: there are no images in it", file)
	}
	return imagesOf(f.Locks), nil
}

func imagesOf(locks []imagelock.Lock) []promote.Image {
	images := make([]promote.Image, len(locks))
	for i, l := range locks {
		images[i] = promote.ImageOf(l)
	}
	return images
}

// resolve finds the digests of images that a VERSION is the tag of: those of
// the part in the lock file of the app.
func (p *promotion) resolve(ctx context.Context, in *promote.Intent) error {
	if in.Version == "" || len(in.Images) > 0 {
		return nil
	}
	at, _, _, err := p.environment(ctx, in.Environment)
	if err != nil {
		return err
	}
	lock, _, err := p.lockOf(ctx, at, *in)
	if err != nil {
		return err
	}
	var images imagelock.Registry
	for _, image := range imagesOf(lock.Locks) {
		if !image.Named(in.PartName()) {
			continue
		}
		if images == nil {
			if images, err = p.o.registryFlags.images(p.env, false); err != nil {
				return err
			}
		}
		ref := image.Repository() + ":" + in.Version
		digest, err := images.Digest(ctx, ref)
		if err != nil {
			return fault.New(fault.KindOf(err), "%s: image %s: %w", in.Subject(), ref, err).
				Hint("give the digest with --lock FILE or --image NAME=REFERENCE@DIGEST")
		}
		image.NewImage, image.Tag, image.Source = image.Repository()+"@"+digest, in.Version, promote.Source{}
		in.Images = append(in.Images, image)
	}
	return nil
}

// lockOf reads the lock file of an app at the tip of an environment.
func (p *promotion) lockOf(ctx context.Context, at spot, in promote.Intent) (imagelock.LockFile, string, error) {
	tree, err := p.treeOf(ctx, at.url, at.branch)
	if err != nil {
		return imagelock.LockFile{}, "", err
	}
	t, err := p.target(tree.Files, in)
	if err != nil {
		return imagelock.LockFile{}, "", err
	}
	data, err := fs.ReadFile(tree.Files, t.Lock)
	if err != nil {
		return imagelock.LockFile{}, t.Lock, nil //nolint:nilerr // there is none yet
	}
	f, err := imagelock.ReadLockFile(t.Lock, data)
	return f, t.Lock, err
}

// fromEnvironment is what another environment has of an app: one intent per
// part that was promoted there, and one for images of no part.
func (p *promotion) fromEnvironment(ctx context.Context) ([]promote.Intent, error) {
	at, from, _, err := p.environment(ctx, p.o.from)
	if err != nil {
		return nil, err
	}
	f, name, err := p.lockOf(ctx, at, promote.Intent{App: p.o.app, Environment: from, Part: p.o.part})
	if err != nil {
		return nil, err
	}
	values, err := settings(p.o.set)
	if err != nil {
		return nil, err
	}
	list := promote.From(f, promote.Intent{App: p.o.app, Environment: p.o.env, Part: p.o.part, Rollback: p.o.rollback}, from)
	if len(list) == 0 {
		return nil, fault.New(fault.NotFound, "%s/%s: nothing was promoted there: %s has no images and no builds", p.o.app, from, name).
			Hint("promote into %s first, or say what to move: VERSION, --lock FILE or --image", from)
	}
	list[0].Values = values
	list[0].Key = cmp.Or(p.o.key, list[0].Key)
	return slices.Clip(list), nil
}
