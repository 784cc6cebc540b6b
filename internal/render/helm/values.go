package helm

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/strvals"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
)

// userValues merges what was given for the render: values files in order, then
// --set expressions. Later ones win.
func userValues(ctx context.Context, r render.Request) (map[string]any, error) {
	values := map[string]any{}
	tree := &render.Tree{Files: r.Files}
	given := make([]render.NamedValues, 0, len(r.ValueFiles)+len(r.Values))
	for _, name := range r.ValueFiles {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		clean, err := render.CleanPath(name)
		if err != nil {
			return nil, err
		}
		data, err := tree.ReadFile(clean)
		if fault.Is(err, fault.NotFound) {
			return nil, fault.New(fault.NotFound, "values file %s does not exist", clean).
				Hint("values files are named relative to the root of the repository")
		}
		if err != nil {
			return nil, err
		}
		given = append(given, render.NamedValues{Name: clean, Data: data})
	}
	for _, v := range append(given, r.Values...) {
		parsed, err := loader.LoadValues(bytes.NewReader(bytes.TrimPrefix(v.Data, []byte("\ufeff"))))
		if err != nil {
			return nil, yamlFault(v.Name, v.Data, err)
		}
		values = loader.MergeMaps(values, parsed)
	}
	for _, expr := range r.Set {
		if err := setValue(expr, values); err != nil {
			return nil, err
		}
	}
	return values, nil
}

func setValue(expr string, values map[string]any) error {
	err := guarded(func() error { return strvals.ParseInto(expr, values) })
	if err != nil {
		return fault.New(fault.Usage, "--set %q: %w", expr, err).
			Hint(`the form is key=value, with "." between the keys of nested maps and "\," for a comma inside a value`)
	}
	return nil
}

// loadFault finds the file that Helm's loader could not read.
func (s *source) loadFault(root string, files []*archive.BufferedFile, err error) error {
	for _, f := range files {
		switch f.Name {
		case "Chart.yaml", "Chart.lock", "values.yaml", "requirements.yaml", "requirements.lock":
			if strings.Contains(err.Error(), "cannot load "+f.Name+":") {
				return yamlFault(path.Join(root, f.Name), f.Data, err)
			}
		}
	}
	return fault.New(fault.Invalid, "%s: %w", path.Join(root, "Chart.yaml"), err).
		Hint("Chart.yaml needs apiVersion, a name and a version such as 1.0.0")
}

// yamlFault says where YAML that Helm refused is wrong. Helm's own error has a
// line at best, counted from the start of its document, so the text is looked
// through once more.
func yamlFault(name string, data []byte, err error) error {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var node yaml.Node
		found := dec.Decode(&node)
		if errors.Is(found, io.EOF) {
			break
		}
		if found != nil {
			return syntaxFault(name, data, found)
		}
		if len(node.Content) > 0 && node.Content[0].Kind != yaml.MappingNode && node.Content[0].Tag != "!!null" {
			n := node.Content[0]
			return fault.New(fault.Invalid, "%s:%d:%d: a map of keys and values is needed here", name, n.Line, n.Column)
		}
	}
	return fault.New(fault.Invalid, "%s: %w", name, err)
}

func syntaxFault(name string, data []byte, err error) error {
	line, column, text := object.SyntaxError(data, err)
	if line == 0 {
		return fault.New(fault.Invalid, "%s: invalid YAML: %s", name, text).Hint(object.SyntaxHint)
	}
	return fault.New(fault.Invalid, "%s:%d: invalid YAML: %s", object.Source{File: name, Line: line}, column, text).Hint(object.SyntaxHint)
}
