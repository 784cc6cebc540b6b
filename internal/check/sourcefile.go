package check

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/check/problem"
	"github.com/tugops/tug/internal/object"
)

// sourceFile is one file of the repository: YAML with positions, or a template.
type sourceFile struct {
	lines []string
	docs  []*yaml.Node // maps; none for templates
	tmpl  *template    // nil for YAML
}

func newSourceFile(data []byte) *sourceFile {
	f := &sourceFile{lines: strings.Split(string(data), "\n")}
	if docs, ok := parseDocs(data); ok {
		f.docs = docs
		return f
	}
	f.tmpl = newTemplate(f.lines)
	return f
}

// parseDocs reads the documents of plain YAML; templates are none.
func parseDocs(data []byte) ([]*yaml.Node, bool) {
	if bytes.Contains(data, []byte("{{")) && bytes.Contains(data, []byte("}}")) {
		// A template may be YAML by chance; its lines are found as text.
		return nil, false
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var docs []*yaml.Node
	for {
		var n yaml.Node
		switch err := dec.Decode(&n); {
		case errors.Is(err, io.EOF):
			return docs, true
		case err != nil:
			return nil, false
		}
		if len(n.Content) > 0 && n.Content[0].Kind == yaml.MappingNode {
			docs = append(docs, n.Content[0])
		}
	}
}

// find gives the line of the field at a path of an object, and how many steps
// of the path were found; -1 when the object was not.
func (f *sourceFile) find(o *object.Object, p problem.Path) (line, depth int) {
	if f.tmpl != nil {
		return f.tmpl.find(o, p)
	}
	var best *yaml.Node
	for _, d := range f.docs {
		if d.Line == o.Source.Line {
			best = d
		}
	}
	if best == nil || !isObject(best, o) {
		if d := f.document(o); d != nil {
			best = d
		}
	}
	if best == nil {
		return o.Source.Line, -1
	}
	line, depth, _ = descend(best, p)
	return line, depth
}

// document is the one with the kind and name of an object; the name may have
// got a prefix or suffix since.
func (f *sourceFile) document(o *object.Object) *yaml.Node {
	var near *yaml.Node
	for _, d := range allObjects(f.docs) {
		if value(d, "kind") != o.GVK().Kind {
			continue
		}
		switch name := value(child(d, "metadata"), "name"); {
		case name == o.Name():
			return d
		case name != "" && strings.Contains(o.Name(), name):
			near = d
		}
	}
	return near
}

// allObjects are documents and the items of lists.
func allObjects(docs []*yaml.Node) []*yaml.Node {
	var all []*yaml.Node
	for _, d := range docs {
		all = append(all, d)
		if items := child(d, "items"); items != nil && items.Kind == yaml.SequenceNode {
			all = append(all, items.Content...)
		}
	}
	return all
}

func isObject(n *yaml.Node, o *object.Object) bool { return value(n, "kind") == o.GVK().Kind }

// findPatch is find for a partial object of the same kind and name, or for a
// patch inside a kustomization.
func (f *sourceFile) findPatch(o *object.Object, p problem.Path) (line, depth int) {
	if f == nil || f.tmpl != nil {
		return 0, -1
	}
	if d := f.document(o); d != nil {
		line, depth, _ = descend(d, p)
		return line, depth
	}
	return 0, -1
}

// differs reports whether the file holds a plain value that is not the one of
// the object: something else has set it since.
func (f *sourceFile) differs(o *object.Object, p problem.Path) bool {
	if f.tmpl != nil {
		return false
	}
	d := f.document(o)
	if d == nil {
		return false
	}
	_, depth, n := descend(d, p)
	want, ok := p.Get(o.Fields)
	if depth < len(p) || !ok || n == nil || n.Kind != yaml.ScalarNode {
		return false
	}
	switch want.(type) {
	case map[string]any, []any, nil:
		return true
	}
	return n.Value != fmt.Sprint(want)
}

// descend follows a path as far as it goes.
func descend(n *yaml.Node, p problem.Path) (line, depth int, at *yaml.Node) {
	line = n.Line
	for i, step := range p {
		n = alias(n)
		switch s := step.(type) {
		case string:
			key, v := pair(n, s)
			if key == nil {
				return line, i, n
			}
			line, n = key.Line, v
		case int:
			if n.Kind != yaml.SequenceNode || s >= len(n.Content) {
				return line, i, n
			}
			n = n.Content[s]
			line = n.Line
		}
	}
	return line, len(p), alias(n)
}

func alias(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func pair(n *yaml.Node, key string) (k, v *yaml.Node) {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i], n.Content[i+1]
		}
	}
	return nil, nil
}

func child(n *yaml.Node, key string) *yaml.Node {
	_, v := pair(alias(n), key)
	return alias(v)
}

func value(n *yaml.Node, key string) string {
	if v := child(n, key); v != nil && v.Kind == yaml.ScalarNode {
		return v.Value
	}
	return ""
}

// strings are all plain values of a file.
func (f *sourceFile) strings() []string {
	var list []string
	var visit func(n *yaml.Node)
	visit = func(n *yaml.Node) {
		if n.Kind == yaml.ScalarNode {
			list = append(list, n.Value)
		}
		for _, c := range n.Content {
			visit(c)
		}
	}
	for _, d := range f.docs {
		visit(d)
	}
	return list
}
