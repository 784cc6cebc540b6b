package vendoring

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/tugops/tug/internal/fault"
)

// GetOptions say what to fetch, and where to.
type GetOptions struct {
	Source Source
	// Dest is a folder that does not exist or is empty.
	Dest     string
	Strategy string
}

// Got is a package that was fetched.
type Got struct {
	Dir      string   `json:"dir"`
	Source   Source   `json:"source"`
	Resolved Resolved `json:"resolved"`
	Content  string   `json:"content"`
	Files    int      `json:"files"`
}

// Get fetches a package into a new folder, as a whole or not at all.
func (v Vendor) Get(ctx context.Context, o GetOptions) (Got, error) {
	if o.Strategy == "" {
		o.Strategy = ResourceMerge
	}
	if err := checkStrategy(o.Strategy); err != nil {
		return Got{}, err
	}
	if err := vacant(o.Dest); err != nil {
		return Got{}, err
	}
	fetched, err := v.Fetch.Fetch(ctx, o.Source)
	if err != nil {
		return Got{}, err
	}
	if o.Source.Type == Git && o.Source.Ref == "" {
		// kpt needs a ref; the commit is one that does not move.
		o.Source.Ref = fetched.Resolved.Commit
	}
	name, err := filepath.Abs(o.Dest)
	if err != nil {
		return Got{}, err
	}
	tree, err := written(fetched.Tree, filepath.Base(name), o.Source, fetched.Resolved, o.Strategy)
	if err != nil {
		return Got{}, err
	}
	record, err := recordFor(fetched, tree, o.Source, o.Strategy)
	if err != nil {
		return Got{}, err
	}
	got := Got{Dir: o.Dest, Source: o.Source, Resolved: fetched.Resolved, Content: fetched.Tree.Hash(), Files: len(fetched.Tree)}
	tree[RecordName] = record
	return got, create(o.Dest, tree)
}

func checkStrategy(s string) error {
	if slices.Contains(Strategies(), s) {
		return nil
	}
	e := fault.New(fault.Usage, "unknown update strategy %q", s)
	for _, near := range fault.Nearest(s, Strategies(), 1) {
		e.Hint("did you mean %q?", near)
	}
	return e.Hint("strategies are resource-merge, fast-forward, force-delete-replace and copy-merge")
}

// vacant wants a folder that is not there or empty.
func vacant(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fault.New(fault.Exists, "%s is in the way: %w", dir, err).Hint("name another folder behind the source")
	case len(entries) > 0:
		return fault.New(fault.Exists, "%s exists and is not empty", dir).
			Hint("name another folder behind the source, or update the package that is there: tug vendor update %s", dir)
	}
	return nil
}
