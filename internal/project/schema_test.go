package project

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"
)

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("tug.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("tug.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func valid(t *testing.T, s *jsonschema.Schema, text string) error {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}

func TestSchemaAccepts(t *testing.T) {
	t.Parallel()
	s := compiled(t)
	full := strings.ReplaceAll(shopFile, ", namespace: shop-{{.}}", "")
	for name, text := range map[string]string{"design": design, "shop": full} {
		if err := valid(t, s, text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSchemaRefuses holds the schema against the decoder: what Load refuses,
// the schema refuses, too, but for what it cannot express.
func TestSchemaRefuses(t *testing.T) {
	t.Parallel()
	beyond := []string{
		"cycles", "references", "set", "two", "notify-names", // need the whole file
		"templates", "templates-without-environments", // templates are text
		"merge", "duplicates", "recursive", "recursive-set", // YAML, not JSON
		"tab", "open-brace", "empty", "bare-template", // not even YAML
	}
	s := compiled(t)
	cases, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range cases {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		if slices.Contains(beyond, name) {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if valid(t, s, string(data)) == nil {
			t.Errorf("the schema accepts %s", file)
		}
	}
}

// TestSchemaIsTheTypes: every key of the types stands in the schema with its
// type and a description, and no key that is not supported does.
func TestSchemaIsTheTypes(t *testing.T) {
	t.Parallel()
	var s struct {
		Properties map[string]map[string]any
		Defs       map[string]struct {
			Properties map[string]map[string]any
		} `json:"$defs"`
	}
	if err := json.Unmarshal(Schema(), &s); err != nil {
		t.Fatal(err)
	}
	check := func(typ reflect.Type, got map[string]map[string]any) {
		var want, have []string
		for _, f := range reflect.VisibleFields(typ) {
			want = append(want, f.Tag.Get("yaml"))
		}
		for key, property := range got {
			have = append(have, key)
			if text, _ := property["description"].(string); !strings.HasSuffix(text, ".") {
				t.Errorf("%s: %s has the description %q", typ.Name(), key, text)
			}
		}
		slices.Sort(want)
		slices.Sort(have)
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("%s (-type +schema):\n%s", typ.Name(), diff)
		}
	}
	check(reflect.TypeFor[document](), s.Properties)
	check(reflect.TypeFor[Environment](), s.Defs["Environment"].Properties)
	check(reflect.TypeFor[App](), s.Defs["App"].Properties)
	check(reflect.TypeFor[Place](), s.Defs["Place"].Properties)
	check(reflect.TypeFor[Channel](), s.Defs["Channel"].Properties)
	check(reflect.TypeFor[Wording](), s.Defs["Wording"].Properties)
	if _, hasEnum := s.Properties["kind"]["enum"]; !hasEnum {
		t.Error("kind has no enum")
	}
}
