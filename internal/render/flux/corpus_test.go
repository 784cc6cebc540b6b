package flux

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
)

// shelf gives the charts of the corpora by name, whatever version is asked
// for: the repositories ask for those of another day.
type shelf struct {
	files fs.FS
	paths map[string]string
}

func newShelf(t *testing.T) shelf {
	t.Helper()
	s := shelf{files: corpora(t, "charts"), paths: map[string]string{}}
	found, err := fs.Glob(s.files, "*/*/Chart.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range found {
		data, err := fs.ReadFile(s.files, name)
		if err != nil {
			t.Fatal(err)
		}
		var chart struct{ Name string }
		if err := yaml.Unmarshal(data, &chart); err != nil {
			t.Fatal(err)
		}
		s.paths[chart.Name] = path.Dir(name)
	}
	return s
}

func (s shelf) Chart(_ context.Context, r render.ChartRef) (render.Package, error) {
	name := r.Name
	if name == "" {
		name = path.Base(r.Repository)
	}
	if folder, ok := s.paths[name]; ok {
		return render.Package{Files: s.files, Path: folder}, nil
	}
	return render.Package{}, fault.New(fault.NotFound, "chart %s is not in the corpora", name)
}

func (s shelf) Tree(_ context.Context, r render.TreeRef) (render.Package, error) {
	return render.Package{}, fault.New(fault.NotFound, "repository %s is not in the corpora", r.URL)
}

// count is what came of the Flux objects of one folder.
type count struct{ kustomizations, built, releases, computed, rendered, objects int }

// survey expands a folder of the corpora and logs what could not be done with
// its reason.
func survey(t *testing.T, repository, folder string, sources render.Sources) (count, *run) {
	t.Helper()
	r := request(corpora(t, "repositories/"+repository), folder)
	r.Sources = sources
	run, err := renderer().expand(t.Context(), r)
	if err != nil {
		t.Fatal(fullError(err))
	}
	var c count
	for _, it := range run.items {
		c.objects += len(it.objects)
		if it.release == nil {
			c.kustomizations++
			if it.err == nil {
				c.built++
			}
		} else {
			c.releases++
			if it.merged != nil && (it.chart.isRemote() && it.chart.remote.Version != "" || it.chart.path != "") {
				c.computed++
			}
			if it.err == nil {
				c.rendered++
			}
		}
		if it.err != nil {
			t.Logf("not done: %s: %v", it, it.err)
		}
	}
	for _, w := range run.warnings {
		t.Logf("warning: %s", w)
	}
	return c, run
}

// TestCorpora: both Flux repositories, from the folders that their clusters
// are bootstrapped with. Every Kustomization builds but one, whose script was
// left out of the corpora; every chart request and its values are computed;
// what is on the shelf renders.
func TestCorpora(t *testing.T) {
	t.Parallel()
	sources := newShelf(t)
	for _, test := range []struct {
		repository, folder string
		want               count
		// unbuilt are Kustomizations that cannot be built, with why.
		unbuilt map[string]string
	}{
		{"flux2-kustomize-helm-example", "clusters/production", count{4, 4, 3, 3, 0, 6}, nil},
		{"flux2-kustomize-helm-example", "clusters/staging", count{4, 4, 3, 3, 0, 6}, nil},
		{"xunholy-k8s-gitops", "kubernetes/clusters/cluster-00", count{72, 71, 63, 63, 1, 353}, map[string]string{
			"sabnzbd": `"resources/xseed.sh" does not exist`,
		}},
	} {
		t.Run(test.repository+"/"+path.Base(test.folder), func(t *testing.T) {
			t.Parallel()
			c, run := survey(t, test.repository, test.folder, sources)
			t.Logf("%+v", c)
			if c != test.want {
				t.Errorf("got %+v, want %+v", c, test.want)
			}
			for _, it := range run.items {
				if it.err == nil || it.release != nil {
					continue
				}
				why := test.unbuilt[it.ref.Name]
				if why == "" || !strings.Contains(it.err.Error(), why) {
					t.Errorf("%s: %v", it, it.err)
				}
			}
		})
	}
}

// TestCorporaEveryFolder: each kustomization of the repositories builds, also
// those that no cluster names; of each HelmRelease in them the chart request
// and the values are computed, with the sources that the clusters have.
func TestCorporaEveryFolder(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		repository, cluster      string
		built, missing, releases int
	}{
		{"flux2-kustomize-helm-example", "clusters/production", 7, 0, 3},
		{"xunholy-k8s-gitops", "kubernetes/clusters/cluster-00", 125, 1, 84},
	} {
		t.Run(test.repository, func(t *testing.T) {
			t.Parallel()
			_, run := survey(t, test.repository, test.cluster, newShelf(t))
			built, missing := 0, 0
			releases := map[string]bool{}
			for _, folder := range kustomizations(t, run.request.Files) {
				it := &item{ref: object.Ref{Kind: kindKustomization}, from: run.home, folder: folder}
				b, err := run.buildFolder(t.Context(), it)
				switch {
				case err == nil:
					built++
				case strings.Contains(err.Error(), ".sh\" does not exist"):
					missing++
					t.Logf("%s: %v (scripts are left out of the corpora)", folder, err)
				default:
					t.Errorf("%s: %v", folder, err)
				}
				for _, name := range computed(t, run, it, b) {
					releases[name] = true
				}
			}
			t.Logf("%d kustomizations built, %d miss a script, %d HelmReleases computed", built, missing, len(releases))
			if built != test.built || missing != test.missing || len(releases) != test.releases {
				t.Errorf("got %d, %d, %d, want %d, %d, %d", built, missing, len(releases), test.built, test.missing, test.releases)
			}
		})
	}
}

// kustomizations are the folders with a kustomization, components left out:
// they have no build of their own.
func kustomizations(t *testing.T, files fs.FS) []string {
	t.Helper()
	var folders []string
	err := fs.WalkDir(files, ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || path.Base(name) != "kustomization.yaml" {
			return err
		}
		data, err := fs.ReadFile(files, name)
		if err == nil && !strings.Contains(string(data), "kind: Component") {
			folders = append(folders, path.Dir(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(folders)
	return folders
}

// computed decodes the HelmReleases of a build and computes what they ask for.
func computed(t *testing.T, run *run, by *item, b built) []string {
	t.Helper()
	for _, o := range b.objects {
		if ref := run.set.ref(o); ref.Kind != kindHelmRelease {
			if _, there := run.set.get(ref); !there {
				run.set.byRef[ref] = found{o, by}
			}
		}
	}
	var names []string
	for _, o := range b.objects {
		if o.GVK().Group != groupHelm {
			continue
		}
		it := &item{ref: run.set.ref(o), parent: by, at: run.place(by, o)}
		if _, err := run.decode(it, o); err != nil {
			t.Errorf("%s: %v", it, err)
			continue
		}
		chart, err := run.chartOf(it)
		if err != nil {
			t.Logf("not computed: %s: %v", it, err)
			continue
		}
		values, err := run.releaseValues(it)
		if err != nil {
			t.Errorf("%s: %s: %v", it, chart, err)
			continue
		}
		names = append(names, fmt.Sprintf("%s %s %d", it.at, it.ref.Name, len(values)))
	}
	return names
}
