package kustomize

import (
	"bytes"
	"reflect"
	"strings"

	"sigs.k8s.io/kustomize/api/types"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// checkPlugins looks at the configuration of built-in plugins, which can name
// files as a kustomization does.
func checkPlugins(name string, data []byte) error {
	if !bytes.Contains(data, []byte("builtin")) {
		return nil
	}
	docs, err := object.ReadDocuments(name, data)
	if err != nil {
		return nil //nolint:nilerr // the library reports it, or does not read this as YAML at all
	}
	for _, d := range docs {
		if d.Fields["apiVersion"] != "builtin" || isChart(d.Fields) {
			continue
		}
		if value := remoteIn(d.Fields, false); value != "" {
			return remoteFile(d.Source.String(), reference{field: "path", value: value})
		}
	}
	return nil
}

// isChart reports whether an object configures the generator for charts.
func isChart(fields map[string]any) bool {
	return fields["apiVersion"] == "builtin" && fields["kind"] == "HelmChartInflationGenerator"
}

// remoteIn searches values under keys that hold paths.
func remoteIn(v any, isPath bool) string {
	switch v := v.(type) {
	case map[string]any:
		for key, below := range v {
			if found := remoteIn(below, pathKey(key)); found != "" {
				return found
			}
		}
	case []any:
		for _, below := range v {
			if found := remoteIn(below, isPath); found != "" {
				return found
			}
		}
	case string:
		_, file, _ := strings.Cut(v, "=")
		if isPath && (isURL(v) || isURL(file)) {
			return v
		}
	}
	return ""
}

func pathKey(key string) bool {
	switch strings.ToLower(key) {
	case "path", "paths", "file", "files", "env", "envs":
		return true
	}
	return false
}

// checkPluginFolder keeps what configures plugins readable in place. A folder
// of configuration that patches itself could bring in a URL that no check of
// files can see, or a program.
func (n *node) checkPluginFolder() error {
	rest := n.k
	rest.TypeMeta, rest.MetaData, rest.Resources = types.TypeMeta{}, nil, nil
	if !reflect.DeepEqual(rest, types.Kustomization{}) {
		return fault.New(fault.Invalid, "%s: a kustomization of generators or transformers may only list resources", n.file)
	}
	return nil
}

// pluginFile adds the objects of a file to the plugins of a folder.
func (b *build) pluginFile(n *node, entry string) error {
	p, ok := n.at.join(entry)
	if !ok {
		return outside(n.position(entry), entry)
	}
	found, err := b.pluginObjects(p)
	n.plugins = append(n.plugins, found...)
	return err
}

func (b *build) pluginObjects(p place) ([]*object.Object, error) {
	data, err := b.load(p)
	if err != nil {
		return nil, err
	}
	return readPlugins(p.String(), data)
}

func readPlugins(name string, data []byte) ([]*object.Object, error) {
	docs, err := object.ReadDocuments(name, data)
	if err != nil {
		return nil, err
	}
	var list []*object.Object
	for _, d := range docs {
		list = append(list, &object.Object{Fields: d.Fields, Source: d.Source})
	}
	return list, nil
}

// plugins gives the objects of a list of generators, transformers or
// validators: inline, in files and in folders. entries is the list as the
// library must read it.
func (b *build) plugins(n *node, in inherited, field string, list []string) (found []*object.Object, entries []string, err error) {
	for _, entry := range list {
		if inline(entry) {
			more, err := readPlugins(n.position(entry), []byte(entry))
			if err != nil {
				return nil, nil, err
			}
			if err := checkPlugins(n.position(entry), []byte(entry)); err != nil {
				return nil, nil, err
			}
			found, entries = append(found, more...), append(entries, entry)
			continue
		}
		own := len(n.plugins)
		child, to, err := b.follow(n, field, entry, inherited{plugin: true, chain: in.chain})
		if err != nil {
			return nil, nil, err
		}
		n.plugins = n.plugins[:own]
		var more []*object.Object
		if child != nil {
			more = child.plugins
		} else if p, ok := n.at.join(entry); ok {
			if more, err = b.pluginObjects(p); err != nil {
				return nil, nil, err
			}
		}
		found, entries = append(found, more...), append(entries, to)
	}
	return found, entries, nil
}
