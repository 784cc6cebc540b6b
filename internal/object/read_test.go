package object

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/tugops/tug/internal/fault"
)

func TestReadYAML(t *testing.T) {
	t.Parallel()
	head := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
	for name, tc := range map[string]struct {
		in   string
		want []string // refs and lines
		err  string
	}{
		"empty":            {in: ""},
		"only comments":    {in: "#! nothing\n---\n# here\n---\n"},
		"one":              {in: head, want: []string{"ConfigMap a f.yaml:1"}},
		"two":              {in: head + "---\n#! ytt\n" + head, want: []string{"ConfigMap a f.yaml:1", "ConfigMap a f.yaml:6"}},
		"list":             {in: "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: s, namespace: ns}}\n", want: []string{"Secret ns/s f.yaml:1"}},
		"empty list":       {in: "apiVersion: v1\nkind: List\nitems: []\n"},
		"typed list":       {in: "apiVersion: v1\nkind: ConfigMapList\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: s}}\n", want: []string{"ConfigMap s f.yaml:1"}},
		"named FooList":    {in: "apiVersion: x.io/v1\nkind: AllowList\nmetadata: {name: a}\nitems: []\n", want: []string{"AllowList.x.io a f.yaml:1"}},
		"json":             {in: `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"}}`, want: []string{"Pod p f.yaml:1"}},
		"no kind":          {in: "apiVersion: v1\n", err: "f.yaml:1: a document has no kind"},
		"no apiVersion":    {in: head + "---\nimage: demo\n", err: "f.yaml:5: a document has no apiVersion"},
		"text":             {in: "hello\n", err: "f.yaml:1: a document is text where an object is needed"},
		"syntax":           {in: head + "data:\n  a: b: c\n", err: "f.yaml:5:3: invalid YAML: mapping values are not allowed in this context"},
		"duplicate key":    {in: head + "data:\n  a: b\n  a: c\n", err: `f.yaml:6:3: key "a" is already set in line 5`},
		"list of texts":    {in: "apiVersion: v1\nkind: List\nitems: [a]\n", err: "f.yaml:1: an item of the List is text where an object is needed"},
		"not a JSON value": {in: head + "data: {a: .inf}\n", err: `f.yaml:4:11: ".inf" is not a number that JSON can hold`},
		"bomb": {in: "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]\n",
			err: "too large"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objects, err := ReadYAML("f.yaml", []byte(tc.in))
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) || !fault.Is(err, fault.Invalid) {
					t.Fatalf("error %v, want an invalid fault with %q", err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, o := range objects {
				got = append(got, o.Ref().String()+" "+o.Source.String())
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// Kubernetes reads YAML through sigs.k8s.io/yaml; so must we.
func TestReadsLikeKubernetes(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		"{a: yes, b: No, c: on, d: y, e: 'yes', f: \"no\", g: true, h: TRUE, i: ~, j: null, k: }",
		"{a: 1, b: 0x1F, c: 017, d: 0o17, e: 1_000, f: -3, g: +4, h: 18446744073709551615, i: 0b11}",
		"{a: 1.5, b: 1e3, c: .5, d: 5., e: 1.10, f: -0.0, g: 1e+06}",
		"{a: 2020-10-05, b: 2020-10-05T12:44:13Z, c: 12:30:45, d: 1.2.3, e: 0644, f: '0644'}",
		"a: |\n  text\n  more\nb: >-\n  folded\n  text\n",
		"x: &x {a: 1, b: 2}\ny:\n  <<: *x\n  b: 3\nz: [*x, *x]\n",
		"{1: a, true: b, 1.5: c, no: d, x: {y: 1, n: 2}}",
		"a: !!str 123\nb: !!int \"7\"\nc: !!binary aGVsbG8=\n",
		"a: \"\\u00e9\\n\"\nb: 'it''s'\n",
	} {
		docs, err := ReadDocuments("f", []byte(in))
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		want, err := yaml.YAMLToJSON([]byte(in))
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(docs[0].Fields)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(generic(t, want), generic(t, got)); d != "" {
			t.Errorf("%s\n%s", in, d)
		}
	}
}

func generic(t *testing.T, data []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestNumbersKeepTheirText(t *testing.T) {
	t.Parallel()
	objects, err := ReadYAML("f", []byte("apiVersion: v1\nkind: X\nspec: {a: 1.10, b: 12345678901234567890, c: 9007199254740993}\n"))
	if err != nil {
		t.Fatal(err)
	}
	data, _ := json.Marshal(objects[0].Fields["spec"])
	if got, want := string(data), `{"a":1.10,"b":12345678901234567890,"c":9007199254740993}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestWriteReadsBack(t *testing.T) {
	t.Parallel()
	in := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: 'yes', labels: {}}\ndata:\n  a: 'on'\n  b: \"007\"\n  c: \"line\\nline\\n\"\n  d: ''\n  e: ' x'\n  f: '~'\n  g: '1e3'\n  h: '# no'\n  \"y\": \"2020-01-01\"\nn: [1, 1.50, null, true, [], {}]\n"
	objects, err := ReadYAML("dir/f.yaml", []byte(in))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := WriteYAML(&out, objects); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(out.String(), "---\n# Source: dir/f.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n") {
		t.Errorf("unexpected head:\n%s", out.String())
	}
	again, err := ReadYAML("dir/f.yaml", out.Bytes())
	if err != nil {
		t.Fatalf("%v in\n%s", err, out.String())
	}
	if d := cmp.Diff(objects[0].Fields, again[0].Fields); d != "" {
		t.Errorf("%s\n%s", d, out.String())
	}
	if objects[0].Hash() != again[0].Hash() {
		t.Error("hash changed by writing and reading")
	}
	var viaKubernetes map[string]any
	if err := yaml.Unmarshal(out.Bytes(), &viaKubernetes); err != nil {
		t.Fatal(err)
	}
	want, _ := json.Marshal(objects[0].Fields)
	got, _ := json.Marshal(viaKubernetes)
	if d := cmp.Diff(generic(t, want), generic(t, got)); d != "" {
		t.Errorf("Kubernetes reads something else: %s", d)
	}
}

func FuzzReadYAML(f *testing.F) {
	f.Add([]byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: 'yes', b: \"\\n\"}\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Add([]byte("<<: {a: 1}\nb: 2\n---\n[]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		docs, err := ReadDocuments("f", data)
		if err != nil {
			return
		}
		for _, d := range docs {
			o := &Object{Fields: d.Fields}
			var out bytes.Buffer
			if err := WriteYAML(&out, []*Object{o}); err != nil {
				t.Fatal(err)
			}
			again, err := ReadDocuments("f", out.Bytes())
			if err != nil || len(again) != 1 {
				t.Fatalf("own output is not readable: %v\n%q", err, out.String())
			}
			if diff := cmp.Diff(d.Fields, again[0].Fields); diff != "" {
				t.Fatalf("%s\n%q", diff, out.String())
			}
		}
	})
}

func BenchmarkReadYAML(b *testing.B) {
	dir := os.Getenv("TUG_CORPORA")
	if dir == "" {
		b.Skip("TUG_CORPORA is not set")
	}
	data, err := os.ReadFile(filepath.Join(dir, "repositories/StarpTech-k8s-gitops/demo/config-repository/state.yaml"))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := ReadYAML("state.yaml", data); err != nil {
			b.Fatal(err)
		}
	}
}
