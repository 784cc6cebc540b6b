package imagelock

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// The lock formats by apiVersion.
const (
	tugVersion    = "tug.dev/v1alpha1"
	kbldVersion   = "kbld.k14s.io/v1alpha1"
	imgpkgVersion = "imgpkg.carvel.dev/v1alpha1"
)

// parseLock reads every document of a lock file. known tells whether one of
// them is a lock or a bare document.
func parseLock(name string, data []byte) (set Set, known bool, err error) {
	return parseDocuments(&reader{file: name, nodes: maxNodes}, data)
}

// parse reads the documents of a file that may hold anything else besides.
func parse(name string, data []byte) (Set, error) {
	set, _, err := parseDocuments(&reader{file: name, nodes: maxNodes, mixed: true}, data)
	return set, err
}

func parseDocuments(r *reader, data []byte) (set Set, known bool, err error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var doc yaml.Node
		err := decoder.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return set, known, nil
		}
		if err != nil {
			return Set{}, false, syntaxError(r.file, data, err)
		}
		if len(doc.Content) == 0 || isNull(doc.Content[0]) {
			continue
		}
		if r.document(doc.Content[0], &set) {
			known = true
		}
		if r.err != nil {
			return Set{}, false, r.err
		}
	}
}

// document adds what one document says; false for documents of other kinds.
func (r *reader) document(n *yaml.Node, set *Set) bool {
	if n.Kind != yaml.MappingNode {
		r.fail(n, "a lock file holds mappings")
		return false
	}
	version, kind := value(n, "apiVersion"), value(n, "kind")
	switch {
	case version == "" && kind == "":
		return true
	case version == kbldVersion && isConfigKind(kind):
		r.config(n, set)
	case version == imgpkgVersion && kind == "ImagesLock":
		r.imagesLock(n, set)
	case version == tugVersion && kind == "ImageLock":
		r.imageLock(n, set)
	case version == tugVersion && kind == "Project" && r.mixed:
		set.Warnings = append(set.Warnings, fmt.Sprintf("%s: the project file of tug was left out", r.source(n)))
	case isLockGroup(version):
		r.fail(n, "%s of %s is no lock that tug reads", kind, version).
			Hint("it reads ImageLock of %s, %s of %s and ImagesLock of %s",
				tugVersion, strings.Join(configKinds(), ", "), kbldVersion, imgpkgVersion)
	case r.mixed:
		return false
	default:
		set.Warnings = append(set.Warnings, fmt.Sprintf("%s: %s is no image lock and was skipped", r.source(n), kind))
		return false
	}
	return true
}

// value is the text of a top-level key, or "".
func value(n *yaml.Node, key string) string {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key && n.Content[i+1].Kind == yaml.ScalarNode {
			return n.Content[i+1].Value
		}
	}
	return ""
}

// syntaxError names the file, the line and the column.
func syntaxError(name string, data []byte, err error) error {
	line, column, text := object.SyntaxError(data, err)
	at := object.Source{File: name, Line: line}.String()
	if column > 0 {
		at += ":" + strconv.Itoa(column)
	}
	return fault.New(fault.Invalid, "%s: invalid YAML: %s", at, text).
		Hint("a tab in the indentation, a missing space after a colon and an unclosed quote are the usual causes")
}
