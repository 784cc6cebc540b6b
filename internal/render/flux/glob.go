package flux

import (
	"context"
	"io/fs"
	"path"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/render"
)

// rootOf is the folder that a pattern is relative to, and the path of the part
// of the pattern without wildcards.
func (t *tree) rootOf(pattern string) (root, fixed string) {
	parts := strings.Split(path.Clean(pattern), "/")
	start := path.Join(parts[:fixedParts(parts)]...)
	roots := t.allRoots()
	for _, root := range roots {
		if name := path.Join(root, start); exists(t.files, name) {
			return root, name
		}
	}
	return roots[0], path.Join(roots[0], start)
}

// fixedParts counts the leading parts of a pattern without wildcards.
func fixedParts(parts []string) int {
	n := 0
	for n < len(parts) && !strings.ContainsAny(parts[n], "*?[") {
		n++
	}
	return n
}

// glob lists the files that a pattern means, and the folder that their paths
// in the artifact are relative to.
func (t *tree) glob(ctx context.Context, root, pattern string, exclude []string) (base string, files []string, err error) {
	clean := path.Clean(pattern)
	parts := strings.Split(clean, "/")
	fixed := fixedParts(parts)
	start := path.Join(root, path.Join(parts[:fixed]...))
	base = start
	if fixed == len(parts) {
		base = path.Dir(start) // a folder is copied as a folder
		if clean == "." {
			base = start
		}
	}
	skip := &ignores{base: base}
	skip.parse(strings.Join(exclude, "\n"))
	err = fs.WalkDir(t.files, start, func(name string, e fs.DirEntry, err error) error {
		if ctxErr := ctx.Err(); ctxErr != nil || err != nil {
			return first(ctxErr, err)
		}
		if e.IsDir() {
			return nil
		}
		rel := name
		if root != "." {
			rel = strings.TrimPrefix(strings.TrimPrefix(name, root), "/")
		}
		if fixed < len(parts) && !matchParts(parts, strings.Split(rel, "/")) {
			return nil
		}
		if !skip.match(name, false) {
			files = append(files, name)
		}
		if len(files) > render.MaxEntries {
			return fault.New(fault.Invalid, "more than %d files", render.MaxEntries)
		}
		return nil
	})
	if err != nil && !exists(t.files, start) {
		return "", nil, fault.New(fault.NotFound, "%s does not exist in %s", pattern, t.label())
	}
	return base, files, err
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
