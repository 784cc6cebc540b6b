package project

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// maxFile bounds the size of tug.yaml in bytes.
const maxFile = 4 << 20

// Load reads tug.yaml in the folder root of files ("." for its top). Errors
// are one Invalid fault over Problems, all that were found, or NotFound when
// there is no such file. Whether the paths in it exist is checked by Select,
// for the apps that are selected: a broken app stops itself only.
func Load(files fs.FS, root string) (*Project, error) {
	file := path.Join(root, FileName)
	data, err := readFile(files, file)
	if err != nil {
		return nil, err
	}
	d := &decoder{file: file}
	tree := d.parse(data)
	if tree == nil {
		return nil, d.problems.fault()
	}
	var doc document
	d.value(tree, reflect.ValueOf(&doc).Elem(), field{name: "the document"})
	p := &Project{
		File: file, Root: path.Clean(root), files: files, source: newSource(tree),
		Environments: doc.Environments, Apps: doc.Apps, Notify: doc.Notify,
	}
	if doc.APIVersion != "" {
		d.problems = append(d.problems, p.check()...)
	}
	if err := d.problems.fault(); err != nil {
		return nil, err
	}
	return p, nil
}

func readFile(files fs.FS, name string) ([]byte, error) {
	f, err := files.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.NotFound, "there is no %s", name)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(data) > maxFile {
		return nil, fault.New(fault.Invalid, "%s is larger than %d MiB", name, maxFile>>20)
	}
	return data, nil
}

// parse gives the one document in data, or nil after a report.
func (d *decoder) parse(data []byte) *yaml.Node {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) || (err == nil && len(doc.Content) == 0) {
		d.report(&yaml.Node{Line: 1, Column: 1}, "start it with apiVersion: "+APIVersion, "the file is empty")
		return nil
	}
	if err != nil {
		d.syntax(err, data)
		return nil
	}
	switch err := dec.Decode(&second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		d.syntax(err, data)
		return nil
	default:
		d.report(&second, "keep one project in the file", "a second document begins")
	}
	return doc.Content[0]
}

// syntax reports what the parser says.
func (d *decoder) syntax(err error, data []byte) {
	line, column, text := object.SyntaxError(data, err)
	hint := ""
	switch {
	case bracesExp.Match(data):
		hint = "put every text with {{ in quotes"
	case strings.Contains(text, "cannot start any token"):
		hint = "indent with spaces, and put text that starts with a special character in quotes"
	}
	d.report(&yaml.Node{Line: line, Column: column}, hint, "invalid YAML: %s", text)
}
