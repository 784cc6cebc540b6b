package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// index is the table of contents; internal/check/schema reads it.
type index struct {
	// Names are the definitions' names, sorted; versions refer to them by place.
	Names    []string           `json:"names"`
	Versions map[string]version `json:"versions"`
	// Lifecycle is what the Go types say about versions that go away.
	Lifecycle map[string]lifecycle `json:"lifecycle"`
}

// version is one Kubernetes minor.
type version struct {
	Release string `json:"release"`
	// Lines holds for each name the line in the file of definitions, -1 for
	// names that the version does not have.
	Lines []int           `json:"lines"`
	Kinds map[string]kind `json:"kinds"` // "group/version/Kind"
}

// kind is one type that the API server serves.
type kind struct {
	Definition int  `json:"d"`
	Namespaced bool `json:"n,omitempty"`
}

type bundle struct {
	index index
	// defs holds the definitions of each version by name, as canonical JSON.
	defs  map[string]map[string]string
	kinds map[string]map[string]namedKind
}

type namedKind struct {
	definition string
	namespaced bool
}

func newBundle() *bundle {
	return &bundle{
		index: index{Versions: map[string]version{}},
		defs:  map[string]map[string]string{}, kinds: map[string]map[string]namedKind{},
	}
}

type document struct {
	Paths      map[string]map[string]json.RawMessage `json:"paths"`
	Components struct {
		Schemas map[string]map[string]any `json:"schemas"`
	} `json:"components"`
}

type gvk struct{ Group, Version, Kind string }

// add reads the documents of one release.
func (b *bundle) add(release, dir string, enums map[string]map[string][]string) error {
	minor := release[:strings.LastIndex(release, ".")]
	files, err := filepath.Glob(filepath.Join(dir, "*_openapi.json"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("no documents in %s: %v", dir, err)
	}
	defs, kinds := map[string]string{}, map[string]namedKind{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		var doc document
		if err := json.Unmarshal(data, &doc); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		served := doc.served()
		for name, schema := range doc.Components.Schemas {
			for _, k := range kindsOf(schema) {
				if namespaced, ok := served[k]; ok {
					kinds[k.Group+"/"+k.Version+"/"+k.Kind] = namedKind{name, namespaced}
				}
			}
			slim(schema)
			addEnums(schema, enums[name])
			text, err := json.Marshal(schema)
			if err != nil {
				return err
			}
			defs[name] = string(text)
		}
	}
	b.index.Versions[minor] = version{Release: release}
	b.defs[minor], b.kinds[minor] = reachable(defs, kinds), kinds
	return nil
}

// served are the kinds that can be created in a collection, and whether the
// collection is one of a namespace.
func (d *document) served() map[gvk]bool {
	served := map[gvk]bool{}
	for path, operations := range d.Paths {
		var post struct {
			Kind *gvk `json:"x-kubernetes-group-version-kind"`
		}
		if json.Unmarshal(operations["post"], &post) != nil || post.Kind == nil || strings.Contains(path, "{name}") {
			continue
		}
		served[*post.Kind] = served[*post.Kind] || strings.Contains(path, "/namespaces/{namespace}/")
	}
	return served
}

func kindsOf(schema map[string]any) []gvk {
	list, _ := schema["x-kubernetes-group-version-kind"].([]any)
	var kinds []gvk
	for _, entry := range list {
		m, _ := entry.(map[string]any)
		group, _ := m["group"].(string)
		version, _ := m["version"].(string)
		name, _ := m["kind"].(string)
		kinds = append(kinds, gvk{group, version, name})
	}
	return kinds
}

// slim takes away what no validation needs.
func slim(v any) {
	switch t := v.(type) {
	case map[string]any:
		for _, key := range []string{"x-kubernetes-group-version-kind", "x-kubernetes-patch-merge-key", "x-kubernetes-patch-strategy", "x-kubernetes-unions"} {
			delete(t, key)
		}
		if _, isText := t["description"].(string); isText {
			delete(t, "description")
		}
		for _, child := range t {
			slim(child)
		}
	case []any:
		for _, child := range t {
			slim(child)
		}
	}
}

// addEnums writes the values of enumerations into the properties of a schema.
func addEnums(schema map[string]any, enums map[string][]string) {
	properties, _ := schema["properties"].(map[string]any)
	for name, values := range enums {
		p, _ := properties[name].(map[string]any)
		if items, ok := p["items"].(map[string]any); ok {
			p = items
		} else if values, ok := p["additionalProperties"].(map[string]any); ok {
			p = values
		}
		if p["type"] == "string" {
			p["enum"] = values
		}
	}
}

// reachable keeps the definitions that kinds need.
func reachable(defs map[string]string, kinds map[string]namedKind) map[string]string {
	keep := map[string]string{}
	var visit func(name string)
	visit = func(name string) {
		if _, done := keep[name]; done {
			return
		}
		keep[name] = defs[name]
		for part := range strings.SplitSeq(defs[name], `"#/components/schemas/`) {
			if next, _, ok := strings.Cut(part, `"`); ok && defs[next] != "" {
				visit(next)
			}
		}
	}
	for _, k := range kinds {
		visit(k.definition)
	}
	return keep
}

// write gives definitions.zst, one definition per line with the variants of a
// name side by side, and index.zst.
func (b *bundle) write(out string) error {
	names := map[string]bool{}
	for _, defs := range b.defs {
		for name := range defs {
			names[name] = true
		}
	}
	b.index.Names = slices.Sorted(maps.Keys(names))
	minors := slices.Sorted(maps.Keys(b.defs))
	lines := map[string]int{}
	var text bytes.Buffer
	for at, name := range b.index.Names {
		for _, minor := range minors {
			v := b.index.Versions[minor]
			def, ok := b.defs[minor][name]
			line := -1
			if ok {
				if line, ok = lines[name+def]; !ok {
					line = len(lines)
					lines[name+def] = line
					text.WriteString(def + "\n")
				}
			}
			v.Lines = append(v.Lines, line)
			if v.Kinds == nil {
				v.Kinds = map[string]kind{}
			}
			for gvk, k := range b.kinds[minor] {
				if k.definition == name {
					v.Kinds[gvk] = kind{at, k.namespaced}
				}
			}
			b.index.Versions[minor] = v
		}
	}
	table, err := json.Marshal(b.index)
	if err != nil {
		return err
	}
	if err := pack(filepath.Join(out, "definitions.zst"), text.Bytes()); err != nil {
		return err
	}
	return pack(filepath.Join(out, "index.zst"), table)
}

func pack(file string, data []byte) error {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	packed := enc.EncodeAll(data, nil)
	fmt.Fprintf(os.Stderr, "%s: %d bytes from %d\n", filepath.Base(file), len(packed), len(data))
	return os.WriteFile(file, packed, 0o644)
}
