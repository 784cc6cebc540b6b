// Package rendertest is the contract of render.Renderer as a test: every
// engine passes the same one.
package rendertest

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
)

// Contract is an engine with a small source for it.
type Contract struct {
	Renderer render.Renderer
	// Files is a repository with a source at Path. Its objects are named Names,
	// one of them is Hook, with a helm.sh/hook annotation.
	Files map[string]string
	Path  string
	Names []string
	Hook  string
	// Manifest is the file of Files that objects come from.
	Manifest string
	// Request has what the engine needs beside Files and Path.
	Request render.Request
}

const broken = "a: b: c\n"

// canary stands in a file outside the repository.
const canary = "canary-outside"

// Run tests the contract.
func Run(t *testing.T, c Contract) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, Contract){
		"deterministic": deterministic, "side by side": sideBySide, "reads only Files": readsOnlyFiles,
		"links stay inside": linksStayInside, "cancel": cancelled, "errors name the file": errorsNameTheFile,
		"sources": sources, "hooks are kept": hooks, "missing": missing, "large files": large, "devices": devices,
		"input is left alone": inputIsLeftAlone,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, c)
		})
	}
}

func (c Contract) memory(changes map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	texts := maps.Clone(c.Files)
	maps.Copy(texts, changes)
	for name, text := range texts {
		fsys[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	return fsys
}

// disk writes the repository into a folder beside a file with the canary.
func (c Contract) disk(t *testing.T) (root *os.Root, outside string) {
	t.Helper()
	dir := t.TempDir()
	repository := filepath.Join(dir, "repository")
	if err := os.CopyFS(repository, c.memory(nil)); err != nil {
		t.Fatal(err)
	}
	outside = filepath.Join(dir, "outside.yaml")
	text := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + canary + "}\ndata: {x: " + canary + "}\n"
	if err := os.WriteFile(outside, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(repository)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root, outside
}

func (c Contract) render(ctx context.Context, files fs.FS) (render.Result, error) {
	r := c.Request
	r.Files, r.Path = files, c.Path
	return c.Renderer.Render(ctx, r)
}

func (c Contract) text(t *testing.T, files fs.FS) string {
	t.Helper()
	result, err := c.render(t.Context(), files)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := object.WriteYAML(&out, result.Objects); err != nil {
		t.Fatal(err)
	}
	for _, o := range result.Objects {
		out.WriteString(o.Ref().String() + " " + o.Source.String() + "\n")
	}
	return out.String()
}

func deterministic(t *testing.T, c Contract) {
	want := c.text(t, c.memory(nil))
	root, _ := c.disk(t)
	for range 5 {
		if got := c.text(t, c.memory(nil)); got != want {
			t.Fatalf("two renders differ:\n%s\n%s", want, got)
		}
		if got := c.text(t, root.FS()); got != want {
			t.Fatalf("a render from the disk differs:\n%s\n%s", want, got)
		}
	}
	for _, name := range c.Names {
		if !strings.Contains(want, "name: "+name+"\n") {
			t.Errorf("no object %q in\n%s", name, want)
		}
	}
}

func sideBySide(t *testing.T, c Contract) {
	files := c.memory(nil)
	want := c.text(t, files)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if got := c.text(t, files); got != want {
				t.Errorf("two renders differ:\n%s\n%s", want, got)
			}
		})
	}
	group.Wait()
}

// recorder notes the names that are asked for.
type recorder struct {
	fs.FS
	mu    sync.Mutex
	names []string
}

func (r *recorder) Open(name string) (fs.File, error) {
	r.mu.Lock()
	r.names = append(r.names, name)
	r.mu.Unlock()
	return r.FS.Open(name)
}

func readsOnlyFiles(t *testing.T, c Contract) {
	files := &recorder{FS: c.memory(nil)}
	if _, err := c.render(t.Context(), files); err != nil {
		t.Fatal(err)
	}
	if len(files.names) == 0 {
		t.Error("nothing was read through Files")
	}
	for _, name := range files.names {
		if !fs.ValidPath(name) {
			t.Errorf("asked for %q", name)
		}
	}
	for _, path := range []string{"..", "../repository", "/", "/etc", c.Path + "/../.."} {
		r := c.Request
		r.Files, r.Path = c.memory(nil), path
		if _, err := c.Renderer.Render(t.Context(), r); err == nil {
			t.Errorf("path %q is rendered", path)
		}
	}
}

func linksStayInside(t *testing.T, c Contract) {
	for name := range c.Files {
		root, outside := c.disk(t)
		relative, err := filepath.Rel(filepath.Dir(filepath.Join(root.Name(), filepath.FromSlash(name))), outside)
		if err != nil {
			t.Fatal(err)
		}
		for _, target := range []string{outside, relative} {
			if err := root.Remove(name); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(target, filepath.Join(root.Name(), filepath.FromSlash(name))); err != nil {
				t.Fatal(err)
			}
			result, err := c.render(t.Context(), root.FS())
			if err != nil && strings.Contains(err.Error(), canary) {
				t.Errorf("%s: the error shows what is outside: %v", name, err)
			}
			for _, o := range result.Objects {
				if strings.Contains(o.Name(), canary) {
					t.Errorf("%s: %s comes from outside", name, o.Ref())
				}
			}
		}
	}
}

func cancelled(t *testing.T, c Contract) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.render(ctx, c.memory(nil)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func errorsNameTheFile(t *testing.T, c Contract) {
	_, err := c.render(t.Context(), c.memory(map[string]string{c.Manifest: broken}))
	if err == nil || !strings.Contains(err.Error(), c.Manifest) || !fault.Is(err, fault.Invalid) {
		t.Errorf("error %v (%s), want one that names %s", err, fault.KindOf(err), c.Manifest)
	}
}

func sources(t *testing.T, c Contract) {
	files := c.memory(nil)
	result, err := c.render(t.Context(), files)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range result.Objects {
		if _, err := fs.Stat(files, o.Source.File); err != nil {
			t.Errorf("%s is from %q: %v", o.Ref(), o.Source.File, err)
		}
		if o.Source.Line < 1 {
			t.Errorf("%s has no line", o.Ref())
		}
	}
}

func hooks(t *testing.T, c Contract) {
	result, err := c.render(t.Context(), c.memory(nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range result.Objects {
		if o.Name() == c.Hook && o.Annotation("helm.sh/hook") != "" {
			return
		}
	}
	t.Errorf("no hook %q", c.Hook)
}

func missing(t *testing.T, c Contract) {
	for path, files := range map[string]fs.FS{"none": c.memory(nil), c.Path: fstest.MapFS{}} {
		r := c.Request
		r.Files, r.Path = files, path
		if _, err := c.Renderer.Render(t.Context(), r); !fault.Is(err, fault.NotFound) || len(fault.HintsOf(err)) == 0 {
			t.Errorf("%s: error %v (%s), want NotFound with a hint", path, err, fault.KindOf(err))
		}
	}
}

// large has a file that is larger than what is read for one app.
func large(t *testing.T, c Contract) {
	_, err := c.render(t.Context(), endless{c.memory(nil), c.Manifest})
	if err == nil || !strings.Contains(err.Error(), "MiB") {
		t.Errorf("error %v", err)
	}
}

// endless gives one file without end.
type endless struct {
	fs.FS
	name string
}

func (e endless) Open(name string) (fs.File, error) {
	f, err := e.FS.Open(name)
	if err != nil || name != e.name {
		return f, err
	}
	return spring{f}, nil
}

type spring struct{ fs.File }

func (spring) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '#'
	}
	return len(p), nil
}

// devices has a file that is none.
func devices(t *testing.T, c Contract) {
	files := c.memory(nil)
	files[c.Manifest] = &fstest.MapFile{Mode: fs.ModeDevice | fs.ModeCharDevice | 0o644, Data: []byte(c.Files[c.Manifest])}
	if _, err := c.render(t.Context(), files); err == nil || !strings.Contains(err.Error(), c.Manifest) {
		t.Errorf("error %v, want one that names %s", err, c.Manifest)
	}
}

func inputIsLeftAlone(t *testing.T, c Contract) {
	files := c.memory(nil)
	c.text(t, files)
	for name, text := range c.Files {
		if string(files[name].Data) != text {
			t.Errorf("%s was changed", name)
		}
	}
}
