package flux

import (
	"context"
	"io/fs"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
)

// generate writes the kustomization that Flux writes for a folder without one:
// all YAML files below it, and folders with a kustomization of their own as a
// whole.
func generate(ctx context.Context, t *tree, folder string) ([]byte, error) {
	ignored, err := t.ignoreRules()
	if err != nil {
		return nil, err
	}
	g := generation{tree: t, folder: folder, ignored: ignored}
	err = fs.WalkDir(t.files, folder, func(name string, e fs.DirEntry, err error) error {
		if ctxErr := ctx.Err(); ctxErr != nil || err != nil || name == folder {
			return first(ctxErr, err)
		}
		return g.visit(name, e.IsDir())
	})
	if err != nil {
		return nil, err
	}
	if len(g.resources) == 0 {
		return nil, fault.New(fault.NotFound, "%s holds no YAML", folder).Hint("give a folder with Flux objects or a kustomization.yaml")
	}
	slices.Sort(g.resources)
	return yaml.Marshal(map[string]any{
		"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": g.resources,
	})
}

// generation is the look through one folder.
type generation struct {
	*tree
	folder    string
	ignored   *ignores
	resources []string
}

func (g *generation) visit(name string, folder bool) error {
	rel := strings.TrimPrefix(name, g.folder+"/")
	switch {
	case len(g.resources) > render.MaxEntries:
		return fault.New(fault.Invalid, "%s: more than %d files", g.folder, render.MaxEntries)
	case g.ignored.match(name, folder):
		if folder && !g.ignored.negates {
			return fs.SkipDir
		}
	case folder && hasKustomization(g.files, name):
		g.resources = append(g.resources, rel)
		return fs.SkipDir
	case !folder && (path.Ext(name) == ".yaml" || path.Ext(name) == ".yml"):
		g.resources = append(g.resources, rel)
		return checkObjects(g.files, name)
	}
	return nil
}

// checkObjects refuses a file that holds something else than objects, as Flux
// does, but with its line.
func checkObjects(files fs.FS, name string) error {
	data, err := readFile(files, name)
	if err != nil {
		return err
	}
	docs, err := object.ReadDocuments(name, data)
	if err != nil {
		return err
	}
	for _, d := range docs {
		if _, err := d.Objects(); err != nil {
			return fault.New(fault.Invalid, "%w", err).
				Hint("without a kustomization.yaml Flux takes every YAML file in %s for objects: add one that lists those that are", path.Dir(name))
		}
	}
	return nil
}

func hasKustomization(files fs.FS, folder string) bool {
	for _, base := range kustomizationNames() {
		if info, err := fs.Stat(files, path.Join(folder, base)); err == nil && !info.IsDir() {
			return true
		}
	}
	return false
}

func exists(files fs.FS, name string) bool {
	_, err := fs.Stat(files, name)
	return err == nil
}

func validPath(name string) bool { return fs.ValidPath(name) && !strings.ContainsRune(name, '\\') }
