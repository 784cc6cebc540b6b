package kustomize

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// annotate marks the objects of a file: with file and line, and in a staged
// build with what they were called. The library could note origins by itself
// (buildMetadata), without lines and at a third of the time of a build.
//
// Marks are spliced into the text. To write the file anew would change it: the
// YAML library does not write every folded text as it read it. What is no
// object stays as it is, and so does a file that does not parse: the library
// reports it.
func annotate(file string, data []byte, staged bool) []byte {
	a := annotator{file: file, data: data, staged: staged}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var doc yaml.Node
		if err := dec.Decode(&doc); err != nil {
			return a.finish() // the end, or what the library reports
		}
		if len(doc.Content) > 0 {
			a.object(doc.Content[0])
		}
	}
}

// annotator collects texts to be put into a file.
type annotator struct {
	file    string
	data    []byte
	staged  bool
	lines   []int // offsets of the lines
	splices []splice
}

type splice struct {
	at   int
	text string
}

func (a *annotator) finish() []byte {
	if len(a.splices) == 0 {
		return a.data
	}
	var out bytes.Buffer
	done := 0
	for _, s := range a.splices {
		if s.at < done {
			return a.data // aliases may lead back; what they name has marks already
		}
		out.Write(a.data[done:s.at])
		out.WriteString(s.text)
		done = s.at
	}
	out.Write(a.data[done:])
	return out.Bytes()
}

// offset is where a node begins, -1 where that cannot be told.
func (a *annotator) offset(n *yaml.Node) (line, at int) {
	if a.lines == nil {
		a.lines = []int{0}
		for i, c := range a.data {
			if c == '\n' {
				a.lines = append(a.lines, i+1)
			}
		}
	}
	if n.Line < 1 || n.Line > len(a.lines) || n.Column < 1 {
		return -1, -1
	}
	line = a.lines[n.Line-1]
	at = line
	for range n.Column - 1 {
		if at >= len(a.data) {
			return -1, -1
		}
		_, size := utf8.DecodeRune(a.data[at:])
		at += size
	}
	return line, at
}

func (a *annotator) object(o *yaml.Node) {
	if o.Kind != yaml.MappingNode {
		return
	}
	if items := valueOf(o, "items"); items != nil && items.Kind == yaml.SequenceNode && strings.HasSuffix(text(o, "kind"), "List") {
		for _, item := range items.Content {
			a.object(item)
		}
		return
	}
	meta := valueOf(o, "metadata")
	if meta == nil || meta.Kind != yaml.MappingNode || len(meta.Content) == 0 {
		return
	}
	marks := []string{sourceMark, fmt.Sprintf("%d %s", o.Line, a.file)}
	if a.staged {
		namespace := text(meta, "namespace")
		if namespace == "" {
			namespace = "default"
		}
		marks = append(marks, wasMark, strings.Join([]string{text(o, "kind"), namespace, text(meta, "name")}, " "))
	}
	switch annotations := valueOf(meta, "annotations"); {
	case annotations == nil:
		a.insert(meta, "annotations", marks)
	case annotations.Kind == yaml.MappingNode && len(annotations.Content) > 0:
		a.insert(annotations, "", marks)
	}
}

// insert puts marks before the first key of a map, below a key of their own
// when one is given.
func (a *annotator) insert(m *yaml.Node, key string, marks []string) {
	if m.Style&yaml.FlowStyle != 0 {
		if _, at := a.offset(m); at >= 0 && at < len(a.data) && a.data[at] == '{' {
			a.splices = append(a.splices, splice{at + 1, flow(key, marks) + ", "})
		}
		return
	}
	line, at := a.offset(m.Content[0])
	if at < 0 || len(bytes.TrimLeft(a.data[line:at], " ")) > 0 {
		return // something stands before it: an anchor, a tag
	}
	indent := string(a.data[line:at])
	var text strings.Builder
	if key != "" {
		text.WriteString(indent + key + ":\n")
		indent += "  "
	}
	for i := 0; i < len(marks); i += 2 {
		fmt.Fprintf(&text, "%s%s: %s\n", indent, marks[i], quoted(marks[i+1]))
	}
	a.splices = append(a.splices, splice{line, text.String()})
}

func flow(key string, marks []string) string {
	var pairs []string
	for i := 0; i < len(marks); i += 2 {
		pairs = append(pairs, quoted(marks[i])+": "+quoted(marks[i+1]))
	}
	text := strings.Join(pairs, ", ")
	if key == "" {
		return text
	}
	return quoted(key) + ": {" + text + "}"
}

// quoted is a text in single quotes.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func valueOf(m *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			return m.Content[i+1]
		}
	}
	return nil
}

func text(m *yaml.Node, key string) string {
	if v := valueOf(m, key); v != nil && v.Kind == yaml.ScalarNode {
		return v.Value
	}
	return ""
}
