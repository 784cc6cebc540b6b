package promote

import (
	"bytes"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/imagelock"
	"github.com/tugops/tug/internal/yamledit"
)

// readLock is the machine-owned file as it is; a new one when it is missing.
func (a *application) readLock() (imagelock.LockFile, error) {
	fresh := imagelock.LockFile{Format: a.target.Format, App: a.in.App, Environment: a.in.Environment}
	if fresh.Format == "" {
		fresh.Format = imagelock.FormatTug
	}
	data, err := readSmall(a.files, a.target.Lock)
	if err != nil || data == nil {
		return fresh, err
	}
	f, err := imagelock.ReadLockFile(a.target.Lock, data)
	if err != nil || f.Format == "" {
		return fresh, err
	}
	if f.App != "" && f.App != a.in.App || f.Environment != "" && a.in.Environment != "" && f.Environment != a.in.Environment {
		return f, fault.New(fault.Conflict, "%s is the lock of %s/%s", a.target.Lock, f.App, f.Environment).
			Hint("a lock file is for one app in one environment: give each its own, or a folder for them in tug.yaml (locks:)")
	}
	return f, nil
}

// writeLock puts images and the record of the build into the machine-owned
// file. A promotion without images and order needs no record where there is
// none: what it says is in the files of people.
func (a *application) writeLock(was imagelock.Promotion) error {
	if len(a.in.Images) > 0 && a.target.LockUnread {
		return fault.New(fault.Invalid, "the app has no place for image locks").
			Hint("add to the app in tug.yaml: locks: [\"app-locks/{{.env}}/\"]")
	}
	if len(a.in.Images) == 0 && a.in.Sequence == 0 && was.Of == "" {
		return nil
	}
	before, err := readSmall(a.files, a.target.Lock)
	if err != nil {
		return err
	}
	locks := slices.Clone(a.lock.Locks)
	for _, image := range a.in.Images {
		locks = a.withImage(locks, image)
	}
	f := a.lock
	f.Promotions = withPart(f.Promotions, recorded(a.in, was))
	after, err := f.Encode(locks)
	if err != nil {
		return err
	}
	if !bytes.Equal(before, after) {
		a.out.Files[a.target.Lock] = after
	}
	return nil
}

// withImage replaces the lock of an image or adds it.
func (a *application) withImage(locks []imagelock.Lock, image Image) []imagelock.Lock {
	l := imagelock.Lock{Image: image.Name, Repo: image.Repo, NewImage: image.NewImage, App: a.lock.App, Environment: a.lock.Environment}
	source := image.Source
	if source == (Source{}) {
		source = a.in.Source
	}
	git := map[string]any{}
	for key, value := range map[string]string{"remoteURL": source.Repository, "sha": source.Commit, "path": source.Path} {
		if value != "" {
			git[key] = value
		}
	}
	if len(git) > 0 {
		l.Origins = append(l.Origins, map[string]any{"git": git})
	}
	if image.Tag != "" {
		l.Origins = append(l.Origins, map[string]any{"resolved": map[string]any{"tag": image.Tag, "url": repositoryOf(image.NewImage) + ":" + image.Tag}})
	}
	change := Change{File: a.target.Lock, What: image.Name, To: image.NewImage}
	i := slices.IndexFunc(locks, func(o imagelock.Lock) bool { return o.Image == l.Image && o.Repo == l.Repo })
	if i < 0 {
		locks = append(locks, l)
	} else {
		change.From = locks[i].NewImage
		locks[i] = l
	}
	if change.From != change.To {
		a.out.Changes = append(a.out.Changes, change)
	}
	return locks
}

// firstDocument is the one that an edit is for, as far as that can be told
// without making it.
func firstDocument(data []byte, in yamledit.Match) *yaml.Node {
	for _, root := range documents(data) {
		if in == nil || text(root, "kind") == in["kind"] && text(get(root, "metadata"), "name") == in["metadata.name"] {
			return root
		}
	}
	return nil
}
