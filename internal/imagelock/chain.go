package imagelock

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"github.com/tugops/tug/internal/fault"
)

// chain is one run of a Resolver: the way of each reference to its digest.
type chain struct {
	*Resolver
	set   Set
	locks *pinner
}

// image follows the chain for one reference: override, then source, then
// digest or tag, then platform. What an override says instead is what the
// steps behind it look at.
func (c *chain) image(ctx context.Context, image string) (Resolved, error) {
	out := Resolved{Image: image, Lock: c.locks.lock(image)}
	url, platform := image, c.Platform
	if l := out.Lock; l != nil {
		if l.Choice == nil {
			out.NewImage, out.Origins = l.NewImage, c.preresolved(l)
			return out, c.verify(ctx, &out)
		}
		url = l.Choice.From
		if l.Choice.Platform != nil {
			platform = l.Choice.Platform
		}
		if l.Choice.Tags != nil {
			var err error
			if url, err = c.selected(ctx, url, l); err != nil {
				return out, err
			}
			return out, c.digest(ctx, &out, url, platform)
		}
	}
	if b := c.set.build(url); b != nil {
		return out, c.built(ctx, &out, url, b, platform)
	}
	return out, c.digest(ctx, &out, url, platform)
}

// selected is the tag that an override selects.
func (c *chain) selected(ctx context.Context, repository string, l *Lock) (string, error) {
	tags, err := c.asked.tags(ctx, fullRepository(repository))
	if err != nil {
		return "", err
	}
	tag, err := l.Choice.Tags.Highest(tags)
	if err != nil {
		return "", fault.New(fault.NotFound, "%s: tags of %s: %w", l.Source, repository, err).
			Hint("versions count in full only (1.27.0, not 1.27); widen semver.constraints, or admit pre-releases with prereleases: {}")
	}
	return repository + ":" + tag, nil
}

// built is an image with a source. tug builds none here: there must be a lock
// for where it was pushed, or the word that it was pushed (Pushed).
func (c *chain) built(ctx context.Context, out *Resolved, url string, b *Build, platform *Platform) error {
	d := c.set.destination(url)
	if d != nil {
		if l := c.locks.lock(d.NewImage); l != nil && l.Choice == nil {
			out.Lock, out.NewImage, out.Origins = l, l.NewImage, c.preresolved(l)
			return c.verify(ctx, out)
		}
	}
	if d == nil || !c.Pushed {
		f := fault.New(fault.Invalid, "%s: it is built from %q, and there is no lock for what was built", b.Source, b.Path)
		if d == nil {
			return f.Hint("add an ImageDestinations entry that says where it is pushed to").
				Hint("or give the lock file that its pipeline wrote")
		}
		return f.Hint("give the lock file that its pipeline wrote, or --pushed when %s has been built and pushed already", d.NewImage).
			Hint("tug build --push in the code repository builds it and writes that lock")
	}
	pushed := d.NewImage
	if len(d.Tags) > 0 && repositoryOf(pushed) == pushed {
		pushed += ":" + d.Tags[0]
	}
	if err := c.digest(ctx, out, pushed, platform); err != nil {
		return err
	}
	if len(d.Tags) > 0 {
		out.Origins = append(out.Origins, map[string]any{"tagged": map[string]any{"tags": anyList(d.Tags)}})
	}
	return nil
}

// digest resolves a reference that no override and no source concerns.
func (c *chain) digest(ctx context.Context, out *Resolved, url string, platform *Platform) error {
	if strings.Contains(url, "@") {
		if !hasDigest(url) {
			return fault.New(fault.Invalid, "%q has no valid digest", url).Hint("a digest is sha256: and 64 hex digits")
		}
		out.NewImage = fullName(url)
		if platform == nil {
			return c.verify(ctx, out)
		}
		return c.child(ctx, out, platform)
	}
	if strings.ContainsFunc(url, unicode.IsSpace) || repositoryOf(url) == "" {
		return fault.New(fault.Invalid, "%q is no image reference", url)
	}
	repository, tag := fullRepository(repositoryOf(url)), tagOf(url)
	digest, err := c.asked.digest(ctx, repository+":"+tag)
	if err != nil {
		return err
	}
	out.NewImage, out.Fresh = repository+"@"+digest, true
	out.Origins = append(out.Origins, map[string]any{"resolved": map[string]any{"url": url, "tag": tag}})
	return c.child(ctx, out, platform)
}

// child replaces an index by its one image for the platform. An image that is
// no index is taken to be right, as kbld does.
func (c *chain) child(ctx context.Context, out *Resolved, platform *Platform) error {
	if platform == nil {
		return nil
	}
	index := out.NewImage
	children, isIndex, err := c.asked.children(ctx, index)
	if err != nil || !isIndex {
		return err
	}
	var found []string
	for _, child := range children {
		if platform.admits(child.Platform) {
			found = append(found, child.Digest)
		}
	}
	if len(found) != 1 {
		return fault.New(fault.NotFound, "index %s has %d images for %s where one is needed", index, len(found), platform).
			Hint("%s", platformHint(children))
	}
	repository, _, _ := strings.Cut(index, "@")
	out.NewImage = repository + "@" + found[0]
	selected := map[string]any{"index": index, "os": platform.OS, "architecture": platform.Architecture}
	if platform.Variant != "" {
		selected["variant"] = platform.Variant
	}
	out.Origins = append(out.Origins, map[string]any{"platformSelected": selected})
	return nil
}

func platformHint(children []Child) string {
	var names []string
	for _, c := range children {
		if c.Platform.OS != "" && c.Platform.OS != "unknown" {
			names = append(names, c.Platform.String())
		}
	}
	if len(names) == 0 {
		return "the index names no platforms"
	}
	return "it has " + strings.Join(names, ", ")
}

// preresolved are the origins of a lock and the fact that it was one; that is
// said once however often an image goes through locks.
func (c *chain) preresolved(l *Lock) []map[string]any {
	var list []map[string]any
	said := false
	for _, o := range l.Origins {
		if o = portable(o, c.Root); o == nil {
			continue
		}
		if p, ok := o["preresolved"].(map[string]any); ok && p["url"] == l.NewImage {
			said = true
		}
		list = append(list, o)
	}
	if said {
		return list
	}
	return append(list, map[string]any{"preresolved": map[string]any{"url": l.NewImage}})
}

// verify asks for an image that no registry was asked about so far.
func (c *chain) verify(ctx context.Context, out *Resolved) error {
	if !c.Verify {
		return nil
	}
	err := c.asked.exists(ctx, fullName(out.NewImage))
	if err != nil && out.NewImage != out.Image {
		return fmt.Errorf("verify %s: %w", out.NewImage, err)
	}
	return err
}

func anyList(texts []string) []any {
	list := make([]any, len(texts))
	for i, t := range texts {
		list[i] = t
	}
	return list
}
