package vendoring_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/vendoring"
)

// entry of an archive.
type entry struct {
	name, data, link string
	mode             int64
}

func tarred(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Size: int64(len(e.data)), Mode: max(e.mode, 0o644)}
		if e.link != "" {
			h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, e.link, 0
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e.data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zipped(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		f, err := w.Create(e.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(e.data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestUnpack(t *testing.T) {
	t.Parallel()
	want := tree("a.txt", "a", "d/run.sh*", "r")
	for name, data := range map[string][]byte{
		"without a top folder": tarred(t, entry{name: "./a.txt", data: "a"}, entry{name: "d/run.sh", data: "r", mode: 0o755}),
		"with a top folder":    tarred(t, entry{name: "x-1.0/a.txt", data: "a"}, entry{name: "x-1.0/d/run.sh", data: "r", mode: 0o755}),
	} {
		got, err := vendoring.Unpack(data, false, vendoring.DefaultLimits())
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(print(want), print(got)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	got, err := vendoring.Unpack(zipped(t, entry{name: "x/a.txt", data: "a"}, entry{name: "x/b", data: "b"}), false, vendoring.DefaultLimits())
	if diff := cmp.Diff(print(tree("a.txt", "a", "b", "b")), print(got)); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestUnpackRefuses(t *testing.T) {
	t.Parallel()
	small := vendoring.Limits{Files: 3, Depth: 3, File: 100, Total: 150, Ratio: 1000}
	x := strings.Repeat("x", 90)
	for _, tc := range []struct {
		name string
		data []byte
		kind fault.Kind
		text string
	}{
		{"a way out", tarred(t, entry{name: "../x", data: "x"}), fault.Denied, "leads out"},
		{"a hidden way out", tarred(t, entry{name: "a/../../x", data: "x"}), fault.Denied, "leads out"},
		{"an absolute path", tarred(t, entry{name: "/etc/x", data: "x"}), fault.Denied, "leads out"},
		{"a link", tarred(t, entry{name: "x", link: "/etc/passwd"}), fault.Denied, "is a link"},
		{"backslashes", tarred(t, entry{name: `a\..\..\x`, data: "x"}), fault.Denied, "lead out"},
		{"a way out of a zip", zipped(t, entry{name: "../x", data: "x"}), fault.Denied, "leads out"},
		{"Git's folder", tarred(t, entry{name: "a/.git/config", data: "x"}), fault.Denied, "Git"},
		{"Git's folder in capitals", tarred(t, entry{name: ".GIT/config", data: "x"}), fault.Denied, "Git"},
		{"one name twice", tarred(t, entry{name: "x", data: "x"}, entry{name: "x", data: "y"}), fault.Invalid, "twice"},
		{"many files", tarred(t, entry{name: "a"}, entry{name: "b"}, entry{name: "c"}, entry{name: "d"}), fault.Invalid, "more than 3 files"},
		{"a large file", tarred(t, entry{name: "a", data: x + x}), fault.Invalid, "too large"},
		{"large files", tarred(t, entry{name: "a", data: x}, entry{name: "b", data: x}), fault.Invalid, "too large"},
		{"a deep path", tarred(t, entry{name: "a/b/c/d/e"}), fault.Invalid, "more than 3 folders"},
		{"cut off", tarred(t, entry{name: "a", data: x})[:60], fault.Invalid, "unpack"},
		{"no archive", []byte("<html>not found</html>"), fault.Invalid, "unpack"},
		{"empty", tarred(t), fault.Invalid, "no files"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := vendoring.Unpack(tc.data, false, small)
			if !fault.Is(err, tc.kind) || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

// TestBomb: a small archive of a large file stops at the ratio.
func TestBomb(t *testing.T) {
	t.Parallel()
	limits := vendoring.DefaultLimits()
	bomb := tarred(t, entry{name: "zeros", data: strings.Repeat("\x00", 32<<20)})
	if _, err := vendoring.Unpack(bomb, false, limits); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "too large") {
		t.Errorf("%d bytes: %v", len(bomb), err)
	}
}

func TestReadTreeRefusesLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "x")); err != nil {
		t.Fatal(err)
	}
	if _, err := vendoring.ReadTree(os.DirFS(dir), ".", vendoring.DefaultLimits()); !fault.Is(err, fault.Denied) {
		t.Errorf("%v", err)
	}
	files := fstest.MapFS{"a/b": {Data: []byte("b")}, "a/.git/config": {Data: []byte("c")}, "c": {Data: []byte("c")}}
	got, err := vendoring.ReadTree(files, "a", vendoring.DefaultLimits())
	if diff := cmp.Diff(print(tree("b", "b")), print(got)); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestLayers(t *testing.T) {
	t.Parallel()
	got, err := vendoring.Layers([][]byte{
		tarred(t, entry{name: "a", data: "1"}, entry{name: "d/x", data: "1"}, entry{name: "d/y", data: "1"}, entry{name: "e/x", data: "1"}),
		tarred(t, entry{name: "a", data: "2"}, entry{name: "d/.wh.x"}, entry{name: "e/.wh..wh..opq"}, entry{name: "e/z", data: "2"}),
	}, vendoring.DefaultLimits())
	if diff := cmp.Diff(print(tree("a", "2", "d/y", "1", "e/z", "2")), print(got)); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(tarred(f, entry{name: "a/b", data: "c"}))
	f.Add(zipped(f, entry{name: "a/b", data: "c"}))
	f.Add([]byte("PK\x03\x04"))
	limits := vendoring.Limits{Files: 10, Depth: 4, File: 1 << 16, Total: 1 << 18, Ratio: 100}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := vendoring.Unpack(data, true, limits)
		if err != nil {
			return
		}
		for p := range got {
			if !filepath.IsLocal(p) {
				t.Errorf("%q leads out", p)
			}
		}
	})
}

func TestParseSource(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]vendoring.Source{
		"https://github.com/org/pkgs.git/nginx@v1":   {Type: vendoring.Git, URL: "https://github.com/org/pkgs.git", Directory: "nginx", Ref: "v1"},
		"https://github.com/org/pkgs/a/b@nginx/v1.2": {Type: vendoring.Git, URL: "https://github.com/org/pkgs", Directory: "a/b", Ref: "nginx/v1.2"},
		"https://github.com/org/pkgs":                {Type: vendoring.Git, URL: "https://github.com/org/pkgs", Directory: "."},
		"https://git.example.org/r.git":              {Type: vendoring.Git, URL: "https://git.example.org/r.git", Directory: "."},
		"https://git.example.org/r.git/@main":        {Type: vendoring.Git, URL: "https://git.example.org/r.git", Directory: ".", Ref: "main"},
		"https://git.example.org/r//dir@v1":          {Type: vendoring.Git, URL: "https://git.example.org/r", Directory: "dir", Ref: "v1"},
		"git@host:org/r.git/dir@v1":                  {Type: vendoring.Git, URL: "git@host:org/r.git", Directory: "dir", Ref: "v1"},
		"git@host:org/r.git":                         {Type: vendoring.Git, URL: "git@host:org/r.git", Directory: "."},
		"ssh://git@host/org/r.git/dir":               {Type: vendoring.Git, URL: "ssh://git@host/org/r.git", Directory: "dir"},
		"file:///srv/r.git/a@v1":                     {Type: vendoring.Git, URL: "file:///srv/r.git", Directory: "a", Ref: "v1"},
		"oci://host:5000/a/b:1.0":                    {Type: vendoring.OCI, URL: "oci://host:5000/a/b", Ref: "1.0"},
		"oci://host/a/b:1.0@sha256:12":               {Type: vendoring.OCI, URL: "oci://host/a/b", Ref: "sha256:12"},
		"oci://host:5000/a":                          {Type: vendoring.OCI, URL: "oci://host:5000/a"},
		"https://host/x-1.0.tar.gz":                  {Type: vendoring.HTTP, URL: "https://host/x-1.0.tar.gz"},
	} {
		got, err := vendoring.ParseSource(text, "")
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", text, err, diff)
		}
	}
	for _, text := range []string{"", "nginx", "https://host/a/b", "https://u:p@host/r.git", "https://host/r.git/../x", "https://host/r.git@--upload-pack=x"} {
		if got, err := vendoring.ParseSource(text, ""); !fault.Is(err, fault.Usage) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func FuzzParseSource(f *testing.F) {
	f.Add("git@host:org/r.git/dir@v1")
	f.Add("oci://host/a:b@sha256:c")
	f.Add("https://a.git//b@@")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := vendoring.ParseSource(text, "")
		if err == nil && s.Type == vendoring.Git && s.Directory != "." && !filepath.IsLocal(s.Directory) {
			t.Errorf("%q: folder %q", text, s.Directory)
		}
	})
}
