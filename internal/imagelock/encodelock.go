package imagelock

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/tugops/tug/internal/fault"
)

type imagesLock struct {
	APIVersion string        `json:"apiVersion"`
	Kind       string        `json:"kind"`
	Images     []imgpkgImage `json:"images,omitempty"`
}

type imgpkgImage struct {
	Image       string            `json:"image"`
	Annotations map[string]string `json:"annotations"`
}

// EncodeImgpkg writes locks as imgpkg's ImagesLock, sorted by image. Without
// origins only the reference of the manifests is annotated. An ImagesLock
// cannot say that a lock is for a whole repository, or for a tag.
func EncodeImgpkg(locks []Lock, origins bool) ([]byte, error) {
	out := imagesLock{APIVersion: imgpkgVersion, Kind: "ImagesLock"}
	for _, l := range sorted(locks) {
		if err := settled(l); err != nil {
			return nil, err
		}
		if l.Repo || !hasDigest(l.NewImage) {
			return nil, fault.New(fault.Invalid, "%s: an ImagesLock cannot hold the lock of %q as %q", l.Source, l.Image, l.NewImage).
				Hint("it holds single images with digests; --format tug and --format kbld hold others as well")
		}
		image := imgpkgImage{Image: l.NewImage, Annotations: map[string]string{annotationID: l.Image}}
		if list := portableOrigins(l); origins && len(list) > 0 {
			text, err := yaml.Marshal(list)
			if err != nil {
				return nil, fault.New(fault.Invalid, "%s: origins of %q: %w", l.Source, l.Image, err)
			}
			image.Annotations[annotationOrigins] = string(text)
		}
		out.Images = append(out.Images, image)
	}
	data, err := yaml.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("YAML of the ImagesLock: %w", err)
	}
	return append([]byte("---\n"), data...), nil
}

func portableOrigins(l Lock) []map[string]any {
	var list []map[string]any
	for _, o := range l.Origins {
		if o = portable(o, ""); o != nil {
			list = append(list, o)
		}
	}
	return list
}

func sorted(locks []Lock) []Lock {
	return slices.SortedFunc(slices.Values(locks), func(a, b Lock) int {
		return cmp.Or(cmp.Compare(a.Image, b.Image), cmp.Compare(a.NewImage, b.NewImage))
	})
}

// EncodeTug writes locks as tug's ImageLock for an app and environment (either
// may be empty), sorted by image. It keeps of the origins what tug's own form
// has a place for: tag and source.
func EncodeTug(locks []Lock, app, environment string) ([]byte, error) {
	var b strings.Builder
	b.WriteString("# Written by tug; changes by hand are lost.\n")
	fmt.Fprintf(&b, "apiVersion: %s\nkind: ImageLock\n", tugVersion)
	for _, f := range [][2]string{{"app", app}, {"environment", environment}} {
		if f[1] != "" {
			fmt.Fprintf(&b, "%s: %s\n", f[0], scalar(f[1]))
		}
	}
	if len(locks) == 0 {
		b.WriteString("images: []\n")
		return []byte(b.String()), nil
	}
	b.WriteString("images:\n")
	for _, l := range sorted(locks) {
		if err := settled(l); err != nil {
			return nil, err
		}
		entry, err := EncodeEntry(l)
		if err != nil {
			return nil, err
		}
		b.WriteString(entry)
	}
	return []byte(b.String()), nil
}

// EncodeEntry is the text of one lock in tug's form.
func EncodeEntry(l Lock) (string, error) {
	if !hasDigest(l.NewImage) {
		return "", fault.New(fault.Invalid, "%s: lock of %q without a digest: %q", l.Source, l.Image, l.NewImage)
	}
	var b strings.Builder
	key := "image"
	if l.Repo {
		key = "imageRepo"
	}
	fmt.Fprintf(&b, "- %s: %s\n", key, scalar(l.Image))
	if digest := DigestOf(l.NewImage); bareDigest.MatchString(digest) && repositoryOf(l.Image)+"@"+digest == l.NewImage {
		fmt.Fprintf(&b, "  digest: %s\n", digest)
	} else {
		fmt.Fprintf(&b, "  newImage: %s\n", scalar(l.NewImage))
	}
	if tag := l.Tag(); tag != "" {
		fmt.Fprintf(&b, "  tag: %s\n", scalar(tag))
	}
	b.WriteString(sourceText(l))
	return b.String(), nil
}

// Tag is the tag that had the digest when it was locked; "" when the origins
// do not say.
func (l Lock) Tag() string {
	tag, _ := originText(l, "resolved", "tag")
	return tag
}

// Built is what an image was built from, as far as the origins say.
func (l Lock) Built() (repository, commit, path string) {
	repository, _ = originText(l, "git", "remoteURL")
	commit, _ = originText(l, "git", "sha")
	path, _ = originText(l, "git", "path")
	return withoutCredentials(repository), commit, path
}

func originText(l Lock, kind, field string) (string, bool) {
	for _, o := range l.Origins {
		if body, ok := o[kind].(map[string]any); ok {
			if text, ok := body[field].(string); ok && text != "" {
				return text, true
			}
		}
	}
	return "", false
}

// sourceText is the block "source" of an entry, or "".
func sourceText(l Lock) string {
	var b strings.Builder
	for _, f := range [][2]string{{"repository", "remoteURL"}, {"commit", "sha"}, {"path", "path"}} {
		text, ok := originText(l, "git", f[1])
		if !ok {
			continue
		}
		if f[0] == "repository" {
			text = withoutCredentials(text)
		}
		if b.Len() == 0 {
			b.WriteString("  source:\n")
		}
		fmt.Fprintf(&b, "    %s: %s\n", f[0], scalar(text))
	}
	return b.String()
}

// scalar is a string as YAML writes it, in quotes where it would mean
// something else without.
func scalar(text string) string {
	data, err := yaml.Marshal(text)
	if err != nil {
		return fmt.Sprintf("%q", text)
	}
	return strings.TrimSuffix(string(data), "\n")
}
