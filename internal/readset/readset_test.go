package readset_test

import (
	"errors"
	"io/fs"
	"maps"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/readset"
)

func tree() fstest.MapFS {
	return fstest.MapFS{
		"chart/Chart.yaml":      {Data: []byte("name: web\n")},
		"chart/templates/a.yml": {Data: []byte("a: 1\n")},
		"other/file":            {Data: []byte("x")},
	}
}

// read does what a renderer may do.
func read(t *testing.T, files fs.FS) {
	t.Helper()
	if _, err := fs.ReadFile(files, "chart/Chart.yaml"); err != nil {
		t.Fatal(err)
	}
	if _, err := fs.ReadDir(files, "chart/templates"); err != nil {
		t.Fatal(err)
	}
	if _, err := fs.Stat(files, "chart/charts"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("got %v", err)
	}
	f, err := files.Open("chart/templates/a.yml")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
}

func TestHolds(t *testing.T) {
	t.Parallel()
	trace := readset.New(tree())
	read(t, trace)
	set, err := trace.Set()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"chart/Chart.yaml", "chart/templates/a.yml"}, set.Files()); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	for _, test := range []struct {
		name string
		edit func(fstest.MapFS)
		want bool
	}{
		{"nothing", func(fstest.MapFS) {}, true},
		{"a file that was not read", func(m fstest.MapFS) { m["other/file"] = &fstest.MapFile{Data: []byte("y")} }, true},
		{"a new file where nothing was listed", func(m fstest.MapFS) { m["chart/README"] = &fstest.MapFile{} }, true},
		{"a file that was read", func(m fstest.MapFS) { m["chart/Chart.yaml"] = &fstest.MapFile{Data: []byte("name: shop\n")} }, false},
		{"a file that was opened", func(m fstest.MapFS) { m["chart/templates/a.yml"] = &fstest.MapFile{Data: []byte("a: 2\n")} }, false},
		{"a new file in a listed folder", func(m fstest.MapFS) { m["chart/templates/b.yml"] = &fstest.MapFile{} }, false},
		{"a folder that was looked for", func(m fstest.MapFS) { m["chart/charts/x"] = &fstest.MapFile{} }, false},
		{"a file that is gone", func(m fstest.MapFS) { delete(m, "chart/Chart.yaml") }, false},
		{"a file that became a folder", func(m fstest.MapFS) {
			delete(m, "chart/templates/a.yml")
			m["chart/templates/a.yml/b"] = &fstest.MapFile{}
		}, false},
	} {
		now := maps.Clone(tree())
		test.edit(now)
		if got := set.Holds(now); got != test.want {
			t.Errorf("%s: holds is %v, want %v", test.name, got, test.want)
		}
		if got := set.Holds(named{now}); got != test.want {
			t.Errorf("%s, by names of blobs: holds is %v, want %v", test.name, got, test.want)
		}
	}
}

// named knows the names of its blobs, as a Git tree does.
type named struct{ fstest.MapFS }

func (n named) BlobName(name string) (string, bool) {
	trace := readset.New(n.MapFS)
	if _, err := trace.ReadFile(name); err != nil {
		return "", false
	}
	set, _ := trace.Set()
	return set[0].Blob, true
}

func TestBlobIsGits(t *testing.T) {
	t.Parallel()
	trace := readset.New(fstest.MapFS{"f": {Data: []byte("hello\n")}})
	if _, err := trace.ReadFile("f"); err != nil {
		t.Fatal(err)
	}
	set, _ := trace.Set()
	// git hash-object --stdin <<< hello
	if set[0].Blob != "ce013625030ba8dba906f756967f9e9ca394464a" {
		t.Errorf("got %s", set[0].Blob)
	}
}

type broken struct{ fs.FS }

func (broken) ReadFile(string) ([]byte, error) { return nil, errors.New("disk on fire") }

func TestFailedReadsAreNotKept(t *testing.T) {
	t.Parallel()
	trace := readset.New(broken{tree()})
	if _, err := trace.ReadFile("chart/Chart.yaml"); err == nil {
		t.Fatal("no error")
	}
	if _, err := trace.Set(); err == nil {
		t.Error("a set of a failed read was given")
	}
}

func TestTraceIsAFileSystem(t *testing.T) {
	t.Parallel()
	if err := fstest.TestFS(readset.New(tree()), "chart/Chart.yaml", "other/file"); err != nil {
		t.Error(err)
	}
}

func TestHashTellsSetsApart(t *testing.T) {
	t.Parallel()
	hashes := map[string]bool{}
	for _, text := range []string{"a", "b"} {
		trace := readset.New(fstest.MapFS{"f": {Data: []byte(text)}})
		_, _ = trace.ReadFile("f")
		set, _ := trace.Set()
		hashes[set.Hash()] = true
	}
	if len(hashes) != 2 {
		t.Error("two contents have one hash")
	}
}
