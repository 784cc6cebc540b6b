package flux

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
)

// tree is a file tree that Kustomizations and charts are read from: the
// repository, one of another, or an artifact put together from one.
type tree struct {
	// name is for people: empty for the repository itself.
	name  string
	files fs.FS
	// base is where the tree's root is in files.
	base string
	// roots are folders that paths may be relative to, the likeliest first: the
	// pipeline of an OCI artifact may push a folder of the repository, and
	// outside Git the repository may begin below the current folder. Only base
	// counts when there are none.
	roots []string
	// origin maps paths of an artifact to those of the repository; nil when
	// they are the same.
	origin map[string]string
	docs   map[string][]*yaml.Node // files that were looked at for places
}

// within is the path in files of a path that an object's Source has.
func (t *tree) within(name string) string {
	for in, from := range t.origin {
		if from == name {
			return in
		}
	}
	return name
}

// restore makes the Source of an object that was read through an artifact one
// of the repository.
func (t *tree) restore(s object.Source) object.Source {
	if from, ok := t.origin[s.File]; ok {
		s.File = from
	}
	return s
}

// rootsAbove are the folders from the top of the repository down to folder.
func rootsAbove(folder string) []string {
	roots := []string{"."}
	if folder == "." {
		return roots
	}
	for i, c := range folder {
		if c == '/' {
			roots = append(roots, folder[:i])
		}
	}
	return append(roots, folder)
}

// find gives the path in files of a path that a Flux object names. Flux takes
// a leading / for the root of the source; what leads out of it is refused.
func (t *tree) find(text string) (string, error) {
	clean := path.Clean(strings.TrimLeft(text, "/"))
	if text == "" {
		clean = "."
	}
	if !fs.ValidPath(clean) || strings.ContainsRune(clean, '\\') {
		return "", fault.New(fault.Invalid, "path %q leads out of %s", text, t.label()).
			Hint("paths are relative to the root of the source")
	}
	for _, root := range t.allRoots() {
		name := path.Join(root, clean)
		if _, err := fs.Stat(t.files, name); err == nil {
			return realPath(t.files, name)
		}
	}
	f := fault.New(fault.NotFound, "path %q does not exist in %s", text, t.label())
	if near := sibling(t.files, path.Join(t.base, clean)); near != "" {
		f = f.Hint("did you mean %s?", near)
	}
	return "", f
}

// readFile reads one regular file within the limits of a render. Devices and
// pipes are refused before they are opened: they could give data without end,
// or none for ever.
func readFile(files fs.FS, name string) ([]byte, error) {
	if info, err := fs.Stat(files, name); err == nil && !info.Mode().IsRegular() {
		return nil, fault.New(fault.Invalid, "%s is not a file", name)
	}
	return (&render.Tree{Files: files}).ReadFile(name)
}

// maxLinks bounds symbolic links on one path.
const maxLinks = 40

// realPath follows the symbolic links of a path, so that a file put over it is
// found by engines that follow them, too.
func realPath(files fs.FS, name string) (string, error) {
	done, todo := ".", strings.Split(name, "/")
	for n := 0; len(todo) > 0; {
		next := path.Join(done, todo[0])
		todo = todo[1:]
		info, err := fs.Lstat(files, next)
		if err != nil || info.Mode().Type() != fs.ModeSymlink {
			done = next
			continue
		}
		target, err := fs.ReadLink(files, next)
		if n++; err != nil || n > maxLinks || path.IsAbs(target) || !fs.ValidPath(path.Join(done, target)) {
			return "", fault.New(fault.Invalid, "%s: a symbolic link leads out of the repository, or in a circle", next).
				Hint("a symbolic link must stay inside the repository and must not lead back to its own folder")
		}
		todo = append(strings.Split(path.Clean(target), "/"), todo...)
	}
	return done, nil
}

func (t *tree) allRoots() []string {
	if len(t.roots) > 0 {
		return t.roots
	}
	return []string{path.Join(".", t.base)}
}

func (t *tree) label() string {
	if t.name == "" {
		return "this repository"
	}
	return t.name
}

// sibling is a path with nearly the same last name, or "".
func sibling(files fs.FS, name string) string {
	entries, err := fs.ReadDir(files, path.Dir(name))
	if err != nil {
		return ""
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if near := fault.Nearest(path.Base(name), names, 1); len(near) > 0 {
		return path.Join(path.Dir(name), near[0])
	}
	return ""
}

// treeOf is what a Kustomization or chart is read from, by its source object.
func (r *run) treeOf(ctx context.Context, ref object.Ref) (*tree, error) {
	o, _ := r.set.get(ref)
	if r.isHome(ref, o.Object) {
		return r.home, nil
	}
	if absent := r.absentSource(ref); absent != nil {
		return nil, absent
	}
	switch ref.Kind {
	case kindGitRepository:
		return r.gitTree(ctx, o)
	case kindExternalArtifact:
		return r.artifact(ctx, ref)
	}
	return nil, fault.New(fault.Invalid, "%s %s/%s (%s) is not this repository", ref.Kind, ref.Namespace, ref.Name, placeOf(o.Object)).
		Hint("only Git repositories are read from elsewhere; a source named %s is taken for this repository", bootstrapName)
}

// absentSource is the fault for a source that nothing declares, or nil.
func (r *run) absentSource(ref object.Ref) error {
	o, known := r.set.get(ref)
	if known || r.isHome(ref, o.Object) {
		return nil
	}
	if ref.Kind == kindExternalArtifact {
		if _, _, ok := r.generatorOf(ref); ok {
			return nil
		}
	}
	f := fault.New(fault.NotFound, "sourceRef names %s %s/%s, which is not among the rendered objects", ref.Kind, ref.Namespace, ref.Name)
	if near := r.nearNames(ref); near != "" {
		f = f.Hint("there is %s", near)
	}
	return f.Hint("add it to the kustomization, or render the folder that has it as well; one named %s is taken for this repository", bootstrapName)
}

// isHome reports whether a source is this repository: the one a cluster is
// bootstrapped with, or one with the URL of the repository's remote.
func (r *run) isHome(ref object.Ref, o *object.Object) bool {
	switch ref.Kind {
	case kindGitRepository, kindOCIRepository, kindBucket:
	default:
		return false
	}
	if ref.Name == bootstrapName {
		return true
	}
	if o == nil || r.request.Repository == "" {
		return false
	}
	spec, _ := o.Fields["spec"].(map[string]any)
	url, _ := spec["url"].(string)
	return url != "" && sameURL(url, r.request.Repository)
}

// sameURL compares the addresses of two Git repositories in any spelling:
// scheme, user, port, ".git" and the form host:path make no difference.
func sameURL(a, b string) bool { return plainURL(a) != "" && plainURL(a) == plainURL(b) }

func plainURL(url string) string {
	scheme, rest, hasScheme := strings.Cut(url, "://")
	if !hasScheme {
		rest = scheme
	}
	if _, after, ok := strings.Cut(rest, "@"); ok && !strings.Contains(rest[:len(rest)-len(after)-1], "/") {
		rest = after
	}
	host, file, _ := strings.Cut(rest, "/")
	if name, below, ok := strings.Cut(host, ":"); ok {
		host = name
		if strings.Trim(below, "0123456789") != "" || !hasScheme {
			file = path.Join(below, file) // host:path
		}
	}
	file = strings.TrimSuffix(strings.Trim(path.Clean("/"+file), "/"), ".git")
	if host == "" && !hasScheme || file == "" {
		return ""
	}
	return strings.ToLower(host) + "/" + file
}

// gitTree fetches another Git repository, once per URL and ref.
func (r *run) gitTree(ctx context.Context, o found) (*tree, error) {
	spec, _ := o.Fields["spec"].(map[string]any)
	url, _ := spec["url"].(string)
	if url == "" {
		return nil, fault.New(fault.Invalid, "GitRepository %s/%s (%s) has no url", o.Namespace(), o.Name(), placeOf(o.Object))
	}
	ref, err := gitRef(o, spec)
	if err != nil {
		return nil, err
	}
	if include, _ := spec["include"].([]any); len(include) > 0 {
		return nil, fault.New(fault.Invalid, "GitRepository %s (%s): include is not supported", o.Name(), placeOf(o.Object)).
			Hint("name the other repository as the source, or vendor its files (tug vendor)")
	}
	if r.request.Sources == nil {
		return nil, outOfReach(url)
	}
	r.treesMu.Lock()
	defer r.treesMu.Unlock()
	key := url + "@" + ref
	if t := r.trees[key]; t != nil {
		return t, nil
	}
	from := object.Source{File: o.Source.File, Line: o.Source.Line}
	p, err := r.request.Sources.Tree(ctx, render.TreeRef{URL: url, Ref: ref, From: from})
	if err != nil {
		return nil, fmt.Errorf("fetch GitRepository %s/%s: %w", o.Namespace(), o.Name(), err)
	}
	t := &tree{name: "Git repository " + url, files: p.Files, base: path.Clean(p.Path)}
	r.trees[key] = t
	return t, nil
}

// gitRef is the branch, tag or commit of a GitRepository; Flux takes master
// when none is named.
func gitRef(o found, spec map[string]any) (string, error) {
	ref, _ := spec["ref"].(map[string]any)
	for _, key := range []string{"commit", "name", "semver", "tag", "branch"} {
		text, _ := ref[key].(string)
		switch {
		case text == "":
		case key == "semver":
			return "", fault.New(fault.Invalid, "GitRepository %s (%s): ref.semver %q changes with every tag of the other repository", o.Name(), placeOf(o.Object), text).
				Hint("write the tag or the commit")
		case key == "name":
			return strings.TrimPrefix(strings.TrimPrefix(text, "refs/heads/"), "refs/tags/"), nil
		default:
			return text, nil
		}
	}
	return "master", nil
}

func outOfReach(url string) error {
	return fault.New(fault.Invalid, "%s lies outside the repository, and nothing gives access to it", url)
}
