package cli

import (
	"bytes"
	"cmp"
	"context"
	"io/fs"
	"slices"

	"github.com/tugops/tug/internal/imagelock"
	"github.com/tugops/tug/internal/project"
)

// lockFile is what became of the lock file of one app; its exported part is
// the JSON result.
type lockFile struct {
	App     string           `json:"app"`
	Env     string           `json:"env,omitempty"`
	File    string           `json:"file,omitempty"` // empty: there is nothing to lock
	Format  imagelock.Format `json:"format,omitempty"`
	Changed bool             `json:"changed"`
	Images  []lockedImage    `json:"images"`

	place        lockPlace
	before, data []byte
}

// lockedImage is what became of one entry.
type lockedImage struct {
	Image    string `json:"image"`
	NewImage string `json:"newImage,omitempty"`
	Was      string `json:"was,omitempty"`
	Action   string `json:"action"` // added, updated, removed or kept
}

// lockFile decides what the lock file of an app holds.
func (o imageLockOptions) lockFile(ctx context.Context, src *source, a imageApp, r *imagelock.Resolver) (*lockFile, error) {
	place, err := o.place(src, a.spec)
	if err != nil {
		return nil, err
	}
	f := &lockFile{App: a.spec.App, Env: a.spec.Env, Images: []lockedImage{}, place: place}
	file, err := place.current(a.spec)
	if err != nil {
		return nil, err
	}
	f.before = place.data
	renewal := imagelock.Renewal{All: o.update, Own: file.Locks, Others: a.locks.Without(place.inside)}
	if place.byHand {
		usual, name := usualLocks(src, a.spec)
		renewal.Own, renewal.Others = append(renewal.Own, usual...), renewal.Others.Without(name)
	}
	todo := renewal.Plan(a.objects)
	resolved, err := r.Resolve(ctx, renewal.Others, todo.Images)
	if err != nil {
		return nil, err
	}
	locks := todo.Locks(resolved)
	f.Images = compareLocks(file.Locks, locks)
	if len(locks) == 0 && f.before == nil {
		return f, nil
	}
	if o.format != "" {
		file.Format = imagelock.Format(o.format)
	}
	f.File, f.Format = place.shown, file.Format
	if f.data, err = file.Encode(locks); err != nil {
		return nil, err
	}
	f.Changed = !bytes.Equal(f.before, f.data)
	return f, nil
}

// usualLocks are those of the file that the app's lock is usually in: a lock
// that is written elsewhere holds them as well.
func usualLocks(src *source, spec project.Spec) (locks []imagelock.Lock, name string) {
	name, err := lockName(src, spec)
	if err != nil {
		return nil, ""
	}
	data, err := fs.ReadFile(src.files, name)
	if err != nil {
		return nil, ""
	}
	file, err := imagelock.ReadLockFile(name, data)
	if err != nil {
		return nil, ""
	}
	return file.Locks, name
}

// write puts the file in its place as a whole, or leaves it as it is.
func (f *lockFile) write(env *Env) error {
	switch {
	case f.File == "":
		return nil
	case f.place.shown == "-":
		return env.write("", f.data)
	case !f.Changed:
		return nil
	}
	return f.place.write(f.data)
}

// compareLocks lists what happens to each entry, by image.
func compareLocks(before, after []imagelock.Lock) []lockedImage {
	old := map[string]imagelock.Lock{}
	for _, l := range before {
		old[l.Image] = l
	}
	list := []lockedImage{}
	for _, l := range after {
		was, known := old[l.Image]
		i := lockedImage{Image: l.Image, NewImage: l.NewImage, Action: "added"}
		switch {
		case known && was.NewImage == l.NewImage:
			i.Action = "kept"
		case known:
			i.Action, i.Was = "updated", was.NewImage
		}
		delete(old, l.Image)
		list = append(list, i)
	}
	for _, l := range old {
		list = append(list, lockedImage{Image: l.Image, Was: l.NewImage, Action: "removed"})
	}
	slices.SortFunc(list, func(a, b lockedImage) int { return cmp.Compare(a.Image, b.Image) })
	return list
}
