package krm_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/program"
	"github.com/tugops/tug/internal/render"
	"github.com/tugops/tug/internal/render/krm"
)

const manifests = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {replicas: 1, ratio: 0.50, big: 123456789012345678901234567890}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {a: "1", b: "yes"}
`

func objects(t testing.TB) []*object.Object {
	t.Helper()
	list, err := object.ReadYAML("app/all.yaml", []byte(manifests))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// function makes a function of an annotation and more of its configuration.
func function(t testing.TB, annotation string, config map[string]any) *krm.Function {
	t.Helper()
	fields := map[string]any{
		"apiVersion": "example.com/v1", "kind": "Fn",
		"metadata": map[string]any{"name": "f", "annotations": map[string]any{krm.Annotation: annotation}},
	}
	for k, v := range config {
		fields[k] = v
	}
	f, err := krm.Find(&object.Object{Fields: fields, Source: object.Source{File: "app/fn.yaml", Line: 1}})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func inline(t testing.TB, source string, config map[string]any) *krm.Function {
	t.Helper()
	data, err := json.Marshal(map[string]any{"starlark": map[string]any{"source": source}})
	if err != nil {
		t.Fatal(err)
	}
	return function(t, string(data), config)
}

func TestStarlark(t *testing.T) {
	t.Parallel()
	f := inline(t, `
def scale(items, replicas):
    for o in items:
        if o["kind"] == "Deployment":
            o["spec"]["replicas"] = replicas
            o["metadata"].setdefault("labels", {})["by"] = "-".join(["a", "b"]) + "%d" % 3
spec = ctx.resource_list["functionConfig"]["spec"]
scale(ctx.resource_list["items"], spec["replicas"])
ctx.resource_list["items"].append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "new"}})
ctx.resource_list["results"] = [{"severity": "warning", "message": "scaled", "resourceRef": {"kind": "Deployment", "name": "web"}}]
`, map[string]any{"spec": map[string]any{"replicas": int64(4)}})
	before := objects(t)
	got, err := krm.Runner{Files: fstest.MapFS{}, Folder: "."}.Run(t.Context(), f, before)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Objects) != 3 {
		t.Fatalf("%d objects", len(got.Objects))
	}
	web := got.Objects[0]
	if d := cmp.Diff(map[string]any{"replicas": int64(4), "ratio": json.Number("0.5"), "big": json.Number("123456789012345678901234567890")}, web.Fields["spec"]); d != "" {
		t.Error(d)
	}
	if web.Label("by") != "a-b3" || web.Source != before[0].Source {
		t.Errorf("%v from %v", web.Fields, web.Source)
	}
	if got.Objects[1] != before[1] {
		t.Error("an object that was left alone is another one")
	}
	if d := cmp.Diff([]string{"app/fn.yaml:1: function Fn f: Deployment web: scaled"}, got.Warnings); d != "" {
		t.Error(d)
	}
	if before[0].Fields["spec"].(map[string]any)["replicas"] != int64(1) {
		t.Error("the input changed")
	}
}

func TestStarlarkFiles(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"app/fn.star":     {Data: []byte("load('lib/a.star', 'name')\nload('//shared/b.star', b='suffix')\nctx.resource_list['items'][0]['metadata']['name'] = name + b\n")},
		"app/lib/a.star":  {Data: []byte("load('../../shared/b.star', 'suffix')\nname = 'a' + suffix\n")},
		"shared/b.star":   {Data: []byte("suffix = '-b'\n")},
		"app/self.star":   {Data: []byte("load('self.star', 'x')\n")},
		"app/out.star":    {Data: []byte("load('../../etc/passwd', 'x')\n")},
		"app/none.star":   {Data: []byte("load('gone.star', 'x')\n")},
		"app/syntax.star": {Data: []byte("x = 1\ny = = 2\n")},
	}
	r := krm.Runner{Files: files, Folder: "app"}
	got, err := r.Run(t.Context(), function(t, "starlark: {path: fn.star}", nil), objects(t))
	if err != nil {
		t.Fatal(err)
	}
	if name := got.Objects[0].Name(); name != "a-b-b" {
		t.Errorf("name %q", name)
	}
	for path, want := range map[string]string{
		"self.star":      "app/self.star loads itself",
		"out.star":       "leads out of the repository",
		"none.star":      "app/gone.star does not exist",
		"syntax.star":    "app/syntax.star:2:5: got '='",
		"../../x.star":   "leads out of the repository",
		"gone.star":      "app/gone.star does not exist",
		"/etc/passwd":    "leads out of the repository",
		"lib":            "is no file",
		"..\\..\\x.star": "leads out of the repository",
	} {
		_, err := r.Run(t.Context(), function(t, fmt.Sprintf("starlark: {path: '%s'}", path), nil), objects(t))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", path, err, want)
		}
	}
}

func TestStarlarkFaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ source, err string }{
		"fail":             {"def check(o):\n  fail('no owner on ' + o['kind'])\n[check(o) for o in ctx.resource_list['items']]", "app/fn.yaml:2:7: fail: no owner on Deployment"},
		"missing key":      {"ctx.resource_list['items'][0]['nope']", `key "nope" not in dict`},
		"undefined":        {"x = getenv('HOME')", "undefined: getenv"},
		"endless":          {"while True:\n  pass", "took more than 20000000 steps"},
		"recursion":        {"def f(): return f()\nf()", "called recursively"},
		"long text":        {"x = 'a' * 1000000000", "builds more than 256 MiB"},
		"long list":        {"x = [0] * (1 << 40)", "builds more than 256 MiB"},
		"doubling":         {"x = 'ab'\nfor i in range(60): x = x + x", "builds more than 256 MiB"},
		"doubling in it":   {"x = 'ab'\nfor i in range(60): x += x", "builds more than 256 MiB"},
		"doubling list":    {"x = [1]\nfor i in range(60): x += x", "builds more than 256 MiB"},
		"multiplying":      {"x = 'ab'\nfor i in range(60): x *= 2", "builds more than 256 MiB"},
		"squaring":         {"x = 3\nfor i in range(60): x *= x", "builds more than 256 MiB"},
		"join":             {"s = 'a' * 1000000\nx = s.join([s] * 100000)", "builds more than 256 MiB"},
		"join by value":    {"s = 'a' * 1000000\nf = s.join\nx = f([s] * 100000)", "builds more than 256 MiB"},
		"join as key":      {"s = 'a' * 1000000\nx = sorted([[s] * 1000] * 10, key=s.join)", "sorted: key must be a function of the program"},
		"join in getattr":  {"s = 'a' * 1000000\nx = getattr(s, 'join')([s] * 100000)", "builds more than 256 MiB"},
		"replace":          {"x = ('a' * 1000000).replace('', 'b' * 1000000)", "builds more than 256 MiB"},
		"format":           {"x = ('{0}' * 100000).format('a' * 1000000)", "builds more than 256 MiB"},
		"percent":          {"x = ('%s' * 1000) % tuple(['a' * 1000000] * 1000)", "builds more than 256 MiB"},
		"text of a web":    {"x = ['a']\nfor i in range(60): x = [x, x]\nstr(x)", "builds more than 256 MiB"},
		"json of a web":    {"x = ['a']\nfor i in range(60): x = [x, x]\njson.encode(x)", "builds more than 256 MiB"},
		"output of a web":  {"x = ['a']\nfor i in range(60): x = [x, x]\nctx.resource_list['items'][0]['x'] = x", "more than 5000000 values"},
		"list in itself":   {"x = []\nx.append(x)\nctx.resource_list['items'][0]['x'] = x", "nested more than 200 deep"},
		"long range":       {"x = list(range(1 << 40))", "a range of more than"},
		"extend":           {"x = [0] * 1000\nfor i in range(60): x.extend(x)", "builds more than 256 MiB"},
		"zip":              {"x = zip(*([range(1000000)] * 1000))", "builds more than 256 MiB"},
		"slices":           {"x = [0] * 100000\ny = []\nfor i in range(100000): y.append(x[:])", "builds more than 256 MiB"},
		"no number":        {"ctx.resource_list['items'][0]['x'] = float('nan')", "has no form in YAML"},
		"a function":       {"ctx.resource_list['items'][0]['x'] = len", "a builtin_function_or_method has no form in YAML"},
		"key that is none": {"ctx.resource_list['items'][0][1] = 2", "key int is not text"},
		"no object":        {"ctx.resource_list['items'].append('x')", "gave item 3, which is not an object"},
		"no kind":          {"ctx.resource_list['items'].append({'apiVersion': 'v1'})", "without apiVersion or kind"},
		"no list":          {"ctx.resource_list['items'] = 'x'", "where a list is needed"},
		"results":          {"ctx.resource_list['results'] = [{'severity': 'error', 'message': 'no limits', 'resourceRef': {'kind': 'Deployment', 'name': 'web', 'namespace': 'shop'}, 'field': {'path': 'spec.x', 'proposedValue': 3}}, {'message': 'second'}]", "function Fn f: Deployment shop/web: no limits (spec.x, should be 3)\nsecond"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := krm.Runner{Files: fstest.MapFS{}, Folder: "."}.Run(t.Context(), inline(t, tc.source, nil), objects(t))
			if err == nil || !strings.Contains(err.Error(), tc.err) || !fault.Is(err, fault.Invalid) {
				t.Fatalf("error %v (%s), want %q", err, fault.KindOf(err), tc.err)
			}
		})
	}
}

// What the guard is put around must still mean the same.
func TestGuardKeepsMeaning(t *testing.T) {
	t.Parallel()
	source := `
def f(a, b=1 + 1, *args, **kw): return [a, b, list(args), kw]
x = [1]; y = x
x += [2]
d = {"k": [1], "n": 1}
d["k"] += [2]; d["n"] += 1
s = "a"; s *= 3
p = "%s-%d"; p %= ("x", 4)
u = {"a": 1}; u |= {"b": 2}
(m, [n]) = (1, [2])
out = [
  f(1), f(1, 2, 3, k=4), f(*[1, 2], **{"z": 5}), y, d, s, p, u, m + n,
  [i * 2 for i in range(4) if i % 2], {k: v for k, v in [("a", 1)]}, "abcdef"[1:5:2], [1, 2, 3][1:],
  (lambda q=2 * 3: q)(), sorted(["bb", "a"], key=len), sorted([3, 1], key=lambda v: -v), 7 if 1 > 2 else 8, -3, not True,
  "{}-{k}".format(1, k="v"), "a,b".split(","), max([1, 5]), {"x": 1} | {"y": 2}, json.decode(json.encode({"a": [1]})), struct(a=1).a,
]
ctx.resource_list["items"] = [{"apiVersion": "v1", "kind": "X", "out": out}]
`
	got, err := krm.Runner{Files: fstest.MapFS{}, Folder: "."}.Run(t.Context(), inline(t, source, nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(got.Objects[0].Fields["out"])
	if err != nil {
		t.Fatal(err)
	}
	want := `[[1,2,[],{}],[1,2,[3],{"k":4}],[1,2,[],{"z":5}],[1,2],{"k":[1,2],"n":2},"aaa","x-4",{"a":1,"b":2},3,` +
		`[2,6],{"a":1},"bd",[2,3],6,["a","bb"],[3,1],8,-3,false,"1-v",["a","b"],5,{"x":1,"y":2},{"a":[1]},1]`
	if d := cmp.Diff(want, string(data)); d != "" {
		t.Error(d)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := krm.Runner{Files: fstest.MapFS{}, Folder: "."}.Run(ctx, inline(t, "while True:\n  pass", nil), nil)
	if err == nil || !strings.Contains(err.Error(), context.Canceled.Error()) {
		t.Errorf("error %v", err)
	}
}

func executable(text string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte("#!/bin/sh\n" + text), Mode: fs.FileMode(0o755)}
}

func TestExec(t *testing.T) {
	t.Parallel()
	r := krm.Runner{
		Files: fstest.MapFS{
			"app/add.sh":     executable("sed -e 's/replicas: 1$/replicas: 7/'"),
			"app/results.sh": executable("cat >/dev/null\ncat <<E\napiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: []\nresults: [{message: not allowed, severity: error}]\nE\nexit 1"),
			"app/docs.sh":    executable("echo 'apiVersion: v1\nkind: Namespace\nmetadata: {name: made}'"),
			"app/silent.sh":  executable("echo broken pipe of dreams >&2; exit 9"),
			"app/text.sh":    executable("echo 'a: b: c'"),
			"app/plain.sh":   {Data: []byte("#!/bin/sh\ncat"), Mode: 0o644},
		},
		Folder: "app", Allow: render.Allow{Exec: true}, Programs: program.Runner{},
	}
	before := objects(t)
	got, err := r.Run(t.Context(), function(t, "exec: {path: ./add.sh}", nil), before)
	if err != nil {
		t.Fatal(err)
	}
	if n := got.Objects[0].Fields["spec"].(map[string]any)["replicas"]; n != int64(7) || got.Objects[0].Source != before[0].Source {
		t.Errorf("replicas %v from %v", n, got.Objects[0].Source)
	}
	if got.Objects[1] != before[1] {
		t.Errorf("an object that was left alone is another one: %v", got.Objects[1].Fields)
	}
	got, err = r.Run(t.Context(), function(t, "exec: {path: docs.sh}", nil), before)
	if err != nil || len(got.Objects) != 1 || got.Objects[0].Name() != "made" {
		t.Errorf("%v, %v", got.Objects, err)
	}
	for annotation, want := range map[string]string{
		"exec: {path: results.sh}":              "function Fn f: not allowed",
		"exec: {path: silent.sh}":               "silent.sh ended with exit status 9: broken pipe of dreams",
		"exec: {path: text.sh}":                 "invalid YAML",
		"exec: {path: plain.sh}":                "app/plain.sh is not executable",
		"exec: {path: ../../../bin/sh}":         "leads out of the repository",
		"exec: {path: /bin/sh}":                 "leads out of the repository",
		"exec: {path: none.sh}":                 "app/none.sh does not exist",
		"exec: {path: docs.sh, envs: [HOME]}":   `asks for the environment variable "HOME"`,
		"container: {image: a}":                 "containers are switched off",
		"starlark: {url: 'http://example.com'}": "functions are not fetched",
	} {
		_, err := r.Run(t.Context(), function(t, annotation, nil), before)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", annotation, err, want)
		}
	}
	r.Allow = render.Allow{}
	if _, err = r.Run(t.Context(), function(t, "exec: {path: add.sh}", nil), before); !fault.Is(err, fault.Denied) {
		t.Errorf("error %v", err)
	}
}

// engine stands for docker: a program that shows how it was called.
type engine struct {
	program.Runner
	path string
}

func (e engine) Look(name string) string {
	if name == "docker" {
		return e.path
	}
	return ""
}

func TestContainer(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "docker")
	if err := os.WriteFile(path, []byte("#!/bin/sh\nfor a in \"$@\"; do line=\"$line$a \"; done\nsed -e \"s|name: settings|name: '$line'|\""), 0o700); err != nil { //nolint:gosec // it is a program
		t.Fatal(err)
	}
	r := krm.Runner{Files: fstest.MapFS{}, Folder: ".", Allow: render.Allow{Containers: true}, Programs: engine{path: path}}
	got, err := r.Run(t.Context(), function(t, "container: {image: 'example.com/fn:v1', envs: [A=b]}", nil), objects(t))
	if err != nil {
		t.Fatal(err)
	}
	want := "run --rm --interactive --network none --read-only --user 65534:65534 --cap-drop ALL --security-opt no-new-privileges " +
		"--memory 1g --pids-limit 256 --env LOG_TO_STDERR=true --env STRUCTURED_RESULTS=true --env A=b example.com/fn:v1 "
	if d := cmp.Diff(want, got.Objects[1].Name()); d != "" {
		t.Error(d)
	}
	if len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], "has no digest") {
		t.Errorf("warnings %v", got.Warnings)
	}
	for annotation, want := range map[string]string{
		"container: {image: a, network: true}":                      "no network and no mounts",
		"container: {image: a, mounts: [{src: /, dst: /x}]}":        "no network and no mounts",
		"container: {image: '--privileged'}":                        "is not an image",
		"container: {image: a, envs: [HOME]}":                       "asks for the environment variable",
		"container: {image: a}\nexec: {path: b}":                    "names 2 ways",
		"container: {image: a, command: x}":                         "unknown field",
		"deferFailure: true":                                        "names 0 ways",
		"starlark: {path: a, source: b}":                            "has both path and source",
		"container: {image: a, mounts: [{type: bind, src: '../'}]}": "no network and no mounts",
	} {
		f, err := krm.Find(&object.Object{Fields: map[string]any{
			"apiVersion": "v1", "kind": "Fn",
			"metadata": map[string]any{"name": "f", "annotations": map[string]any{krm.Annotation: annotation}},
		}})
		if err == nil {
			_, err = r.Run(t.Context(), f, nil)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", annotation, err, want)
		}
	}
	r.Programs = engine{}
	if _, err := r.Run(t.Context(), function(t, "container: {image: a}", nil), nil); !fault.Is(err, fault.NotFound) {
		t.Errorf("error %v", err)
	}
}

// Any program ends within its limits and gives objects or an error.
func FuzzStarlark(f *testing.F) {
	for _, seed := range []string{
		"ctx.resource_list['items'] = []", "x = 'a' * 99", "[x for x in range(9) if x % 2]", "def f(a, *b, **c): return a\nf(1, 2, c=3)",
		"load('a.star', 'b')", "x[1:2] += 3", "for a, (b, c) in []: pass", "lambda: (yield)", "x *= 2", "a.b %= 3",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		if source == "" || !utf8.ValidString(source) || strings.ContainsFunc(source, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
			return // it cannot stand in a file of YAML
		}
		got, err := krm.Runner{Files: fstest.MapFS{}, Folder: "."}.Run(t.Context(), inline(t, source, nil), objects(t))
		if err == nil && got.Objects == nil && !strings.Contains(source, "resource_list") && !strings.Contains(source, "ctx") {
			t.Error("the objects are gone")
		}
	})
}
