package snapshot

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/corpustest"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/project"
)

// corpora is the folder of real charts and repositories.
func corpora(t *testing.T) fs.FS {
	t.Helper()
	root, err := os.OpenRoot(corpustest.Dir(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root.FS()
}

// detected builds what lies at a path, as `tug render PATH -n default -f VALUES`
// does.
func detected(t *testing.T, files fs.FS, name, app string, values ...string) (*Snapshot, error) {
	t.Helper()
	p, err := project.Open(files, name)
	if err != nil {
		t.Fatal(err)
	}
	specs, err := p.Select(project.Choice{App: app, Namespace: "default"})
	if err != nil {
		t.Fatal(err)
	}
	specs[0].ValueFiles = values
	return engines().Build(t.Context(), Input{Files: files, Spec: specs[0], Revision: Revision{Commit: "abc"}})
}

// TestDeus: the demo of Deus' article, as it is.
func TestDeus(t *testing.T) {
	t.Parallel()
	const repository = "repositories/StarpTech-k8s-gitops/demo/config-repository"
	files := corpora(t)
	for _, name := range []string{repository, repository + "/umbrella-chart"} {
		s, err := detected(t, files, name, "my-app")
		if err != nil {
			t.Fatal(err)
		}
		text := yamlText(t, find(t, s, "Deployment my-app-demo-service"))
		const image = "index.docker.io/starptech/demo-service@sha256:da49a2ec3fca4e09bf581443e20215475c411b0d6c73c4f8707bdc48f3017e6d"
		if !strings.Contains(text, "image: "+image) || !strings.Contains(text, repository+"/app-locks/demo-service.kbld.lock.yml") {
			t.Errorf("%s: the image is not pinned, or not with its origin:\n%s", name, text)
		}
		var unlocked []string
		for _, w := range s.Warnings {
			if strings.Contains(w, "has no lock") {
				unlocked = append(unlocked, w)
			}
		}
		t.Logf("%s: %q, warnings %q", name, refs(s), s.Warnings)
		if len(unlocked) == 0 {
			t.Error("the images that no lock covers are not named")
		}
	}
}

// TestXposer: Stakater's chart and manifests, as they are.
func TestXposer(t *testing.T) {
	t.Parallel()
	files := corpora(t)
	for _, name := range []string{
		"charts/stakater/xposer",
		"repositories/stakater-xposer/deployments/kubernetes/chart",
		"repositories/stakater-xposer/deployments/kubernetes/manifests",
		"repositories/stakater-xposer/deployments/kubernetes/xposer.yaml",
	} {
		s, err := detected(t, files, name, "")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(s.Objects) < 4 {
			t.Errorf("%s: %q", name, refs(s))
		}
	}
}

// TestCorpusRoundTrip: what is written for a real chart reads back as the same
// objects.
func TestCorpusRoundTrip(t *testing.T) {
	t.Parallel()
	files := corpora(t)
	charts, err := fs.Glob(files, "charts/*/*/Chart.yaml")
	if err != nil || len(charts) < 40 {
		t.Fatalf("%d charts: %v", len(charts), err)
	}
	built, tried := 0, 0
	for _, chart := range charts {
		dir := path.Dir(chart)
		cases, err := fs.Glob(files, dir+"/ci/*values.yaml")
		if err != nil {
			t.Fatal(err)
		}
		for _, values := range append(cases, "") {
			tried++
			if roundTrips(t, files, dir, values) {
				built++
			}
		}
	}
	t.Logf("%d of %d renders", built, tried)
	if built < tried*3/4 {
		t.Errorf("only %d of %d renders succeed", built, tried)
	}
}

// roundTrips is false when the chart does not render.
func roundTrips(t *testing.T, files fs.FS, dir, values string) bool {
	t.Helper()
	var given []string
	if values != "" {
		given = []string{values}
	}
	s, err := detected(t, files, dir, "", given...)
	if err != nil {
		// Whether a chart may fail is the Helm engine's test. Here its
		// objects must not contradict each other.
		if !strings.Contains(err.Error(), "render chart") {
			t.Errorf("%s %s: %v", dir, values, err)
		}
		t.Logf("%s %s: %v", dir, values, errors.Unwrap(err))
		return false
	}
	var b strings.Builder
	if err := s.WriteYAML(&b, true); err != nil {
		t.Fatal(err)
	}
	back, err := object.ReadYAML("stream", []byte(b.String()))
	if err != nil {
		t.Errorf("%s %s: %v", dir, values, err)
		return true
	}
	var got []map[string]any
	for _, o := range back {
		got = append(got, o.Fields)
	}
	if diff := cmp.Diff(fieldsOf(s), got); diff != "" {
		t.Errorf("%s %s (-written +read):\n%s", dir, values, diff)
	}
	return true
}
