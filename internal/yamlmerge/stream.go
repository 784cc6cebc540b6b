package yamlmerge

import (
	"bytes"
	"strings"
)

// mergeMark is what kpt writes behind the key metadata of a resource that it
// fetched, so that renaming the resource does not part it from its origin.
const mergeMark = "kpt-merge:"

// upstreamMark is the annotation in which newer versions of kpt keep the same.
const upstreamMark = "internal.kpt.dev/upstream-identifier"

// ID tells resources apart: the API group and kind, with namespace and name as
// they are upstream.
type ID struct{ Group, Kind, Namespace, Name string }

// String is "Kind namespace/name".
func (id ID) String() string {
	name := id.Name
	if id.Namespace != "" {
		name = id.Namespace + "/" + name
	}
	return strings.TrimSpace(id.Kind + " " + name)
}

// Document is one resource of a file.
type Document struct {
	ID   ID
	Text []byte // with the separator before it, if any
	Line int    // the first of Text in its file, from 1

	root *node
}

// Resources splits a file into its resources. It is not ok when the file has
// anything else: another document, a template, or text that cannot be read.
// tail is what stands behind the last resource.
func Resources(file []byte) (list []Document, tail []byte, ok bool) {
	line := 1
	var lead []byte
	for _, chunk := range chunks(file) {
		text := append(append([]byte(nil), lead...), chunk...)
		if !hasContent(chunk) {
			lead = text
			continue
		}
		lead = nil
		root, err := parse(text)
		if err != nil || !root.mapping() {
			return nil, nil, false
		}
		id, known := identity(root)
		if !known {
			return nil, nil, false
		}
		list = append(list, Document{ID: id, Text: text, Line: line, root: root})
		line += bytes.Count(text, []byte("\n"))
	}
	return list, lead, len(list) > 0
}

// Join makes a file of documents.
func Join(documents [][]byte, tail []byte) []byte {
	var b bytes.Buffer
	for _, text := range documents {
		if n := b.Len(); n > 0 {
			if b.Bytes()[n-1] != '\n' {
				b.WriteByte('\n')
			}
			if !separated(text) {
				b.WriteString("---\n")
			}
		}
		b.Write(text)
	}
	b.Write(tail)
	return b.Bytes()
}

// separated reports whether a text begins with a separator, comments aside.
func separated(text []byte) bool {
	for line := range bytes.Lines(text) {
		if isSeparator(line) {
			return true
		}
		if t := bytes.TrimSpace(line); len(t) > 0 && t[0] != '#' {
			return false
		}
	}
	return false
}

// chunks splits a stream before every separator.
func chunks(file []byte) [][]byte {
	var list [][]byte
	start, pos := 0, 0
	for line := range bytes.Lines(file) {
		if isSeparator(line) && pos > start {
			list = append(list, file[start:pos])
			start = pos
		}
		pos += len(line)
	}
	if start < len(file) {
		list = append(list, file[start:])
	}
	return list
}

func isSeparator(line []byte) bool {
	return bytes.HasPrefix(line, []byte("---")) && (len(line) == 3 || strings.IndexByte(" \t\r\n", line[3]) >= 0)
}

// hasContent reports whether a chunk is more than comments.
func hasContent(chunk []byte) bool {
	for line := range bytes.Lines(chunk) {
		if isSeparator(line) {
			line = line[3:]
		}
		if t := bytes.TrimSpace(line); len(t) > 0 && t[0] != '#' {
			return true
		}
	}
	return false
}

// identity is that of a resource: a map with apiVersion and kind.
func identity(root *node) (ID, bool) {
	version, kind := root.text("apiVersion"), root.text("kind")
	if version == "" || kind == "" {
		return ID{}, false
	}
	group, _, grouped := strings.Cut(version, "/")
	if !grouped {
		group = ""
	}
	meta := root.get("metadata")
	id := ID{Group: group, Kind: kind, Namespace: meta.text("namespace"), Name: meta.text("name")}
	if i, ok := root.index["metadata"]; ok {
		if ns, name, ok := merged(lineComment(root, i)); ok {
			id.Namespace, id.Name = ns, name
			return id, true
		}
	}
	if p := strings.Split(meta.get("annotations").text(upstreamMark), "|"); len(p) == 4 && p[1] == kind && p[3] != "" {
		id.Namespace, id.Name = p[2], p[3]
		if id.Namespace == "default" || id.Namespace == "~C" {
			id.Namespace = "" // kpt's words for none
		}
	}
	return id, true
}

// merged reads kpt's comment "# kpt-merge: namespace/name".
func merged(comment string) (namespace, name string, ok bool) {
	text := strings.TrimSpace(strings.TrimPrefix(comment, "#"))
	rest, ok := strings.CutPrefix(text, mergeMark)
	if !ok {
		return "", "", false
	}
	return strings.Cut(strings.TrimSpace(rest), "/")
}
