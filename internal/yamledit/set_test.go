package yamledit_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/yamledit"
)

// set sets one path of a text.
func set(t *testing.T, text, path string, v yamledit.Value, more ...func(*yamledit.Edit)) (string, error) {
	t.Helper()
	p, err := yamledit.ParsePath(path)
	if err != nil {
		t.Fatal(err)
	}
	e := yamledit.Edit{Path: p, Value: v}
	for _, m := range more {
		m(&e)
	}
	out, err := yamledit.Set("values.yaml", []byte(text), e)
	return string(out), err
}

// TestCorruptions is the table of what other editors do to files, in
// reference/promotion-and-forges.md, section 3.
func TestCorruptions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, path, want string }{
		"inline comment":      {"tag: v1  # {\"$imagepolicy\": \"flux-system:app:tag\"}\n", "tag", "tag: v2  # {\"$imagepolicy\": \"flux-system:app:tag\"}\n"},
		"double quotes":       {"tag: \"v1\"\n", "tag", "tag: \"v2\"\n"},
		"single quotes":       {"tag: 'v1'\n", "tag", "tag: 'v2'\n"},
		"flow map":            {"img: {repo: a, tag: v1}\n", "img.tag", "img: {repo: a, tag: v2}\n"},
		"flow map, first key": {"img: {tag: v1, repo: a}\n", "img.tag", "img: {tag: v2, repo: a}\n"},
		"CRLF":                {"a: 1\r\ntag: v1\r\nb: 2\r\n", "tag", "a: 1\r\ntag: v2\r\nb: 2\r\n"},
		"no final newline":    {"tag: v1", "tag", "tag: v2"},
		"second document":     {"a: 1\n---\ntag: v1\n", "tag", "a: 1\n---\ntag: v2\n"},
		"non-ASCII in flow":   {"{éééé: x, tag: v1}", "tag", "{éééé: x, tag: v2}"},
		"non-ASCII in a key":  {"é: {日本: v0, tag: v1} # ü\n", "é.tag", "é: {日本: v0, tag: v2} # ü\n"},
		"BOM":                 {"\ufefftag: v1\n", "tag", "\ufefftag: v2\n"},
		"BOM and flow":        {"\ufeff{tag: v1}", "tag", "\ufeff{tag: v2}"},
		"blank lines":         {"a: 1\n\n\n# about tag\n\ntag:   v1\n\n\nb: 2\n\n", "tag", "a: 1\n\n\n# about tag\n\ntag:   v2\n\n\nb: 2\n\n"},
		"odd indentation":     {"a:\n      b:\n       - tag: v1\n         x:   y\n", "a.b[0].tag", "a:\n      b:\n       - tag: v2\n         x:   y\n"},
		"anchor that is unused": {
			"tag: &t v1\n", "tag", "tag: &t v2\n",
		},
		"anchor elsewhere":    {"base: &b {x: 1}\ntag: v1\nc: *b\n", "tag", "base: &b {x: 1}\ntag: v2\nc: *b\n"},
		"merge key":           {"base: &b {tag: v0}\nshop:\n  <<: *b\n  tag: v1\n", "shop.tag", "base: &b {tag: v0}\nshop:\n  <<: *b\n  tag: v2\n"},
		"tag of the library":  {"tag: !!str v1 # text\n", "tag", "tag: !!str v2 # text\n"},
		"value over lines":    {"tag: v1\n  and more\nb: 2\n", "tag", "tag: v2\nb: 2\n"},
		"quoted over lines":   {"tag: \"v1\n  more\" # c\n", "tag", "tag: \"v2\" # c\n"},
		"no value":            {"tag:\nb: 2\n", "tag", "tag: v2\nb: 2\n"},
		"no value, a comment": {"tag:  # none yet\n", "tag", "tag: v2  # none yet\n"},
		"null":                {"tag: ~ # none\n", "tag", "tag: v2 # none\n"},
		"list item":           {"- v0\n- v1 # second\n-\n", "[1]", "- v0\n- v2 # second\n-\n"},
		"list without value":  {"- v0\n-\n- x\n", "[1]", "- v0\n- v2\n- x\n"},
		"selector":            {"images:\n- name: a\n  newTag: v1\n- newTag: v1 # b\n  name: b\n", "images[name=b].newTag", "images:\n- name: a\n  newTag: v1\n- newTag: v2 # b\n  name: b\n"},
		"JSON":                {"{\n\t\"image\": {\"tag\": \"v1\"}\n}\n", "image.tag", "{\n\t\"image\": {\"tag\": \"v2\"}\n}\n"},
		"same value":          {"tag:   'v2' # x", "tag", "tag:   'v2' # x"},
		"brace in a comment":  {"img: {repo: a, # }\n  tag: v1}\n", "img.tag", "img: {repo: a, # }\n  tag: v2}\n"},
		"document markers":    {"%YAML 1.1\n---\na: 1\n...\n---\ntag: v1\n...\n", "tag", "%YAML 1.1\n---\na: 1\n...\n---\ntag: v2\n...\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := set(t, c.text, c.path, yamledit.String("v2"))
			if err != nil {
				t.Fatal(err, fault.HintsOf(err))
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestTwoEditsInOneLine(t *testing.T) {
	t.Parallel()
	out, err := yamledit.Set("f", []byte("img: {repo: a, tag: v1} # c\n"),
		yamledit.Edit{Path: yamledit.Keys("img", "repo"), Value: yamledit.String("registry.example/b")},
		yamledit.Edit{Path: yamledit.Keys("img", "tag"), Value: yamledit.String("v2, or so")})
	if want := "img: {repo: registry.example/b, tag: \"v2, or so\"} # c\n"; err != nil || string(out) != want {
		t.Errorf("%q, %v", out, err)
	}
}

// TestValues: what is written is read back as what was meant, by parsers of
// YAML 1.1 too.
func TestValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, value, want string }{
		{"a: v1\n", "1.10", "a: \"1.10\"\n"},
		{"a: v1\n", "12", "a: \"12\"\n"},
		{"a: v1\n", "true", "a: \"true\"\n"},
		{"a: v1\n", "yes", "a: \"yes\"\n"},
		{"a: v1\n", "1e3", "a: \"1e3\"\n"},
		{"a: v1\n", "0123", "a: \"0123\"\n"},
		{"a: v1\n", "1:30", "a: \"1:30\"\n"},
		{"a: v1\n", "2024-01-02", "a: \"2024-01-02\"\n"},
		{"a: v1\n", "1_000", "a: \"1_000\"\n"},
		{"a: v1\n", "", "a: \"\"\n"},
		{"a: v1\n", "x: y", "a: \"x: y\"\n"},
		{"a: v1\n", "x #y", "a: \"x #y\"\n"},
		{"a: v1\n", "*x", "a: \"*x\"\n"},
		{"a: v1\n", "two\nlines", "a: \"two\\nlines\"\n"},
		{"a: 'v1'\n", "it's", "a: 'it''s'\n"},
		{"a: \"v1\"\n", `a"b\`, `a: "a\"b\\"` + "\n"},
		{"a: v1\n", "1.4.2", "a: 1.4.2\n"},
		{"a: v1\n", "registry.example:5000/x@sha256:ab", "a: registry.example:5000/x@sha256:ab\n"},
		{"a: 3\n", "5", "a: 5\n"},
		{"a: 3\n", "many", "a: many\n"},
		{"a: true\n", "false", "a: false\n"},
		{"a: true\n", `"false"`, "a: \"false\"\n"},
		{"a: v1\n", "null", "a: null\n"},
		{"b: 1\n", "5", "b: 1\na: 5\n"},
		{"b: 1\n", "1.10", "b: 1\na: \"1.10\"\n"},
		{"b: 'x'\n", "y", "b: 'x'\na: 'y'\n"},
	} {
		got, err := set(t, c.text, "a", yamledit.Scalar(c.value))
		if err != nil || got != c.want {
			t.Errorf("%q set to %q gives %q, %v; want %q", c.text, c.value, got, err, c.want)
		}
	}
}

func TestAdditions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, path, want string }{
		"behind the last":      {"a: 1 # x\n# end\n", "tag", "a: 1 # x\ntag: v2\n# end\n"},
		"no final newline":     {"a: 1", "tag", "a: 1\ntag: v2"},
		"CRLF":                 {"a: 1\r\n", "b.tag", "a: 1\r\nb:\r\n  tag: v2\r\n"},
		"in a map":             {"image:\n    repo: x\n\n# next\nb: 1\n", "image.tag", "image:\n    repo: x\n    tag: v2\n\n# next\nb: 1\n"},
		"indented by four":     {"a:\n    b:\n        c: 1\n", "a.d.e", "a:\n    b:\n        c: 1\n    d:\n        e: v2\n"},
		"in a list item":       {"images:\n- name: a\n- name: b\n", "images[name=a].newTag", "images:\n- name: a\n  newTag: v2\n- name: b\n"},
		"new list item":        {"images:\n- name: a # first\n  newTag: v1\n\nx: 1\n", "images[name=b].newTag", "images:\n- name: a # first\n  newTag: v1\n- name: b\n  newTag: v2\n\nx: 1\n"},
		"new list":             {"resources:\n- a\n", "images[name=b].newTag", "resources:\n- a\nimages:\n- name: b\n  newTag: v2\n"},
		"new list, indented":   {"resources:\n  - a\n", "images[name=b].newTag", "resources:\n  - a\nimages:\n  - name: b\n    newTag: v2\n"},
		"flow":                 {"img: {repo: a} # c\n", "img.tag", "img: {repo: a, tag: v2} # c\n"},
		"flow, nested":         {"img: {repo: a}\n", "img.x.tag", "img: {repo: a, x: {tag: v2}}\n"},
		"flow, empty":          {"img: {}\n", "img.tag", "img: {tag: v2}\n"},
		"flow, trailing comma": {"img: {repo: a, }\n", "img.tag", "img: {repo: a, tag: v2 }\n"},
		"flow, no value":       {"img: {repo}\n", "img.tag", "img: {repo, tag: v2}\n"},
		"flow list":            {"images: [{name: a, newTag: v1}]\n", "images[name=b].newTag", "images: [{name: a, newTag: v1}, {name: b, newTag: v2}]\n"},
		"flow over lines":      {"{\n  \"a\": 1,\n  \"b\": \"x\"\n}\n", "tag", "{\n  \"a\": 1,\n  \"b\": \"x\",\n  \"tag\": \"v2\"\n}\n"},
		"under nothing":        {"img:\nb: 1\n", "img.tag", "img:\n  tag: v2\nb: 1\n"},
		"under a comment":      {"img: # none yet\nb: 1\n", "img.tag", "img: # none yet\n  tag: v2\nb: 1\n"},
		"under nothing at end": {"img:", "img.tag", "img:\n  tag: v2"},
		"under null":           {"img: null # none\n", "img.tag", "img: {tag: v2} # none\n"},
		"empty file":           {"", "a.tag", "a:\n  tag: v2\n"},
		"comments only":        {"# values\n", "tag", "# values\ntag: v2\n"},
		"over a merge key":     {"b: &b {tag: v0}\nshop:\n  <<: *b\n", "shop.tag", "b: &b {tag: v0}\nshop:\n  <<: *b\n  tag: v2\n"},
		"behind a block":       {"a: |+\n  x\n\nb: 1\nc: |\n  y\n\n", "tag", "a: |+\n  x\n\nb: 1\nc: |\n  y\ntag: v2\n\n"},
		"odd key":              {"a: 1\n", `["on"]["x y"]`, "a: 1\n\"on\":\n  \"x y\": v2\n"},
		"block without an end": {"a: 1\nb: |\n  x", "tag", "a: 1\ntag: v2\nb: |\n  x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := set(t, c.text, c.path, yamledit.String("v2"))
			if err != nil {
				t.Fatal(err, fault.HintsOf(err))
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestChoosesDocuments(t *testing.T) {
	t.Parallel()
	text := "kind: A\nspec: {tag: v1}\n---\n# second\nkind: B\nspec: {tag: v1}\n---\n"
	in := func(m yamledit.Match) func(*yamledit.Edit) { return func(e *yamledit.Edit) { e.In = m } }
	got, err := set(t, text, "spec.tag", yamledit.String("v2"), in(yamledit.Match{"kind": "B"}))
	if want := strings.Replace(text, "kind: B\nspec: {tag: v1}", "kind: B\nspec: {tag: v2}", 1); err != nil || got != want {
		t.Errorf("%q, %v", got, err)
	}
	got, err = set(t, text, "spec.new", yamledit.String("v2"), in(yamledit.Match{"kind": "A", "spec.tag": "v1"}))
	if want := strings.Replace(text, "kind: A\nspec: {tag: v1}", "kind: A\nspec: {tag: v1, new: v2}", 1); err != nil || got != want {
		t.Errorf("%q, %v", got, err)
	}
	refused(t, text, "spec.tag", "values.yaml:6: spec.tag is in 2 documents", "which document")
	refused(t, text, "other", "none of its 2 documents has other", "which document")
	_, err = set(t, text, "spec.tag", yamledit.String("v2"), in(yamledit.Match{"kind": "C"}))
	if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "no document has kind=C") {
		t.Errorf("%v", err)
	}
}

func refused(t *testing.T, text, path, want, hint string, more ...func(*yamledit.Edit)) {
	t.Helper()
	got, err := set(t, text, path, yamledit.String("v2"), more...)
	if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) || !strings.Contains(strings.Join(fault.HintsOf(err), "\n"), hint) {
		t.Errorf("%q %s: got %q, %v %q", text, path, got, err, fault.HintsOf(err))
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	refused(t, "tag: |\n  v1\n", "tag", "values.yaml:1: tag is a block of text", "one line")
	refused(t, "tag: &t v1\nb: *t\n", "tag", "tag has the anchor &t, which line 2 repeats", "write the value out")
	refused(t, "tag: &t v1\nb: *t\n", "b", "values.yaml:2: b is the alias *t", "anchor &t")
	refused(t, "a: &t {tag: v1}\nb: *t\n", "b.tag", "b is the alias *t", "value of its own")
	refused(t, "a: &t {tag: v1}\nb: *t\n", "a.tag", "a has the anchor &t, which line 2 repeats", "")
	refused(t, "a: &t {tag: v1}\nb: *t\n", "a.new", "a has the anchor &t", "")
	refused(t, "tag: v1\ntag: v1\n", "tag", "tag is there twice", "remove one")
	refused(t, "image: {tag: v1}\n", "image", "image is a map, no single value", "name a value in it")
	refused(t, "image: text\n", "image.tag", "image is a single value, no map", "")
	refused(t, "image: [a]\n", "image[3]", "there is no image[3]", "")
	refused(t, "image: [a]\n", "image.tag", "image is a list, no map", "")
	refused(t, "a: {{ .Values.x }}\nb: {{- if }}\n", "a", "values.yaml: line", "template language")
	refused(t, "imgae: {tag: v1}\n", "image.tag", "there is no image", "did you mean imgae?", func(e *yamledit.Edit) { e.Existing = true })
}

func TestForce(t *testing.T) {
	t.Parallel()
	force := func(e *yamledit.Edit) { e.Force = true }
	for text, want := range map[string]string{
		"tag: |\n  v1\n\nb: 1\n":       "tag: v2\n\nb: 1\n",
		"tag: >- # c\n  v1\n  x\nb: 1": "tag: v2\nb: 1",
		"b: &t v1\ntag: *t\n":          "b: &t v1\ntag: v2\n",
		"tag: &t v1\nb: *t\n":          "tag: &t v2\nb: *t\n",
	} {
		if got, err := set(t, text, "tag", yamledit.String("v2"), force); err != nil || got != want {
			t.Errorf("%q gives %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"a.b", "a[0].b", "images[name=x/y:z].newTag", `data["tls.key"]`, `["a b"].c`, "[2]"} {
		p, err := yamledit.ParsePath(text)
		if err != nil || p.String() != text {
			t.Errorf("%q is %q, %v", text, p, err)
		}
	}
	if p, err := yamledit.ParsePath(`a\.b.c`); err != nil || p.String() != `["a.b"].c` {
		t.Errorf("%q, %v", p, err)
	}
	if p := yamledit.Keys("a").Item("name", "x").Child("b").At(1).String(); p != "a[name=x].b[1]" {
		t.Error(p)
	}
	for _, text := range []string{"", "a..b", "a[", "a[x]", "a[-1]", `a["x`, "a]b[0]c", "a[0]b"} {
		if _, err := yamledit.ParsePath(text); !fault.Is(err, fault.Usage) && text != "a]b[0]c" {
			t.Errorf("%q: %v", text, err)
		}
	}
}
