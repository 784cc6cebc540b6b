package imagelock

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/tugops/tug/internal/fault"
)

// questions asks a registry everything at most once per run, however many
// references come to the same.
type questions struct {
	registry Registry

	mu      sync.Mutex
	answers map[string]*answer
}

type answer struct {
	once  sync.Once
	value any
	err   error
}

func newQuestions(r Registry) *questions {
	return &questions{registry: r, answers: map[string]*answer{}}
}

// ask gives the answer to a question, which is what and about together.
func ask[T any](q *questions, what, about string, question func() (T, error)) (T, error) {
	var none T
	if q.registry == nil {
		return none, fault.New(fault.Invalid, "it needs the %s of %s, and --hermetic allows no access to a registry", what, about).
			Hint("lock it without --hermetic first, and commit the lock")
	}
	q.mu.Lock()
	a := q.answers[what+" "+about]
	if a == nil {
		a = &answer{}
		q.answers[what+" "+about] = a
	}
	q.mu.Unlock()
	a.once.Do(func() { a.value, a.err = question() })
	if a.err != nil {
		return none, a.err
	}
	return a.value.(T), nil
}

// digest asks for the digest of a tag, twice: registries that made up a digest
// for every request have been seen (carvel-dev/kbld#21).
func (q *questions) digest(ctx context.Context, image string) (string, error) {
	return ask(q, "digest", image, func() (string, error) {
		first, err := q.registry.Digest(ctx, image)
		if err != nil {
			return "", err
		}
		second, err := q.registry.Digest(ctx, image)
		if err != nil {
			return "", err
		}
		if first != second {
			return "", fault.New(fault.Unavailable, "the registry gives two digests for %s: %s and %s", image, first, second).
				Hint("somebody may have pushed it just now: try again")
		}
		return first, nil
	})
}

func (q *questions) tags(ctx context.Context, repository string) ([]string, error) {
	return ask(q, "tags", repository, func() ([]string, error) { return q.registry.Tags(ctx, repository) })
}

type index struct {
	children []Child
	is       bool
}

func (q *questions) children(ctx context.Context, image string) ([]Child, bool, error) {
	i, err := ask(q, "platforms", image, func() (index, error) {
		children, is, err := q.registry.Children(ctx, image)
		return index{children, is}, err
	})
	return i.children, i.is, err
}

func (q *questions) exists(ctx context.Context, image string) error {
	_, err := ask(q, "existence", image, func() (struct{}, error) { return struct{}{}, q.registry.Exists(ctx, image) })
	return err
}

// resolveFault has a line for every image that could not be resolved; nil when
// there is none. Its kind is the one they share.
func resolveFault(images []string, errs []error) error {
	var lines []string
	var first error
	var hints []string
	kind := fault.Invalid
	for i, err := range errs {
		if err == nil {
			continue
		}
		if first == nil {
			first, kind = err, fault.KindOf(err)
		} else if fault.KindOf(err) != kind {
			kind = fault.Invalid
		}
		lines = append(lines, fmt.Sprintf("resolve image %q: %s", images[i], strings.ReplaceAll(err.Error(), "\n", " ")))
		for _, h := range fault.HintsOf(err) {
			if !contains(hints, []string{h}) {
				hints = append(hints, h)
			}
		}
	}
	switch len(lines) {
	case 0:
		return nil
	case 1:
		return withHints(fault.New(kind, "%s", lines[0]), hints)
	}
	return withHints(fault.New(kind, "%d images cannot be resolved:\n- %s", len(lines), strings.Join(lines, "\n- ")), hints)
}

func withHints(f *fault.Error, hints []string) error {
	f.Hints = hints
	return f
}
