package project

import (
	"io/fs"
	"path"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// fluxObject finds the objects that make a folder a Flux layout. The group in
// a definition or a patch target is no such object.
var fluxObject = regexp.MustCompile(`(?m)^apiVersion:[ \t]*["']?(helm|kustomize)\.toolkit\.fluxcd\.io/`)

// Bounds of the look through a layout, for detection only.
const (
	maxFluxFiles  = 2_000
	maxFluxFolder = 500
)

// isFlux reports whether a kustomization has Flux objects: whether one of the
// files that it lists, or that its bases and components list, declares one.
func (l layout) isFlux(dir string) bool {
	s := fluxSearch{layout: l, seen: map[string]bool{}}
	return s.folder(dir)
}

// declaresFlux reports whether a file right in a folder without a
// kustomization declares a Flux object, as in the folder of a cluster.
func (l layout) declaresFlux(dir string) bool {
	entries, err := fs.ReadDir(l.files, dir)
	if err != nil {
		return false
	}
	s := fluxSearch{layout: l, seen: map[string]bool{}}
	for _, e := range entries {
		if !e.IsDir() && isYAML(e.Name()) && s.file(path.Join(dir, e.Name())) {
			return true
		}
	}
	return false
}

type fluxSearch struct {
	layout
	seen           map[string]bool
	files, folders int
}

func (s *fluxSearch) folder(dir string) bool {
	if s.seen[dir] || s.folders == maxFluxFolder {
		return false
	}
	s.seen[dir] = true
	s.folders++
	mark := markIn(s.layout.files, dir, kustomizationFiles())
	if mark == "" {
		return false
	}
	data, err := readFile(s.layout.files, path.Join(dir, mark))
	if err != nil {
		return false
	}
	var k struct {
		Resources  []string `yaml:"resources"`
		Bases      []string `yaml:"bases"`
		Components []string `yaml:"components"`
	}
	if yaml.Unmarshal(data, &k) != nil {
		return false
	}
	for _, list := range [][]string{k.Resources, k.Bases, k.Components} {
		for _, ref := range list {
			name := path.Join(dir, ref)
			if strings.Contains(ref, "://") || !fs.ValidPath(name) {
				continue
			}
			if s.file(name) || isDir(s.layout.files, name) && s.folder(name) {
				return true
			}
		}
	}
	return false
}

func (s *fluxSearch) file(name string) bool {
	if s.files == maxFluxFiles || !isFile(s.layout.files, name) {
		return false
	}
	s.files++
	data, err := readFile(s.layout.files, name)
	return err == nil && fluxObject.Match(data)
}

// fluxFolder resolves the folder of a Flux layout, which needs no mark.
func (r *resolver) fluxFolder(text string, at Position) {
	dir, ok := r.resolve(text, at)
	if !ok || !r.exists(dir, at, "Flux folder") {
		return
	}
	if !isDir(r.p.files, dir) {
		r.report(at, "name the folder it is in", "Flux folder %q is a file", dir)
		return
	}
	r.s.Paths = []string{dir}
}
