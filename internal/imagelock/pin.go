package imagelock

import (
	"cmp"
	"slices"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// Result is what Pin gives.
type Result struct {
	// Objects are in the given order; those with a pinned image are copies.
	Objects  []*object.Object
	Unpinned []Unpinned
}

// Unpinned is an image that runs as a tag: no lock covers it and it has no
// digest of its own.
type Unpinned struct {
	Image  string
	Ref    object.Ref
	Source object.Source // of the object
	Path   string        // of the value in the object
}

// Pin replaces every image reference that a lock of the set covers and records
// in the annotation object.AnnotationImages where it comes from. The given
// objects stay as they are.
//
// A reference is covered by the lock of exactly this image, or else by the one
// of its repository. A reference with a digest of its own is replaced too when
// a lock covers it, and is fine when none does.
func Pin(objects []*object.Object, set Set) (Result, error) {
	p := newPinner(set)
	r := Result{Objects: make([]*object.Object, 0, len(objects))}
	for _, o := range objects {
		pinned, unpinned, err := p.object(o)
		if err != nil {
			return Result{}, err
		}
		r.Objects = append(r.Objects, pinned)
		r.Unpinned = append(r.Unpinned, unpinned...)
	}
	return r, nil
}

type pinner struct {
	rules        []Rule
	exact, repos map[string]*Lock
	entries      map[*Lock]string // annotation text of locks in use
}

func newPinner(set Set) *pinner {
	p := &pinner{
		rules: slices.Concat(set.Rules, builtinRules()),
		exact: map[string]*Lock{},
		repos: map[string]*Lock{},

		entries: map[*Lock]string{},
	}
	for i := range set.Locks {
		l := &set.Locks[i]
		index := p.exact
		if l.Repo {
			index = p.repos
		}
		if known := index[l.Image]; known == nil || known.Pending != "" {
			index[l.Image] = l
		}
	}
	return p
}

// lock is the lock that covers an image, or nil. A pending lock gives way to
// one that has a digest.
func (p *pinner) lock(image string) *Lock {
	exact, repo := p.exact[image], p.repos[repositoryOf(image)]
	if exact == nil || exact.Pending != "" && repo != nil && repo.Pending == "" {
		return repo
	}
	return exact
}

// found is what the search in one object came upon.
type found struct {
	used     []*Lock
	pinned   []string // references with a digest that no lock covers
	unpinned []Unpinned
	pending  []pending
}

type pending struct {
	lock *Lock
	ref  reference
}

func (p *pinner) object(o *object.Object) (*object.Object, []Unpinned, error) {
	var f found
	s := searcher{rules: p.rules, visit: func(ref reference) (string, bool) { return p.visit(o, &f, ref) }}
	fields, changed := s.value(o.Fields)
	if len(f.pending) > 0 {
		return nil, nil, pendingError(o, f.pending)
	}
	slices.SortFunc(f.unpinned, func(a, b Unpinned) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Image, b.Image))
	})
	if !changed {
		return o, f.unpinned, nil
	}
	out := (&object.Object{Fields: fields.(map[string]any), Source: o.Source}).Copy()
	return out, f.unpinned, p.annotate(out, f.used, f.pinned)
}

func (p *pinner) visit(o *object.Object, f *found, ref reference) (string, bool) {
	l := p.lock(ref.image)
	switch {
	case l != nil && l.Pending != "":
		f.pending = append(f.pending, pending{l, ref})
	case l != nil:
		f.used = append(f.used, l)
		return l.NewImage, true
	case hasDigest(ref.image):
		f.pinned = append(f.pinned, ref.image)
	case ref.runs:
		f.unpinned = append(f.unpinned, Unpinned{Image: ref.image, Ref: o.Ref(), Source: o.Source, Path: ref.place})
	}
	return "", false
}

func pendingError(o *object.Object, all []pending) error {
	first := slices.MinFunc(all, func(a, b pending) int { return cmp.Compare(a.ref.place, b.ref.place) })
	l := first.lock
	return fault.New(fault.Invalid, "%s: override of %q %s (%s), and a digest is needed to pin %s of %s",
		l.Source, l.Image, l.Pending, l.NewImage, first.ref.place, o.Ref()).
		Hint("write newImage as registry/name@sha256:…, or lock it: tug image lock resolves it once")
}
