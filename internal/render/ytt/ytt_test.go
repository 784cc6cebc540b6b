package ytt_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/program"
	"github.com/tugops/tug/internal/render"
	"github.com/tugops/tug/internal/render/ytt"
)

// installed is a PATH with one program on it: ytt itself is tested where it is
// installed (TestYtt), its stand-in shows how it is called.
type installed struct {
	program.Runner
	path string
}

func (i installed) Look(string) string { return i.path }

func input(t *testing.T) []*object.Object {
	t.Helper()
	objects, err := object.ReadYAML("chart/a.yaml", []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: '1'}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n"))
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

func standIn(t *testing.T, text string) installed {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ytt")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700); err != nil { //nolint:gosec // it is a program
		t.Fatal(err)
	}
	return installed{path: path}
}

func files() fstest.MapFS {
	return fstest.MapFS{
		"steps/overlay.yaml":  {Data: []byte("#@ load(\"@ytt:overlay\", \"overlay\")\n#@overlay/match by=overlay.subset({\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"a\"}})\n---\ndata:\n  x: \"2\"\n")},
		"steps/lib/more.star": {Data: []byte("x = 1\n")},
	}
}

func TestRender(t *testing.T) {
	t.Parallel()
	before := input(t)
	r := render.Request{Files: files(), Path: "steps", Input: before, Allow: render.Allow{Ytt: true}}
	got, err := ytt.Renderer{Programs: standIn(t, `sed -e 's/x: "1"/x: "2"/'
echo ---
echo 'apiVersion: v1'
echo 'kind: ConfigMap'
echo "metadata: {name: '$*'}"
echo 'data: {files: "'$(find . -type f | sort | tr '\n' ' ')'"}'`)}.Render(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Objects) != 3 || got.Objects[1] != before[1] || got.Objects[0].Source != before[0].Source {
		t.Fatalf("%v", got.Objects)
	}
	if d := cmp.Diff(map[string]any{"x": "2"}, got.Objects[0].Fields["data"]); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff("--file - --file step --file-mark stdin.yml:type=yaml-plain", got.Objects[2].Name()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string]any{"files": "./step/lib/more.star ./step/overlay.yaml "}, got.Objects[2].Fields["data"]); d != "" {
		t.Error(d)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	allowed := render.Allow{Ytt: true}
	for name, tc := range map[string]struct {
		programs render.Programs
		request  render.Request
		kind     fault.Kind
		err      string
	}{
		"switched off": {standIn(t, "cat"), render.Request{Path: "steps"}, fault.Denied, "steps: the step runs ytt, and that is switched off"},
		"missing":      {installed{}, render.Request{Path: "steps", Allow: allowed}, fault.NotFound, "ytt is not installed"},
		"no files":     {standIn(t, "cat"), render.Request{Path: "gone", Allow: allowed}, fault.NotFound, "gone does not exist"},
		"outside":      {standIn(t, "cat"), render.Request{Path: "../x", Allow: allowed}, fault.Invalid, "leads out of the repository"},
		"failure":      {standIn(t, "echo 'overlay: no match' >&2; exit 1"), render.Request{Path: "steps", Allow: allowed}, fault.Invalid, "steps: ytt ended with exit status 1: overlay: no match"},
		"no YAML":      {standIn(t, "echo 'a: b: c'"), render.Request{Path: "steps", Allow: allowed}, fault.Invalid, "output of ytt with steps:1:1: invalid YAML"},
		"no object":    {standIn(t, "echo 'a: b'"), render.Request{Path: "steps", Allow: allowed}, fault.Invalid, "a document has no apiVersion"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.request.Files, tc.request.Input = files(), input(t)
			_, err := ytt.Renderer{Programs: tc.programs}.Render(t.Context(), tc.request)
			if err == nil || !strings.Contains(err.Error(), tc.err) || !fault.Is(err, tc.kind) {
				t.Fatalf("error %v (%s), want %q", err, fault.KindOf(err), tc.err)
			}
		})
	}
}

// TestYtt runs the real program.
func TestYtt(t *testing.T) {
	t.Parallel()
	if (program.Runner{}).Look("ytt") == "" {
		t.Skip("ytt is not installed")
	}
	before := input(t)
	got, err := ytt.Renderer{Programs: program.Runner{}}.Render(t.Context(), render.Request{Files: files(), Path: "steps", Input: before, Allow: render.Allow{Ytt: true}})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Objects) != 2 || got.Objects[1] != before[1] {
		t.Errorf("%v", got.Objects)
	}
	if d := cmp.Diff(map[string]any{"x": "2"}, got.Objects[0].Fields["data"]); d != "" {
		t.Error(d)
	}
}
