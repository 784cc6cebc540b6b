package checks

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/tugops/tug/internal/kubetest"
)

// writeSchemas asks the cluster for its OpenAPI documents and writes a JSON
// Schema per kind, in the way kubeconform's own are made: strict, and null is
// as good as nothing for fields that are not required.
func writeSchemas(t testing.TB, dir string) {
	t.Helper()
	get := getter(t)
	var index struct {
		Paths map[string]struct{ ServerRelativeURL string }
	}
	decode(t, get("/openapi/v3"), &index)
	definitions := map[string]any{}
	kinds := map[string]string{}
	for _, path := range slices.Sorted(maps.Keys(index.Paths)) {
		var doc struct {
			Components struct{ Schemas map[string]map[string]any }
		}
		decode(t, get(index.Paths[path].ServerRelativeURL), &doc)
		for name, s := range doc.Components.Schemas {
			for _, k := range list(s["x-kubernetes-group-version-kind"]) {
				m, _ := k.(map[string]any)
				if len(list(s["x-kubernetes-group-version-kind"])) == 1 {
					kinds[fileName(m)] = name
				}
			}
			definitions[name] = strict(s)
		}
	}
	for file, name := range kinds {
		used := map[string]any{}
		collect(name, definitions, used)
		data, err := json.Marshal(map[string]any{"$ref": "#/definitions/" + name, "definitions": used})
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, file), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func getter(t testing.TB) func(string) []byte {
	config := kubetest.Rest(t)
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	return func(path string) []byte {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.TrimSuffix(config.Host, "/")+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", "application/json")
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		data, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s, %v", path, res.Status, err)
		}
		return data
	}
}

func decode(t testing.TB, data []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// fileName is kubeconform's name for the schema of a kind.
func fileName(gvk map[string]any) string {
	group, _ := gvk["group"].(string)
	version, _ := gvk["version"].(string)
	kind, _ := gvk["kind"].(string)
	suffix := "-" + version
	if group != "" {
		suffix = "-" + strings.Split(group, ".")[0] + "-" + version
	}
	return strings.ToLower(kind+suffix) + ".json"
}

// strict makes a JSON Schema of a schema of OpenAPI.
func strict(v any) any {
	switch t := v.(type) {
	case []any:
		for i := range t {
			t[i] = strict(t[i])
		}
		return t
	case map[string]any:
		if ref, ok := t["$ref"].(string); ok {
			t["$ref"] = strings.Replace(ref, "#/components/schemas/", "#/definitions/", 1)
		}
		properties, _ := t["properties"].(map[string]any)
		_, open := t["additionalProperties"]
		if preserve, _ := t["x-kubernetes-preserve-unknown-fields"].(bool); properties != nil && !open && !preserve {
			t["additionalProperties"] = false
		}
		if t["x-kubernetes-int-or-string"] == true {
			delete(t, "type")
			delete(t, "format")
		}
		required := list(t["required"])
		for name, p := range properties {
			properties[name] = strict(p)
			if !slices.Contains(required, any(name)) {
				properties[name] = map[string]any{"anyOf": []any{p, map[string]any{"type": "null"}}}
			}
		}
		for _, key := range []string{"items", "allOf", "anyOf", "oneOf", "not", "additionalProperties"} {
			if child, ok := t[key]; ok {
				t[key] = strict(child)
			}
		}
	}
	return v
}

// collect takes the definitions that one needs.
func collect(name string, all, used map[string]any) {
	if _, done := used[name]; done || all[name] == nil {
		return
	}
	used[name] = all[name]
	data, err := json.Marshal(all[name])
	if err != nil {
		return
	}
	for part := range strings.SplitSeq(string(data), `"#/definitions/`) {
		if next, _, ok := strings.Cut(part, `"`); ok {
			collect(next, all, used)
		}
	}
}
