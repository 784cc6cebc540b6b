package secret

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/getsops/sops/v3"
	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/fault"
)

// file is a SOPS file that was read but not decrypted. Only YAML has more than
// one part: documents that were encrypted each for itself, or not at all, as
// Flux takes them.
type file struct {
	name   string
	format Format
	parts  []part
}

// part is one or more documents with the same metadata.
type part struct {
	raw  []byte
	tree *sops.Tree // nil where the part is in the clear
}

// Encrypted reports whether data is a SOPS file, or has documents that are.
func Encrypted(name string, data []byte) bool {
	f, err := parse(name, data)
	return err != nil || f != nil
}

// parse reads a SOPS file; nil when data is none. Errors are those of a file
// that says it is one.
func parse(name string, data []byte) (f *file, err error) {
	if !suspicious(data) {
		return nil, nil
	}
	defer recovered(name, &err)
	f = &file{name: name, format: FormatOf(name, data)}
	groups := []documents{{raw: data, sops: true}}
	if f.format == YAML {
		if groups, err = splitYAML(name, data); err != nil || !anySOPS(groups) {
			return nil, err
		}
	}
	if len(data) > maxFile {
		return nil, tooLarge(name, len(data))
	}
	for _, g := range groups {
		p := part{raw: g.raw}
		if g.sops {
			if p.tree, err = f.load(g.raw); err != nil {
				return nil, err
			}
			if p.tree == nil {
				return nil, nil
			}
		}
		f.parts = append(f.parts, p)
	}
	return f, nil
}

// load reads a part with the library; nil when it has no metadata.
func (f *file) load(raw []byte) (*sops.Tree, error) {
	tree, err := f.format.store(layout{}).LoadEncryptedFile(raw)
	switch {
	case errors.Is(err, sops.MetadataNotFound):
		return nil, nil
	case err != nil && f.format == Binary, err != nil && f.format == JSON && !bytes.Contains(raw, []byte(`"sops"`)):
		return nil, nil // text that speaks of SOPS
	case err != nil:
		return nil, fault.New(fault.Invalid, "%s: damaged SOPS metadata: %s", f.name, safeText(err)).
			Hint("take the file from an earlier commit, or encrypt it again: tug secret encrypt %s", f.name)
	}
	tree.FilePath = f.name
	return &tree, checkMetadata(f.name, &tree.Metadata)
}

// documents are YAML documents that belong together, with their text.
type documents struct {
	raw  []byte
	sops bool
	mac  string
}

func anySOPS(groups []documents) bool {
	for _, g := range groups {
		if g.sops {
			return true
		}
	}
	return false
}

// splitYAML gives the documents of a stream, those that share a MAC together:
// sops writes the same metadata into every document of a file. A stream that
// is no YAML gives nothing: whoever needs it as YAML says so better.
func splitYAML(name string, data []byte) ([]documents, error) {
	var groups []documents
	for _, raw := range splitDocuments(data) {
		doc := documents{raw: raw}
		var node yaml.Node
		err := yaml.Unmarshal(raw, &node)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, nil //nolint:nilerr // not YAML, so not SOPS
		}
		if doc.mac, doc.sops = macOf(&node); doc.sops {
			if len(data) > maxFile {
				return nil, tooLarge(name, len(data))
			}
			if e := (expansion{budget: maxNodes}); !e.fits(&node) {
				return nil, fault.New(fault.Invalid, "%s: the document is too large or too deep once its aliases are expanded", name)
			}
		}
		if last := len(groups) - 1; last >= 0 && doc.sops && groups[last].sops && groups[last].mac == doc.mac {
			groups[last].raw = append(bytes.Clone(groups[last].raw), raw...)
			continue
		}
		groups = append(groups, doc)
	}
	return groups, nil
}

// macOf is the MAC of a document, and whether it has SOPS metadata.
func macOf(n *yaml.Node) (mac string, ok bool) {
	if n.Kind == yaml.DocumentNode && len(n.Content) == 1 {
		n = n.Content[0]
	}
	meta := lookup(n, "sops")
	if meta == nil || meta.Kind != yaml.MappingNode || lookup(meta, "lastmodified") == nil {
		return "", false
	}
	if m := lookup(meta, "mac"); m != nil {
		mac = m.Value
	}
	return mac, true
}

func lookup(n *yaml.Node, key string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// splitDocuments cuts a YAML stream at its document markers, which are kept at
// the beginning of what follows. "---" at the beginning of a line is a marker
// wherever it stands, in a block of text as well. A stream with directives or
// document ends is not cut.
func splitDocuments(data []byte) [][]byte {
	var docs [][]byte
	start, at := 0, 0
	for line := range bytes.Lines(data) {
		switch {
		case line[0] == '%', isMarker(line, "..."):
			return [][]byte{data}
		case isMarker(line, "---") && len(bytes.TrimSpace(data[start:at])) > 0:
			docs = append(docs, data[start:at])
			start = at
		}
		at += len(line)
	}
	return append(docs, data[start:])
}

func isMarker(line []byte, marker string) bool {
	rest, ok := bytes.CutPrefix(line, []byte(marker))
	return ok && (len(rest) == 0 || bytes.IndexByte([]byte(" \t\r\n"), rest[0]) >= 0)
}

// recovered turns a panic of the library into an error: it trusts files.
func recovered(name string, err *error) {
	if p := recover(); p != nil {
		*err = fault.New(fault.Invalid, "%s: the SOPS library cannot read it: %T", name, p).
			Hint("the file was probably not written by sops")
	}
}

func notEncrypted(name string) error {
	return fault.New(fault.Invalid, "%s is not a SOPS file", name).Hint("encrypt it: tug secret encrypt %s", name)
}

// safeText is the text of an error of the library without quoted input.
func safeText(err error) string {
	return fmt.Sprintf("%.200s", quoted.ReplaceAllString(err.Error(), "…"))
}
