package promote

import (
	"slices"

	"github.com/tugops/tug/internal/imagelock"
)

// From makes intents of what the lock file of another environment says: one for
// each part that was promoted there, with its images and its place in the order
// of builds, and one for images of no part. With a part in the pattern it is
// that part alone. Pattern says the rest; from is the name of that environment.
func From(f imagelock.LockFile, pattern Intent, from string) []Intent {
	var list []Intent
	used := map[string]bool{}
	for _, p := range f.Promotions {
		for _, image := range p.Images {
			used[image] = true
		}
		if pattern.Part != "" && p.Of != pattern.Part {
			continue
		}
		in := pattern
		if in.Part = p.Of; p.Of == pattern.App {
			in.Part = ""
		}
		in.Version, in.Sequence = p.Version, p.Sequence
		in.Source = Source{Repository: p.Repository, Commit: p.Commit}
		if p.Key != "" {
			in.Key = p.Key + "/" + from
		}
		in.Images = imagesOf(f.Locks, func(l imagelock.Lock) bool { return slices.Contains(p.Images, l.Image) })
		if in.Version != "" || len(in.Images) > 0 {
			list = append(list, in)
		}
	}
	if pattern.Part != "" && len(list) > 0 {
		return list
	}
	in := pattern
	in.Images = imagesOf(f.Locks, func(l imagelock.Lock) bool {
		return !used[l.Image] && (pattern.Part == "" || shortName(l.Image) == pattern.Part)
	})
	if len(in.Images) > 0 {
		list = append(list, in)
	}
	return list
}

func imagesOf(locks []imagelock.Lock, which func(imagelock.Lock) bool) []Image {
	var images []Image
	for _, l := range locks {
		if which(l) {
			images = append(images, ImageOf(l))
		}
	}
	return images
}

// ImageOf is a lock as an image to move.
func ImageOf(l imagelock.Lock) Image {
	repository, commit, path := l.Built()
	return Image{
		Name: l.Image, Repo: l.Repo, NewImage: l.NewImage, Tag: l.Tag(),
		Source: Source{Repository: repository, Commit: commit, Path: path},
	}
}

// Named reports whether an image is called so: its name without registry and
// tag.
func (i Image) Named(name string) bool { return shortName(i.Name) == name || i.Name == name }

// Repository is where the image is, without tag and digest.
func (i Image) Repository() string { return repositoryOf(i.NewImage) }
