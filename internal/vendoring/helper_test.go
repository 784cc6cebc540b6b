package vendoring_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/vendoring"
)

// upstream is a repository with versions: tree by ref.
type upstream map[string]vendoring.Tree

func (u upstream) Fetch(_ context.Context, s vendoring.Source) (vendoring.Fetched, error) {
	ref := s.Ref + s.Version
	ref = strings.TrimPrefix(ref, "commit-")
	t, ok := u[ref]
	if !ok {
		return vendoring.Fetched{}, fmt.Errorf("no version %q", ref)
	}
	if s.Type == vendoring.Git {
		return vendoring.Fetched{Tree: t.Below(s.Directory), Resolved: vendoring.Resolved{Commit: "commit-" + ref}}, nil
	}
	return vendoring.Fetched{Tree: t, Resolved: vendoring.Resolved{Version: ref, Digest: "sha256:" + ref}}, nil
}

// tree makes a tree of path, content, path, content, …; a path that ends in
// "*" is executable.
func tree(pairs ...string) vendoring.Tree {
	t := vendoring.Tree{}
	for i := 0; i < len(pairs); i += 2 {
		name, exec := strings.CutSuffix(pairs[i], "*")
		t[name] = vendoring.File{Data: []byte(pairs[i+1]), Exec: exec}
	}
	return t
}

// with is a tree with other files; an empty content deletes one.
func with(t vendoring.Tree, pairs ...string) vendoring.Tree {
	out := vendoring.Tree{}
	for p, f := range t {
		out[p] = f
	}
	for p, f := range tree(pairs...) {
		if len(f.Data) == 0 {
			delete(out, p)
			continue
		}
		out[p] = f
	}
	return out
}

// object is a resource.
func object(kind, name, rest string) string {
	return "apiVersion: v1\nkind: " + kind + "\nmetadata:\n  name: " + name + "\n" + rest
}

// print is a tree as text.
func print(t vendoring.Tree) string {
	var b strings.Builder
	for _, p := range t.Paths() {
		mark := ""
		if t[p].Exec {
			mark = "*"
		}
		b.WriteString("-- " + p + mark + " --\n" + string(t[p].Data))
	}
	return b.String()
}

func same(t *testing.T, want, got vendoring.Tree) {
	t.Helper()
	if diff := cmp.Diff(print(want), print(got)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// work is a package in a folder.
type work struct {
	t   *testing.T
	dir string
	v   vendoring.Vendor
}

func get(t *testing.T, up upstream, s vendoring.Source) *work {
	t.Helper()
	w := &work{t: t, dir: filepath.Join(t.TempDir(), "pkg"), v: vendoring.Vendor{Fetch: up, Limits: vendoring.DefaultLimits()}}
	if _, err := w.v.Get(t.Context(), vendoring.GetOptions{Source: s, Dest: w.dir}); err != nil {
		t.Fatal(err)
	}
	return w
}

func gitSource(ref string) vendoring.Source {
	return vendoring.Source{Type: vendoring.Git, URL: "https://example.org/pkgs.git", Directory: ".", Ref: ref}
}

func (w *work) write(name, content string) {
	w.t.Helper()
	file := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// edit replaces text of a file that is there once.
func (w *work) edit(name, old, with string) {
	w.t.Helper()
	text := w.read(name)
	if strings.Count(text, old) != 1 {
		w.t.Fatalf("%s has %q %d times:\n%s", name, old, strings.Count(text, old), text)
	}
	w.write(name, strings.Replace(text, old, with, 1))
}

func (w *work) read(name string) string {
	w.t.Helper()
	data, err := os.ReadFile(filepath.Join(w.dir, name))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(data)
}

// update updates and applies, unless there are conflicts and nothing says what
// to do about them.
func (w *work) update(version string, policy vendoring.Policy) []vendoring.Update {
	w.t.Helper()
	updates, err := w.v.Plan(w.t.Context(), vendoring.UpdateOptions{Dir: w.dir, Version: version, Policy: policy, Force: true})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, u := range updates {
		if policy == vendoring.Fail && len(u.Conflicts) > 0 {
			return updates
		}
	}
	if err := vendoring.Apply(updates); err != nil {
		w.t.Fatal(err)
	}
	return updates
}

func (w *work) verify() vendoring.Verified {
	w.t.Helper()
	list, err := w.v.Verify(w.t.Context(), w.dir, vendoring.VerifyOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	return list[0]
}

// all is everything in the folder as text.
func (w *work) all() string {
	w.t.Helper()
	t, err := vendoring.ReadTree(os.DirFS(w.dir), ".", vendoring.DefaultLimits())
	if err != nil {
		w.t.Fatal(err)
	}
	return print(t)
}

// byFolder gives another repository for the package in a deeper folder.
type byFolder struct{ deep, shallow upstream }

func (b byFolder) Fetch(ctx context.Context, s vendoring.Source) (vendoring.Fetched, error) {
	if strings.Contains(s.Directory, "/") {
		return b.deep.Fetch(ctx, s)
	}
	return b.shallow.Fetch(ctx, s)
}

func itoa(n int) string { return strconv.Itoa(n) }
