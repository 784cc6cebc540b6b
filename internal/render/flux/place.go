package flux

import (
	"bytes"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/object"
)

// place is where an object that a Kustomization gave is written, with its line
// where the file has it: kustomize tells the file alone.
func (r *run) place(by *item, o *object.Object) object.Source {
	if o.Source.Line > 0 {
		return o.Source
	}
	if n := by.document(o); n != nil {
		return object.Source{File: o.Source.File, Line: n.Line}
	}
	return o.Source
}

// prefixAt is "file:line: " of a key of an object, or "" where it cannot be
// found: then a patch or another file has brought it.
func (r *run) prefixAt(it *item, o *object.Object, path []string) string {
	by := it.parent
	if by == nil {
		by = it
	}
	n := by.document(o)
	for _, step := range path {
		if n = child(n, step); n == nil {
			return ""
		}
	}
	return object.Source{File: o.Source.File, Line: n.Line}.String() + ": "
}

// document is the YAML of an object in its file, or nil.
func (it *item) document(o *object.Object) *yaml.Node {
	if it.from == nil || o.Source.File == "" {
		return nil
	}
	var only *yaml.Node
	for _, root := range it.from.documents(o.Source.File) {
		if scalar(root, "kind") != o.GVK().Kind {
			continue
		}
		if scalar(child(root, "metadata"), "name") == o.Name() {
			return root
		}
		if only == nil {
			only = root // the name may have got a prefix
		}
	}
	return only
}

// documents are those of a file as far as they can be read; a file with many
// Flux objects is asked for again and again. Not for concurrent use.
func (t *tree) documents(file string) []*yaml.Node {
	if roots, ok := t.docs[file]; ok {
		return roots
	}
	var roots []*yaml.Node
	data, err := readFile(t.files, t.within(file))
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for err == nil {
		var doc yaml.Node
		if err = dec.Decode(&doc); err == nil && len(doc.Content) > 0 {
			roots = append(roots, doc.Content[0])
		}
	}
	if t.docs == nil {
		t.docs = map[string][]*yaml.Node{}
	}
	t.docs[file] = roots
	return roots
}

func scalar(n *yaml.Node, key string) string {
	if v := child(n, key); v != nil {
		return v.Value
	}
	return ""
}

// child is the key of a map (its own node where the value is on the next
// line) or the entry of a list.
func child(n *yaml.Node, step string) *yaml.Node {
	if n == nil {
		return nil
	}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind == yaml.SequenceNode {
		if i, err := strconv.Atoi(step); err == nil && i < len(n.Content) {
			return n.Content[i]
		}
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == step {
			return n.Content[i+1]
		}
	}
	return nil
}
