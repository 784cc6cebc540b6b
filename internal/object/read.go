package object

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/fault"
)

// Document is one YAML document as data, before it is known to be an object.
type Document struct {
	Fields map[string]any
	Source Source
}

// ReadYAML reads a stream of Kubernetes objects. Empty documents are passed
// over and Lists flattened. A document that is not an object (no apiVersion or
// no kind) is an Invalid fault, as is everything ReadDocuments refuses.
func ReadYAML(file string, data []byte) ([]*Object, error) {
	docs, err := ReadDocuments(file, data)
	if err != nil {
		return nil, err
	}
	var objects []*Object
	for _, d := range docs {
		found, err := d.Objects()
		if err != nil {
			return nil, err
		}
		objects = append(objects, found...)
	}
	return objects, nil
}

// ReadDocuments reads the documents of a YAML (or JSON) stream in the way
// Kubernetes does: YAML 1.1 booleans, keys as text. It is stricter in two
// points: a key that stands twice in a map is refused, and so is text that
// expands without measure through aliases. Errors name file and line.
func ReadDocuments(file string, data []byte) ([]Document, error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var docs []Document
	for {
		var node yaml.Node
		err := dec.Decode(&node)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return nil, syntaxFault(file, data, err)
		}
		root := unwrap(&node)
		if root == nil || isNull(root) {
			continue
		}
		c := converter{file: file, budget: maxNodes}
		value, err := c.value(root)
		if err != nil {
			return nil, err
		}
		src := Source{File: file, Line: root.Line}
		fields, ok := value.(map[string]any)
		if !ok {
			return nil, fault.New(fault.Invalid, "%s: a document is %s where an object is needed", src, describe(value)).
				Hint("every document starts with apiVersion and kind")
		}
		docs = append(docs, Document{Fields: fields, Source: src})
	}
}

// Objects gives the objects of a document: itself, or the items of a List.
func (d Document) Objects() ([]*Object, error) {
	o := &Object{Fields: d.Fields, Source: d.Source}
	if o.text("apiVersion") == "" || o.text("kind") == "" {
		missing := "apiVersion"
		if o.text("apiVersion") != "" {
			missing = "kind"
		}
		return nil, fault.New(fault.Invalid, "%s: a document has no %s", d.Source, missing).
			Hint("a Kubernetes object needs apiVersion, kind and metadata.name")
	}
	items, isList := o.items()
	if !isList {
		return []*Object{o}, nil
	}
	var objects []*Object
	for _, item := range items {
		fields, ok := item.(map[string]any)
		if !ok {
			return nil, fault.New(fault.Invalid, "%s: an item of the %s is %s where an object is needed", d.Source, o.text("kind"), describe(item))
		}
		found, err := Document{Fields: fields, Source: d.Source}.Objects()
		if err != nil {
			return nil, err
		}
		objects = append(objects, found...)
	}
	return objects, nil
}

// items are the members of a List. A kind that merely ends in "List" counts
// only if it has items and no name, as list types do.
func (o *Object) items() ([]any, bool) {
	kind := o.text("kind")
	items, has := o.Fields["items"].([]any)
	if kind == "List" && o.text("apiVersion") == "v1" {
		return items, true
	}
	return items, has && strings.HasSuffix(kind, "List") && o.Name() == ""
}

func unwrap(n *yaml.Node) *yaml.Node {
	if n.Kind != yaml.DocumentNode {
		return n
	}
	if len(n.Content) == 0 {
		return nil
	}
	return n.Content[0]
}

// SyntaxHint goes with errors of YAML syntax.
const SyntaxHint = "look at the line before it as well: indentation, quotes, a missing colon"

// syntaxFault turns the parser's error into a fault with file, line and column.
func syntaxFault(file string, data []byte, err error) error {
	line, column, text := SyntaxError(data, err)
	at := Source{File: file, Line: line}.String()
	if column > 0 {
		at += ":" + strconv.Itoa(column)
	}
	return fault.New(fault.Invalid, "%s: invalid YAML: %s", at, text).
		Hint(SyntaxHint)
}

func describe(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string:
		return "text"
	case bool:
		return "true or false"
	case []any:
		return "a list"
	case map[string]any:
		return "a map"
	}
	return "a number"
}
