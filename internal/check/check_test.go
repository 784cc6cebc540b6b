package check_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tugops/tug/internal/check"
	"github.com/tugops/tug/internal/object"
)

// repository is files of a test: "-- name --" heads each, as in a txtar.
func repository(t *testing.T, text string) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	var name string
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, "-- "); ok {
			name = strings.TrimSuffix(strings.TrimSpace(rest), " --")
			files[name] = &fstest.MapFile{}
			continue
		}
		if name != "" {
			files[name].Data = append(files[name].Data, line...)
		}
	}
	return files
}

// input makes an app of every folder below apps/, for Kubernetes 1.36.
func input(t *testing.T, files fstest.MapFS) check.Input {
	t.Helper()
	repo := &check.Repository{Files: files, Root: "."}
	apps := map[string]*check.App{}
	var order []string
	for _, name := range slices.Sorted(mapsKeys(files)) {
		parts := strings.Split(name, "/")
		if parts[0] != "apps" || len(parts) < 3 {
			continue
		}
		app := apps[parts[1]]
		if app == nil {
			app = &check.App{Name: parts[1], Env: "prod", Namespace: "shop", KubeVersion: "1.36", Repository: repo, Paths: []string{"apps/" + parts[1]}}
			apps[parts[1]] = app
			order = append(order, parts[1])
		}
		objects, err := object.ReadYAML(name, files[name].Data)
		if err != nil {
			t.Fatal(err)
		}
		app.Objects = append(app.Objects, objects...)
	}
	in := check.Input{All: true, Now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
	for _, name := range order {
		in.Apps = append(in.Apps, *apps[name])
	}
	return in
}

func mapsKeys(m fstest.MapFS) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func run(t *testing.T, in check.Input) check.Result {
	t.Helper()
	r, err := check.Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestPlantedFaults has a repository per file of testdata/faults, in which
// every line with a fault ends in "# want: rule" (several with commas), and
// finds exactly these: file, line and rule. Rules that the fixture does not
// name are not looked for, unless it says "# all".
func TestPlantedFaults(t *testing.T) {
	t.Parallel()
	fixtures, err := filepath.Glob("testdata/faults/*.txt")
	if err != nil || len(fixtures) < 10 {
		t.Fatalf("%d fixtures, %v", len(fixtures), err)
	}
	planted := map[string]bool{}
	for _, fixture := range fixtures {
		text, err := os.ReadFile(fixture)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range wants(repository(t, string(text))) {
			planted[w[strings.LastIndex(w, " ")+1:]] = true
		}
		t.Run(strings.TrimSuffix(filepath.Base(fixture), ".txt"), func(t *testing.T) {
			t.Parallel()
			files := repository(t, string(text))
			in := input(t, files)
			want := wants(files)
			for _, w := range want {
				if id := w[strings.LastIndex(w, " ")+1:]; !slices.Contains(in.Only, id) {
					in.Only = append(in.Only, id)
				}
			}
			var got []string
			for _, f := range run(t, in).Findings {
				got = append(got, f.Where()+" "+f.Rule)
				if f.Message == "" || f.Severity == "" || len(f.Fingerprint) != 32 {
					t.Errorf("incomplete finding %+v", f)
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("found:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
				for _, f := range run(t, in).Findings {
					t.Logf("%s %s %s: %s (%s)", f.Where(), f.Rule, f.Path, f.Message, f.Hint)
				}
			}
		})
	}
	for _, r := range check.Rules() {
		if !planted[r.ID] && !slices.Contains(elsewhere(), r.ID) {
			t.Errorf("no fixture plants a fault for %s", r.ID)
		}
	}
}

// elsewhere are rules that are not about files of plain YAML; they have tests
// of their own.
func elsewhere() []string {
	return []string{
		check.RuleRender, check.RuleSecretPlain, check.RuleLockConflict, check.RuleRandom, check.RuleException, check.RuleUnused,
	}
}

// wants are the "file:line rule" of comments.
func wants(files fstest.MapFS) []string {
	var list []string
	for name, f := range files {
		n := 0
		for line := range strings.Lines(string(f.Data)) {
			n++
			_, rules, ok := strings.Cut(line, "# want: ")
			if !ok {
				continue
			}
			for rule := range strings.SplitSeq(rules, ",") {
				list = append(list, object.Source{File: name, Line: n}.String()+" "+strings.TrimSpace(rule))
			}
		}
	}
	slices.Sort(list)
	return list
}

func TestCleanExampleHasNoFindings(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/clean.txt")
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, input(t, repository(t, string(text))))
	for _, f := range r.Findings {
		t.Errorf("%s %s %s %s: %s", f.Where(), f.Severity, f.Rule, f.Path, f.Message)
	}
	if r.Objects < 8 {
		t.Errorf("only %d objects were looked at", r.Objects)
	}
}
