// Package plain reads folders of Kubernetes YAML and single files of it.
//
// A folder is read with everything below it, in the order of the paths. Files
// count by their ending (.yaml, .yml, .json); what starts with a dot is left
// out, which covers `.release/`. Files that configure tools of this trade (tug
// itself, kbld, imgpkg) may lie between the objects and are passed over with a
// warning. Anything else that is not an object is an error: a folder is
// deployed whole or not at all.
package plain

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
)

// Renderer reads plain YAML. The zero value is ready for use.
type Renderer struct{}

var _ render.Renderer = Renderer{}

// Render reads the file or folder at r.Path.
func (Renderer) Render(ctx context.Context, r render.Request) (render.Result, error) {
	if err := r.RefuseValues("plain YAML"); err != nil {
		return render.Result{}, err
	}
	files, err := read(ctx, r)
	if err != nil {
		return render.Result{}, err
	}
	var result render.Result
	for _, f := range files {
		objects, skipped, err := objectsOf(f)
		if err != nil {
			return render.Result{}, err
		}
		result.Objects = append(result.Objects, objects...)
		result.Warnings = append(result.Warnings, skipped...)
	}
	result.Objects = render.CRDsFirst(result.Objects)
	return result, nil
}

// read gives the files to look at, named by their path in the repository.
func read(ctx context.Context, r render.Request) ([]render.File, error) {
	root, err := render.CleanPath(r.Path)
	if err != nil {
		return nil, err
	}
	info, err := fs.Stat(r.Files, root)
	if err != nil {
		return nil, fault.New(fault.NotFound, "%s does not exist", root).
			Hint("name a file or folder of YAML, relative to the root of the repository")
	}
	tree := &render.Tree{Files: r.Files, Skip: skip}
	if !info.IsDir() {
		data, err := tree.ReadFile(root)
		return []render.File{{Name: root, Data: data}}, err
	}
	files, err := tree.Read(ctx, root)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fault.New(fault.NotFound, "%s holds no YAML", root).
			Hint("files must end in .yaml, .yml or .json")
	}
	for i := range files {
		files[i].Name = path.Join(root, files[i].Name)
	}
	return files, nil
}

func skip(name string, folder bool) bool {
	if strings.HasPrefix(path.Base(name), ".") {
		return true
	}
	return !folder && !isManifest(name)
}

func isManifest(name string) bool {
	switch path.Ext(name) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}

// objectsOf reads one file. Bare documents (neither apiVersion nor kind) are
// image references in files for kbld, and nothing that belongs anywhere else.
func objectsOf(f render.File) (objects []*object.Object, warnings []string, err error) {
	docs, err := object.ReadDocuments(f.Name, f.Data)
	if err != nil {
		return nil, nil, err
	}
	forKbld := false
	for _, d := range docs {
		forKbld = forKbld || toolOf(d) == "kbld"
	}
	for _, d := range docs {
		tool := toolOf(d)
		if tool == "" && forKbld && bare(d) {
			tool = "kbld"
		}
		if tool != "" {
			warnings = append(warnings, fmt.Sprintf("%s is a file for %s and was left out", d.Source, tool))
			continue
		}
		found, err := objectsIn(d)
		if err != nil {
			return nil, nil, err
		}
		objects = append(objects, found...)
	}
	return objects, warnings, nil
}

func objectsIn(d object.Document) ([]*object.Object, error) {
	if err := render.CheckHead(d); err != nil {
		return nil, err
	}
	switch base := path.Base(d.Source.File); {
	case apiGroup(d) == "kustomize.config.k8s.io" || strings.TrimSuffix(strings.TrimSuffix(base, ".yml"), ".yaml") == "kustomization":
		return nil, fault.New(fault.Invalid, "%s: a kustomization lies between plain YAML", d.Source).
			Hint("make its folder the path of an app of its own")
	case base == "Chart.yaml" && bare(d):
		return nil, fault.New(fault.Invalid, "%s: a Helm chart lies between plain YAML", d.Source).
			Hint("make its folder the path of an app of its own")
	}
	return d.Objects()
}

// toolOf names the tool that a document configures, or "".
func toolOf(d object.Document) string {
	switch group := apiGroup(d); {
	case group == "kbld.k14s.io":
		return "kbld"
	case group == "imgpkg.carvel.dev":
		return "imgpkg"
	case group == "tug.dev":
		return "tug"
	}
	return ""
}

func apiGroup(d object.Document) string {
	version, _ := d.Fields["apiVersion"].(string)
	group, _, grouped := strings.Cut(version, "/")
	if !grouped {
		return ""
	}
	return group
}

func bare(d object.Document) bool {
	return d.Fields["kind"] == nil && (d.Fields["apiVersion"] == nil || path.Base(d.Source.File) == "Chart.yaml")
}
