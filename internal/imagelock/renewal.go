package imagelock

import (
	"slices"

	"github.com/tugops/tug/internal/object"
)

// Renewal decides what the lock file of one app holds: what the app runs and
// nothing else locks.
type Renewal struct {
	// All resolves what the file has as well.
	All bool
	// Own are the entries of the file, Others everything else that holds for
	// the app. Others come first: what they lock is none of the file's.
	Own    []Lock
	Others Set
}

// Todo is what a Renewal comes to.
type Todo struct {
	// Images are to be resolved, with the overrides of Others.
	Images []string

	keep  []Lock
	repos map[string]Lock // entries for repositories, by the image to resolve
}

// Plan goes through the images of objects.
func (r Renewal) Plan(objects []*object.Object) Todo {
	t := Todo{repos: map[string]Lock{}}
	own := newPinner(Set{Locks: r.Own})
	kept := map[*Lock]bool{}
	for _, use := range Uses(objects, r.Others) {
		if use.Digest != "" || use.Lock != nil && use.Lock.Pending == "" {
			continue
		}
		l := own.lock(use.Image)
		switch {
		case l == nil && use.Lock == nil && !use.Runs:
		case l == nil:
			t.Images = append(t.Images, use.Image)
		case kept[l]:
		case !r.All || l.Repo && l.Tag() == "":
			kept[l] = true
			t.keep = append(t.keep, *l)
		case l.Repo:
			// What its tag means now; the tag in the manifests is not asked.
			kept[l] = true
			image := l.Image + ":" + l.Tag()
			t.repos[image] = *l
			t.Images = append(t.Images, image)
		default:
			t.Images = append(t.Images, use.Image)
		}
	}
	t.Images = slices.Compact(slices.Sorted(slices.Values(t.Images)))
	return t
}

// Locks are the entries of the file once the images of t are resolved.
func (t Todo) Locks(resolved []Resolved) []Lock {
	locks := slices.Clone(t.keep)
	for _, r := range resolved {
		l := Lock{Image: r.Image, NewImage: r.NewImage, Origins: r.Origins}
		if repo, ok := t.repos[r.Image]; ok {
			l.Image, l.Repo = repo.Image, true
		}
		locks = append(locks, l)
	}
	return sorted(locks)
}

// Without is s without the locks of one file; "" names none.
func (s Set) Without(file string) Set {
	if file == "" {
		return s
	}
	s.Locks = slices.DeleteFunc(slices.Clone(s.Locks), func(l Lock) bool { return l.Source.File == file })
	return s
}
