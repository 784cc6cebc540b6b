package flux

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
)

// Bounds of an expansion; real fleets stay far below.
const (
	maxItems = 10_000
	maxDepth = 32
)

// run is one render under way.
type run struct {
	engines Renderer
	request render.Request
	folder  string
	home    *tree // the repository

	items    []*item // in the order in which they were found
	set      *set
	warnings []string
	sawFlux  bool

	randomMu sync.Mutex // of request.Generate
	treesMu  sync.Mutex
	trees    map[string]*tree // of other repositories, by URL and ref
}

func newRun(f Renderer, r render.Request, folder string) *run {
	return &run{
		engines: f, request: r, folder: folder,
		home:  &tree{files: r.Files, roots: rootsAbove(folder)},
		set:   newSet(r.Namespace),
		trees: map[string]*tree{},
	}
}

// start builds the folder itself. A Kustomization in it whose path is the
// folder is the folder's own (bootstrap writes one): its patches, images and
// variables then count for the build.
func (r *run) start(ctx context.Context) error {
	first := &item{ref: object.Ref{Group: groupKustomize, Kind: kindKustomization}, from: r.home, folder: r.folder}
	built, err := r.buildFolder(ctx, first)
	if err != nil {
		return err
	}
	own, err := r.ownKustomization(built.objects)
	if err != nil {
		return err
	}
	if own != nil {
		own.from, own.folder = r.home, r.folder
		first = own
		if built, err = r.buildAgain(ctx, first, built); err != nil {
			return fmt.Errorf("%s: %w", first, err)
		}
	}
	r.items = append(r.items, first)
	first.state = done
	r.warnings = append(r.warnings, built.warnings...)
	return r.take(first, built.objects)
}

// work expands items until nothing is left. An item waits until everything it
// refers to is there; when all wait, those go on that lack optional things
// only.
func (r *run) work(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		worked, err := r.round(ctx, func(m missing) bool { return len(m.required)+len(m.optional) == 0 })
		if err != nil {
			return err
		}
		if worked {
			continue
		}
		if worked, err = r.one(ctx); err != nil {
			return err
		}
		if !worked {
			r.giveUp()
			return nil
		}
	}
}

// round builds the Kustomizations that are ready, or else renders the
// HelmReleases that are.
func (r *run) round(ctx context.Context, ready func(missing) bool) (bool, error) {
	worked := false
	for i := 0; i < len(r.items); i++ {
		it := r.items[i]
		if it.state != pending || it.kustomization == nil || !ready(r.missing(it)) {
			continue
		}
		worked = true
		if err := r.kustomize(ctx, it); err != nil {
			return false, err
		}
	}
	if worked {
		return true, nil
	}
	var list []*item
	for _, it := range r.items {
		if it.state == pending && it.release != nil && ready(r.missing(it)) {
			list = append(list, it)
		}
	}
	return len(list) > 0, r.releases(ctx, list)
}

// one goes on with the first item that lacks nothing it must have.
func (r *run) one(ctx context.Context) (bool, error) {
	for _, it := range r.items {
		if it.state != pending || len(r.missing(it).required) > 0 {
			continue
		}
		if it.kustomization != nil {
			return true, r.kustomize(ctx, it)
		}
		return true, r.releases(ctx, []*item{it})
	}
	return false, nil
}

// giveUp fails what still waits.
func (r *run) giveUp() {
	for _, it := range r.items {
		if it.state == pending {
			r.fail(it, r.missing(it).required[0])
		}
	}
}

func (r *run) kustomize(ctx context.Context, it *item) error {
	built, err := r.buildItem(ctx, it)
	if err != nil {
		return r.settle(ctx, it, err)
	}
	it.state = done
	r.warnings = append(r.warnings, built.warnings...)
	return r.take(it, built.objects)
}

// releases renders HelmReleases on all processors and takes what they give in
// their order.
func (r *run) releases(ctx context.Context, list []*item) error {
	found := make([][]*object.Object, len(list))
	errs := make([]error, len(list))
	err := render.Parallel(ctx, len(list), func(i int) error {
		found[i], errs[i] = r.renderRelease(ctx, list[i])
		return nil
	})
	if err != nil {
		return err
	}
	for i, it := range list {
		if errs[i] != nil {
			if err := r.settle(ctx, it, errs[i]); err != nil {
				return err
			}
			continue
		}
		it.state = done
		for _, w := range it.warned {
			r.warnings = append(r.warnings, it.String()+": "+w)
		}
		if err := r.take(it, found[i]); err != nil {
			return err
		}
	}
	return nil
}

// settle keeps a failure; only the end of the context stops everything.
func (r *run) settle(ctx context.Context, it *item, err error) error {
	if ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		return ctx.Err()
	}
	r.fail(it, err)
	return nil
}

func (r *run) fail(it *item, err error) { it.state, it.err = failed, err }

// failure is the first thing that went wrong, with a hint that names others.
func (r *run) failure() error {
	var first error
	var others []string
	for _, it := range r.items {
		switch {
		case it.err == nil:
		case first == nil:
			first = fmt.Errorf("%s: %w", it, it.err)
		default:
			others = append(others, it.String())
		}
	}
	if len(others) == 0 {
		return first
	}
	const shown = 5
	more := ""
	if len(others) > shown {
		more = fmt.Sprintf(" and %d more", len(others)-shown)
		others = others[:shown]
	}
	return fault.New(fault.KindOf(first), "%w", first).
		Hint("these cannot be rendered either: %s%s", strings.Join(others, ", "), more)
}

func (r *run) warn(format string, args ...any) {
	r.warnings = append(r.warnings, fmt.Sprintf(format, args...))
}
