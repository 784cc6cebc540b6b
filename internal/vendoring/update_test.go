package vendoring_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/vendoring"
)

// packages has two versions of a package.
func packages() upstream {
	config := object("ConfigMap", "a", "data:\n  x: \"1\"\n")
	one := tree("a.yaml", config, "README.md", "one\n")
	return upstream{
		"v1": one,
		"v2": with(one, "a.yaml", strings.Replace(config, "\ndata:\n", "\ndata:\n  y: \"2\"\n", 1), "b.yaml", object("Service", "b", ""), "README.md", "two\n"),
	}
}

func TestGetAndUpdate(t *testing.T) {
	t.Parallel()
	w := get(t, packages(), gitSource("v1"))
	if got := w.read("Kptfile"); !strings.Contains(got, "ref: v1\n    commit: commit-v1\n") || !strings.Contains(got, "name: pkg\n") {
		t.Errorf("Kptfile:\n%s", got)
	}
	if v := w.verify(); v.State != vendoring.Pristine || v.Resolved.Commit != "commit-v1" {
		t.Errorf("%+v", v)
	}
	w.edit("a.yaml", `x: "1"`, `x: "mine" # why`)
	w.write("own.txt", "mine\n")
	v := w.verify()
	if len(v.Edits) != 2 || v.Edits[0] != (vendoring.Change{File: "a.yaml", Action: "changed"}) || v.Edits[1] != (vendoring.Change{File: "own.txt", Action: "added"}) {
		t.Errorf("%+v", v)
	}
	u := w.update("v2", vendoring.Fail)[0]
	if len(u.Conflicts) > 0 || len(u.Notes) > 0 {
		t.Errorf("%+v", u)
	}
	want := "apiVersion: v1\nkind: ConfigMap\nmetadata: # kpt-merge: /a\n  name: a\n  annotations:\n    internal.kpt.dev/upstream-identifier: '|ConfigMap|default|a'\ndata:\n  y: \"2\"\n  x: \"mine\" # why\n"
	if got := w.read("a.yaml"); got != want {
		t.Errorf("a.yaml:\n%s", got)
	}
	if w.read("README.md") != "two\n" || w.read("own.txt") != "mine\n" || !strings.Contains(w.read("Kptfile"), "ref: v2\n    commit: commit-v2\n") {
		t.Errorf("README.md %q own.txt %q\n%s", w.read("README.md"), w.read("own.txt"), w.read("Kptfile"))
	}
	if v := w.verify(); len(v.Edits) != 2 || v.Resolved.Commit != "commit-v2" {
		t.Errorf("%+v", v)
	}
	if again := w.update("", vendoring.Fail)[0]; !again.UpToDate {
		t.Errorf("%+v", again)
	}
}

func TestConflictWritesNothing(t *testing.T) {
	t.Parallel()
	w := get(t, packages(), gitSource("v1"))
	w.write("README.md", "mine\n")
	before := w.all()
	u := w.update("v2", vendoring.Fail)[0]
	if len(u.Conflicts) != 1 || u.Conflicts[0].Where() != "README.md:1" || u.Conflicts[0].Origin != "one\n" || u.Conflicts[0].Theirs != "two\n" {
		t.Errorf("%+v", u.Conflicts)
	}
	if w.all() != before {
		t.Errorf("something was written:\n%s", w.all())
	}
	w.update("v2", vendoring.Ours)
	if w.read("README.md") != "mine\n" {
		t.Error(w.read("README.md"))
	}
	w = get(t, packages(), gitSource("v1"))
	w.write("README.md", "mine\n")
	w.update("v2", vendoring.Theirs)
	if w.read("README.md") != "two\n" {
		t.Error(w.read("README.md"))
	}
}

func TestStrategies(t *testing.T) {
	t.Parallel()
	for strategy, want := range map[string]string{
		vendoring.ForceDeleteReplace: "two\n", vendoring.CopyMerge: "two\n", vendoring.FastForward: "conflict",
	} {
		t.Run(strategy, func(t *testing.T) {
			t.Parallel()
			w := get(t, packages(), gitSource("v1"))
			w.edit("Kptfile", "updateStrategy: resource-merge", "updateStrategy: "+strategy)
			w.write("README.md", "mine\n")
			w.write("own.txt", "mine\n")
			u := w.update("v2", vendoring.Fail)[0]
			if want == "conflict" {
				if len(u.Conflicts) != 2 { // README.md and own.txt
					t.Errorf("%+v", u.Conflicts)
				}
				return
			}
			if w.read("README.md") != want {
				t.Error(w.read("README.md"))
			}
			_, err := os.Stat(filepath.Join(w.dir, "own.txt"))
			if gone := os.IsNotExist(err); gone != (strategy == vendoring.ForceDeleteReplace) {
				t.Errorf("own.txt: %v", err)
			}
		})
	}
	t.Run("fast-forward, unchanged", func(t *testing.T) {
		t.Parallel()
		w := get(t, packages(), gitSource("v1"))
		updates, err := w.v.Plan(t.Context(), vendoring.UpdateOptions{Dir: w.dir, Version: "v2", Strategy: vendoring.FastForward, Force: true})
		if err != nil || len(updates[0].Conflicts) > 0 {
			t.Errorf("%+v %v", updates, err)
		}
	})
}

func TestReplacedUpstream(t *testing.T) {
	t.Parallel()
	up := packages()
	w := get(t, up, gitSource("v1"))
	up["v1"] = with(up["v1"], "README.md", "replaced\n")
	_, err := w.v.Plan(t.Context(), vendoring.UpdateOptions{Dir: w.dir, Version: "v2", Force: true})
	if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "other content") {
		t.Errorf("%v", err)
	}
	list, err := w.v.Verify(t.Context(), w.dir, vendoring.VerifyOptions{Upstream: true})
	if err != nil || list[0].State != vendoring.Broken {
		t.Errorf("%+v %v", list, err)
	}
}

func TestWayBack(t *testing.T) {
	t.Parallel()
	w := get(t, packages(), gitSource("v1"))
	if _, err := w.v.Plan(t.Context(), vendoring.UpdateOptions{Dir: w.dir, Version: "v2"}); !fault.Is(err, fault.Conflict) {
		t.Errorf("outside Git: %v", err)
	}
	w.v.Changed = func(string) ([]string, error) { return []string{"a", "b", "c", "d"}, nil }
	_, err := w.v.Plan(t.Context(), vendoring.UpdateOptions{Dir: w.dir, Version: "v2"})
	if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "a, b, c and more") {
		t.Errorf("dirty: %v", err)
	}
}

func TestGetRefuses(t *testing.T) {
	t.Parallel()
	w := get(t, packages(), gitSource("v1"))
	if _, err := w.v.Get(t.Context(), vendoring.GetOptions{Source: gitSource("v1"), Dest: w.dir}); !fault.Is(err, fault.Exists) {
		t.Errorf("%v", err)
	}
	dest := filepath.Join(t.TempDir(), "x", "y")
	if _, err := w.v.Get(t.Context(), vendoring.GetOptions{Source: gitSource("v9"), Dest: dest}); err == nil {
		t.Error("no error")
	}
	if _, err := os.Stat(filepath.Dir(dest)); !os.IsNotExist(err) {
		t.Errorf("something was written: %v", err)
	}
}

// TestSubpackages follows kpt's rules for packages inside packages.
func TestSubpackages(t *testing.T) {
	t.Parallel()
	sub := func(text string) []string {
		return []string{"sub/Kptfile", "apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: sub\n", "sub/x.txt", text}
	}
	base := tree("a.txt", "a\n")
	t.Run("added upstream (kpt#1530)", func(t *testing.T) {
		t.Parallel()
		w := get(t, upstream{"v1": base, "v2": with(base, sub("theirs\n")...)}, gitSource("v1"))
		if u := w.update("v2", vendoring.Fail)[0]; len(u.Conflicts) > 0 {
			t.Error(u.Conflicts)
		}
		if w.read("sub/x.txt") != "theirs\n" || !strings.Contains(w.read("sub/Kptfile"), "name: sub") {
			t.Error("the subpackage did not come")
		}
	})
	t.Run("added on both sides", func(t *testing.T) {
		t.Parallel()
		w := get(t, upstream{"v1": base, "v2": with(base, sub("theirs\n")...)}, gitSource("v1"))
		w.write("sub/Kptfile", sub("")[1])
		w.write("sub/x.txt", "mine\n")
		u := w.update("v2", vendoring.Fail)[0]
		if len(u.Conflicts) != 1 || u.Conflicts[0].Kind != vendoring.KindSubpackage || u.Conflicts[0].File != "sub" {
			t.Errorf("%+v", u.Conflicts)
		}
		w.update("v2", vendoring.Theirs)
		if w.read("sub/x.txt") != "theirs\n" {
			t.Error(w.read("sub/x.txt"))
		}
	})
	t.Run("deleted upstream", func(t *testing.T) {
		t.Parallel()
		w := get(t, upstream{"v1": with(base, sub("one\n")...), "v2": base}, gitSource("v1"))
		w.update("v2", vendoring.Fail)
		if _, err := os.Stat(filepath.Join(w.dir, "sub")); !os.IsNotExist(err) {
			t.Errorf("it is still there: %v", err)
		}
	})
	t.Run("deleted upstream, changed here (kpt#2232)", func(t *testing.T) {
		t.Parallel()
		w := get(t, upstream{"v1": with(base, sub("one\n")...), "v2": base}, gitSource("v1"))
		w.write("sub/x.txt", "mine\n")
		u := w.update("v2", vendoring.Fail)[0]
		if len(u.Conflicts) != 1 || u.Conflicts[0].File != "sub/x.txt" {
			t.Errorf("%+v", u.Conflicts)
		}
	})
	t.Run("with an upstream of its own there", func(t *testing.T) {
		t.Parallel()
		inner := "apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: sub\nupstream:\n  type: git\n  git:\n    repo: https://example.org/other.git\n    directory: /\n    ref: v1\nupstreamLock:\n  type: git\n  git:\n    repo: https://example.org/other.git\n    directory: /\n    ref: v1\n    commit: abc\n"
		one := with(base, "sub/Kptfile", inner, "sub/x.txt", "one\n")
		two := with(base, "sub/Kptfile", strings.ReplaceAll(inner, "v1\n    commit: abc", "v2\n    commit: def"), "sub/x.txt", "two\n")
		w := get(t, upstream{"v1": one, "v2": two}, gitSource("v1"))
		list, err := w.v.Verify(t.Context(), w.dir, vendoring.VerifyOptions{})
		if err != nil || len(list) != 1 || list[0].State != vendoring.Pristine {
			t.Errorf("%+v %v", list, err)
		}
		if list := w.update("v2", vendoring.Fail); len(list) != 1 || len(list[0].Conflicts) > 0 {
			t.Errorf("%+v", list)
		}
		if w.read("sub/x.txt") != "two\n" || !strings.Contains(w.read("sub/Kptfile"), "commit: def") {
			t.Error(w.all())
		}
		// Once it is moved on here, upstream's moves are not taken, but told.
		w = get(t, upstream{"v1": one, "v2": two}, gitSource("v1"))
		w.edit("sub/Kptfile", "commit: abc", "commit: ours")
		u := w.update("v2", vendoring.Fail)[0]
		if len(u.Notes) != 1 || w.read("sub/x.txt") != "one\n" {
			t.Errorf("%+v\n%s", u, w.all())
		}
	})
	t.Run("from the same place moves on with its parent", func(t *testing.T) {
		t.Parallel()
		up := upstream{"v1": tree("p/a.txt", "1\n", "p/q/b.txt", "1\n"), "v2": tree("p/a.txt", "2\n", "p/q/b.txt", "2\n")}
		s := gitSource("v1")
		s.Directory = "p"
		w := get(t, upstream{"v1": tree("p/a.txt", "1\n"), "v2": tree("p/a.txt", "2\n")}, s)
		s.Directory = "p/q"
		w.v.Fetch = up
		if _, err := w.v.Get(t.Context(), vendoring.GetOptions{Source: s, Dest: filepath.Join(w.dir, "inner")}); err != nil {
			t.Fatal(err)
		}
		w.v.Fetch = upstream{"v1": tree("p/a.txt", "1\n", "p/q/b.txt", "1\n"), "v2": tree("p/a.txt", "2\n", "p/q/b.txt", "2\n")}
		// What the parent was fetched from is what it is now.
		updates, err := w.v.Plan(t.Context(), vendoring.UpdateOptions{Dir: w.dir, Version: "v2", Force: true, Strategy: vendoring.ForceDeleteReplace})
		if err == nil {
			t.Fatalf("upstream was replaced, and nobody noticed: %+v", updates)
		}
		w.v.Fetch = byFolder{up, upstream{"v1": tree("p/a.txt", "1\n"), "v2": tree("p/a.txt", "2\n")}}
		list := w.update("v2", vendoring.Fail)
		if len(list) != 2 || w.read("inner/b.txt") != "2\n" || w.read("a.txt") != "2\n" {
			t.Errorf("%+v", list)
		}
		verdicts, err := w.v.Verify(t.Context(), w.dir, vendoring.VerifyOptions{})
		if err != nil || len(verdicts) != 2 || verdicts[0].State != vendoring.Pristine || verdicts[1].State != vendoring.Pristine {
			t.Errorf("%+v %v", verdicts, err)
		}
	})
}

// TestOldKptfile: packages of kpt before 1.0 keep their schema.
func TestOldKptfile(t *testing.T) {
	t.Parallel()
	w := &work{t: t, dir: t.TempDir(), v: vendoring.Vendor{Fetch: packages(), Limits: vendoring.DefaultLimits()}}
	w.write("Kptfile", "apiVersion: kpt.dev/v1alpha1\nkind: Kptfile\nmetadata:\n  name: pkg\nupstream:\n  type: git\n  git:\n    commit: commit-v1\n    repo: https://example.org/pkgs.git\n    directory: /\n    ref: v1\npackageMetadata:\n  shortDescription: kept\n")
	// kpt writes YAML in its own layout.
	w.write("a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n    name: a\ndata:\n    x: \"1\"\n")
	w.write("README.md", "one\n")
	if v := w.verify(); v.State != vendoring.Unproven {
		t.Errorf("%+v", v)
	}
	list, err := w.v.Verify(t.Context(), w.dir, vendoring.VerifyOptions{Upstream: true})
	if err != nil || list[0].State != vendoring.Pristine {
		t.Errorf("%+v %v", list, err)
	}
	if u := w.update("v2", vendoring.Fail)[0]; len(u.Conflicts) > 0 {
		t.Errorf("%+v", u.Conflicts)
	}
	text := w.read("Kptfile")
	if !strings.Contains(text, "v1alpha1") || !strings.Contains(text, "commit: commit-v2") || !strings.Contains(text, "ref: v2") || !strings.Contains(text, "shortDescription: kept") {
		t.Error(text)
	}
	if !strings.Contains(w.read("a.yaml"), "y: \"2\"") {
		t.Error(w.read("a.yaml"))
	}
}

func TestCutOff(t *testing.T) {
	t.Parallel()
	w := get(t, packages(), gitSource("v1"))
	w.write(".tug-vendor-update/old/README.md", "one\n")
	_, err := w.v.Plan(t.Context(), vendoring.UpdateOptions{Dir: w.dir, Version: "v2", Force: true})
	if !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("%v", err)
	}
}

// TestApplyUndoes: when a file cannot be put in its place, everything is as it
// was before.
func TestApplyUndoes(t *testing.T) {
	t.Parallel()
	base := tree("a.txt", "1\n", "z/b.txt", "1\n")
	w := get(t, upstream{"v1": base, "v2": tree("a.txt", "2\n", "m/new.txt", "2\n")}, gitSource("v1"))
	updates, err := w.v.Plan(t.Context(), vendoring.UpdateOptions{Dir: w.dir, Version: "v2", Policy: vendoring.Fail, Force: true})
	if err != nil {
		t.Fatal(err)
	}
	w.write("m", "in the way\n") // meanwhile
	before := w.all()
	if err := vendoring.Apply(updates); err == nil {
		t.Error("no error")
	}
	if w.all() != before {
		t.Errorf("before\n%s\nafter\n%s", before, w.all())
	}
	if err := os.Remove(filepath.Join(w.dir, "m")); err != nil {
		t.Fatal(err)
	}
	w.update("v2", vendoring.Fail)
	if w.read("m/new.txt") != "2\n" {
		t.Error(w.all())
	}
	if entries, err := os.ReadDir(w.dir); err != nil || len(entries) != 4 { // Kptfile, a.txt, m, tug.vendor.lock
		t.Errorf("%v %v", entries, err)
	}
}
