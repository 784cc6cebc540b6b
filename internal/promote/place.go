package promote

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/yamledit"
)

// place is a value in a file that a person keeps, which says a version.
type place struct {
	file string
	path yamledit.Path
	in   yamledit.Match // document, in a file of several
	old  string
	// names are what the version may be of: a chart, an image, a policy.
	names []string
	kind  placeKind
}

type placeKind int

const (
	aVersion   placeKind = iota // of a chart or image
	aDigest                     // of an image
	aReference                  // of an image, whole
	aName                       // of an image, without tag
)

// places finds the values of a target that say versions.
func places(files fs.FS, t Target) ([]place, error) {
	names, err := t.yamlFiles(files)
	if err != nil {
		return nil, err
	}
	var all []place
	for _, name := range names {
		data, err := readSmall(files, name)
		if err != nil {
			return nil, err
		}
		if !worthwhile(t, name, data) {
			continue
		}
		for _, root := range documents(data) {
			f := finder{file: name, root: root}
			f.look(t)
			all = append(all, f.found...)
		}
	}
	return all, nil
}

// worthwhile spares parsing what has no versions.
func worthwhile(t Target, name string, data []byte) bool {
	if t.Chart != "" && path.Dir(name) == path.Clean(t.Chart) || isKustomization(name) {
		return true
	}
	for _, word := range []string{"$imagepolicy", "renovate:", "HelmRelease", "OCIRepository"} {
		if bytes.Contains(data, []byte(word)) {
			return true
		}
	}
	return false
}

func isKustomization(name string) bool {
	return slices.Contains([]string{"kustomization.yaml", "kustomization.yml", "Kustomization"}, path.Base(name))
}

// documents are the roots of a stream, nil for those without content; none for
// what is not YAML (templates).
func documents(data []byte) []*yaml.Node {
	var list []*yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			return nil
		}
		list = append(list, doc.Content[0])
	}
}

// finder looks through one document.
type finder struct {
	file  string
	root  *yaml.Node
	found []place
}

func (f *finder) look(t Target) {
	base := path.Base(f.file)
	switch {
	case t.Chart != "" && path.Dir(f.file) == path.Clean(t.Chart) && (base == "Chart.yaml" || base == "requirements.yaml"):
		f.dependencies()
	case isKustomization(f.file):
		f.kustomization()
	}
	switch kind := text(f.root, "kind"); kind {
	case "HelmRelease":
		spec := get(f.root, "spec", "chart", "spec")
		f.add(aVersion, yamledit.Keys("spec", "chart", "spec", "version"), text(spec, "chart"), text(get(f.root, "metadata"), "name"))
	case "OCIRepository":
		spec := get(f.root, "spec")
		f.add(aVersion, yamledit.Keys("spec", "ref", "tag"), shortName(text(spec, "url")), text(get(f.root, "metadata"), "name"))
	}
	f.markers(nil, f.root, nil)
}

// add keeps a place that is there.
func (f *finder) add(kind placeKind, p yamledit.Path, names ...string) {
	n := follow(f.root, p)
	if n == nil || n.Kind != yaml.ScalarNode {
		return
	}
	names = slices.DeleteFunc(names, func(s string) bool { return s == "" })
	f.found = append(f.found, place{file: f.file, path: p, in: f.match(), old: n.Value, names: names, kind: kind})
}

// match tells the document from others of its file.
func (f *finder) match() yamledit.Match {
	m := yamledit.Match{}
	for _, keys := range [][]string{{"kind"}, {"metadata", "name"}, {"metadata", "namespace"}} {
		if n := get(f.root, keys...); n != nil && n.Kind == yaml.ScalarNode {
			m[strings.Join(keys, ".")] = n.Value
		}
	}
	if len(m) == 0 {
		return nil
	}
	return m
}

// dependencies of a chart, by name and alias.
func (f *finder) dependencies() {
	for i, d := range items(get(f.root, "dependencies")) {
		f.add(aVersion, yamledit.Keys("dependencies").At(i).Child("version"), text(d, "name"), text(d, "alias"))
	}
}

func (f *finder) kustomization() {
	for i, image := range items(get(f.root, "images")) {
		at := yamledit.Keys("images").At(i)
		names := []string{text(image, "name"), text(image, "newName")}
		f.add(aVersion, at.Child("newTag"), names...)
		f.add(aDigest, at.Child("digest"), names...)
	}
	for i, chart := range items(get(f.root, "helmCharts")) {
		f.add(aVersion, yamledit.Keys("helmCharts").At(i).Child("version"), text(chart, "name"), text(chart, "releaseName"))
	}
}

// markers finds values with a comment of Flux or Renovate.
func (f *finder) markers(p yamledit.Path, n *yaml.Node, beside *yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			at := p.Child(key.Value)
			if value.Kind == yaml.ScalarNode {
				f.marked(at, value, n, key.HeadComment, value.LineComment, key.LineComment)
			}
			f.markers(at, value, n)
		}
	case yaml.SequenceNode:
		for i, value := range n.Content {
			if value.Kind == yaml.ScalarNode {
				f.marked(p.At(i), value, n, value.HeadComment, value.LineComment)
			}
			f.markers(p.At(i), value, beside)
		}
	}
}

var (
	fluxMarker     = regexp.MustCompile(`\A#\s*(\{.*\})\s*\z`)
	renovateMarker = regexp.MustCompile(`#\s*renovate:\s*(.*)`)
	renovateField  = regexp.MustCompile(`\b(depName|packageName|image|lookupName)=(\S+)`)
)

// marked keeps a value that a comment marks. The fields beside it may name the
// image.
func (f *finder) marked(p yamledit.Path, value, beside *yaml.Node, comments ...string) {
	for i, c := range comments {
		if m := fluxMarker.FindStringSubmatch(c); m != nil && i > 0 {
			var marker struct {
				Policy string `json:"$imagepolicy"`
			}
			if json.Unmarshal([]byte(m[1]), &marker) == nil && marker.Policy != "" {
				f.flux(p, value, beside, marker.Policy)
			}
		}
		lines := strings.Split(c, "\n")
		if m := renovateMarker.FindStringSubmatch(lines[len(lines)-1]); m != nil {
			var names []string
			for _, field := range renovateField.FindAllStringSubmatch(m[1], -1) {
				names = append(names, field[2])
			}
			f.add(valueKind(value.Value), p, names...)
		}
	}
}

// flux reads a marker: namespace:policy, and :tag, :name or :digest.
func (f *finder) flux(p yamledit.Path, value, beside *yaml.Node, policy string) {
	parts := strings.Split(policy, ":")
	if len(parts) < 2 {
		return
	}
	names := []string{parts[1]}
	for _, key := range []string{"repository", "name", "newName", "image"} {
		names = append(names, text(beside, key))
	}
	kind := aReference
	if len(parts) > 2 {
		switch parts[2] {
		case "tag":
			kind = aVersion
		case "name":
			kind = aName
		case "digest":
			kind = aDigest
		default:
			return
		}
	}
	if kind == aReference || kind == aName {
		names = append(names, repositoryOf(value.Value))
	}
	f.add(kind, p, names...)
}

// valueKind tells what a value is that Renovate keeps up.
func valueKind(value string) placeKind {
	switch {
	case strings.HasPrefix(value, "sha256:"):
		return aDigest
	case strings.Contains(value, "/") || strings.Contains(value, ":") && !strings.Contains(value, "@"):
		return aReference
	}
	return aVersion
}

// is reports whether a place is about something: a name, or the same name
// behind a registry.
func (p place) is(what string) bool {
	return slices.ContainsFunc(p.names, func(n string) bool {
		return n == what || !strings.Contains(what, "/") && shortName(n) == what
	})
}

// ofImage reports whether a place is about an image.
func (p place) ofImage(i Image) bool {
	return slices.ContainsFunc(p.names, func(n string) bool {
		repository := repositoryOf(n)
		return n == i.Name || repository == repositoryOf(i.Name) || repository == repositoryOf(i.NewImage) ||
			!strings.Contains(n, "/") && n == shortName(i.Name)
	})
}

// next is what a place becomes for an image; empty when there is nothing to
// put there.
func (p place) next(i Image, version string) string {
	tag := i.Tag
	if tag == "" {
		tag = version
	}
	_, digest, _ := strings.Cut(i.NewImage, "@")
	repository := repositoryOf(i.NewImage)
	if strings.Contains(p.old, "@sha256:") && p.kind == aVersion && tag != "" {
		return tag + "@" + digest
	}
	switch {
	case p.kind == aDigest:
		return digest
	case p.kind == aName:
		return repository
	case p.kind == aVersion:
		return tag
	case tag == "":
		return repository + "@" + digest
	case strings.Contains(p.old, "@"):
		return repository + ":" + tag + "@" + digest
	}
	return repository + ":" + tag
}

func (p place) edit(value string) yamledit.Edit {
	return yamledit.Edit{In: p.in, Path: p.path, Value: yamledit.String(value), Existing: true}
}

// names for errors, of all places.
func namesOf(all []place) []string {
	var list []string
	for _, p := range all {
		for _, n := range p.names {
			if !slices.Contains(list, n) {
				list = append(list, n)
			}
		}
	}
	slices.Sort(list)
	return list
}

func get(n *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		n = child(n, key)
	}
	return n
}

func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func text(n *yaml.Node, key string) string {
	if v := child(n, key); v != nil && v.Kind == yaml.ScalarNode {
		return v.Value
	}
	return ""
}

func items(n *yaml.Node) []*yaml.Node {
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}

// follow is the value at a path of keys and places.
func follow(n *yaml.Node, p yamledit.Path) *yaml.Node {
	for _, s := range p {
		switch {
		case s.Kind == yamledit.Index && n != nil && n.Kind == yaml.SequenceNode && s.Index < len(n.Content):
			n = n.Content[s.Index]
		case s.Kind == yamledit.Key:
			n = child(n, s.Key)
		default:
			return nil
		}
	}
	return n
}
