package vendoring_test

import (
	"bytes"
	"math/rand"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/vendoring"
	"github.com/tugops/tug/internal/yamlmerge"
)

// corpora is the folder of real charts and repositories.
func corpora(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("TUG_CORPORA")
	if dir == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("TUG_CORPORA is not set")
		}
		t.Skip("TUG_CORPORA is not set: no real charts here")
	}
	return dir
}

var scalarLine = regexp.MustCompile(`^(\s*(?:- )?[A-Za-z][A-Za-z0-9]*: )([A-Za-z0-9./-]+)(\s*(?:#.*)?)$`)

// edited is a tree with some scalars of its files changed, the way people do:
// every one in lines of their own.
func edited(random *rand.Rand, t vendoring.Tree, mark string) (vendoring.Tree, int) {
	out, n := vendoring.Tree{}, 0
	for _, p := range t.Paths() {
		f := t[p]
		lines := strings.SplitAfter(string(f.Data), "\n")
		for i, line := range lines {
			m := scalarLine.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
			if m == nil || strings.Contains(line, "name") || strings.Contains(line, "ind:") || strings.Contains(line, "ersion") || random.Intn(25) > 0 {
				continue
			}
			lines[i] = m[1] + mark + m[3] + "\n"
			n++
		}
		out[p] = vendoring.File{Data: []byte(strings.Join(lines, "")), Exec: f.Exec}
	}
	return out, n
}

// TestCorpusCharts merges real charts that were edited on both sides.
func TestCorpusCharts(t *testing.T) {
	t.Parallel()
	charts, err := filepath.Glob(filepath.Join(corpora(t), "charts", "*", "*", "Chart.yaml"))
	if err != nil || len(charts) < 20 {
		t.Fatalf("%d charts, %v", len(charts), err)
	}
	random := rand.New(rand.NewSource(3))
	edits, conflicts := 0, 0
	for _, file := range charts {
		base, err := vendoring.ReadTree(os.DirFS(filepath.Dir(file)), ".", vendoring.DefaultLimits())
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		n, c := checkMerge(t, random, filepath.Base(filepath.Dir(file)), base)
		edits, conflicts = edits+n, conflicts+c
	}
	t.Logf("%d charts, %d edits, %d conflicts", len(charts), edits, conflicts)
	if edits < 1000 || conflicts == 0 || conflicts > edits/4 {
		t.Errorf("%d edits, %d conflicts", edits, conflicts)
	}
}

// TestCorpusRepositories does the same with real YAML of repositories.
func TestCorpusRepositories(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewSource(4))
	for _, name := range []string{"xunholy-k8s-gitops", "flux2-kustomize-helm-example", "StarpTech-k8s-gitops"} {
		base, err := readPlain(filepath.Join(corpora(t), "repositories", name))
		if err != nil {
			t.Fatal(err)
		}
		n, c := checkMerge(t, random, name, base)
		t.Logf("%s: %d files, %d edits, %d conflicts", name, len(base), n, c)
	}
}

// readPlain reads the plain files of a repository, whose links are no matter here.
func readPlain(dir string) (vendoring.Tree, error) {
	tree := vendoring.Tree{}
	err := filepath.WalkDir(dir, func(file string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, file)
		tree[filepath.ToSlash(rel)] = vendoring.File{Data: data}
		return err
	})
	return tree, err
}

// checkMerge edits a tree on both sides and checks the laws of the merge.
func checkMerge(t *testing.T, random *rand.Rand, name string, base vendoring.Tree) (edits, conflicts int) {
	t.Helper()
	ours, n := edited(random, base, "ours-value")
	theirs, m := edited(random, base, "theirs-value")
	for what, c := range map[string][4]vendoring.Tree{
		"o,o,x": {base, base, theirs, theirs}, "o,x,o": {base, ours, base, ours}, "o,x,x": {base, ours, ours, ours},
	} {
		got := vendoring.Merge(c[0], c[1], c[2], vendoring.Fail)
		if len(got.Conflicts) > 0 || got.Tree.Hash() != c[3].Hash() {
			t.Errorf("%s: merge(%s) has %d conflicts, or other content", name, what, len(got.Conflicts))
		}
	}
	got := vendoring.Merge(base, ours, theirs, vendoring.Fail)
	told := map[string]string{}
	for _, c := range got.Conflicts {
		told[c.File] += c.Theirs + "\n"
	}
	for p, f := range got.Tree {
		want := bytes.Count(theirs[p].Data, []byte("theirs-value"))
		have := bytes.Count(f.Data, []byte("theirs-value")) + strings.Count(told[p], "theirs-value") + strings.Count(told[p], "(hidden")
		if have < want || bytes.Count(f.Data, []byte("ours-value")) != bytes.Count(ours[p].Data, []byte("ours-value")) {
			t.Errorf("%s/%s: %d edits of theirs, %d taken over or told", name, p, want, have)
		}
		if yamlmerge.Structured(ours[p].Data) && yaml.Unmarshal(f.Data, new(yaml.Node)) != nil {
			t.Errorf("%s/%s is no YAML any more", name, p)
		}
	}
	return n + m, len(got.Conflicts)
}

// BenchmarkMerge updates packages of resources that changed on both sides; the
// time for each resource stays the same as they become more.
func BenchmarkMerge(b *testing.B) {
	for _, n := range []int{500, 2000, 8000} {
		b.Run(itoa(n), func(b *testing.B) {
			o, u, t := vendoring.Tree{}, vendoring.Tree{}, vendoring.Tree{}
			for i := range n {
				text := "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: d" + itoa(i) + "\nspec:\n  replicas: 1\n  template:\n    spec:\n      containers:\n      - name: a\n        image: a:1\n        env:\n        - {name: X, value: x}\n"
				name := "d" + itoa(i/10) + ".yaml"
				add := func(tree vendoring.Tree, text string) {
					f := tree[name]
					f.Data = append(append(f.Data, text...), "---\n"...)
					tree[name] = f
				}
				add(o, text)
				add(u, strings.Replace(text, "replicas: 1", "replicas: 2", 1))
				add(t, strings.Replace(text, "a:1", "a:2", 1))
			}
			for b.Loop() {
				if got := vendoring.Merge(o, u, t, vendoring.Fail); len(got.Conflicts) > 0 || len(got.Tree) != len(o) {
					b.Fatal(got.Conflicts)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(n), "µs/resource")
		})
	}
}
