package source_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/tugops/tug/internal/registrytest"
	"github.com/tugops/tug/internal/source"
)

type entry struct {
	name string
	kind byte
	link string
	data string
}

func packEntries(tb testing.TB, entries ...entry) []byte {
	tb.Helper()
	var b bytes.Buffer
	zip := gzip.NewWriter(&b)
	out := tar.NewWriter(zip)
	for _, e := range entries {
		if e.kind == 0 {
			e.kind = tar.TypeReg
		}
		h := &tar.Header{Name: e.name, Typeflag: e.kind, Linkname: e.link, Size: int64(len(e.data)), Mode: 0o644}
		if err := out.WriteHeader(h); err != nil {
			tb.Fatal(err)
		}
		if _, err := io.WriteString(out, e.data); err != nil {
			tb.Fatal(err)
		}
	}
	_ = out.Close()
	_ = zip.Close()
	return b.Bytes()
}

const head = "name: db\nversion: 1.0.0\n"

func TestCheckArchive(t *testing.T) {
	t.Parallel()
	good := entry{name: "db/Chart.yaml", data: head}
	many := []entry{good}
	for i := range 20_001 {
		many = append(many, entry{name: fmt.Sprintf("db/f%d", i)})
	}
	large := strings.Repeat("x", 5<<20)
	var bomb []entry
	for i := range 21 {
		bomb = append(bomb, entry{name: fmt.Sprintf("db/f%d", i), data: large})
	}
	for name, tc := range map[string]struct {
		data []byte
		err  string
	}{
		"good":            {packEntries(t, good, entry{name: "db/templates/", kind: tar.TypeDir}), ""},
		"dot in front":    {packEntries(t, entry{name: "./db/Chart.yaml", data: head}), ""},
		"no gzip":         {[]byte("hello"), "no gzip"},
		"cut":             {packEntries(t, good)[:60], "damaged"},
		"parent":          {packEntries(t, good, entry{name: "db/../../etc/x"}), "forbidden name"},
		"absolute":        {packEntries(t, good, entry{name: "/etc/x"}), "forbidden name"},
		"backslash":       {packEntries(t, good, entry{name: `db\..\x`}), "forbidden name"},
		"drive":           {packEntries(t, good, entry{name: "c:/x"}), "forbidden name"},
		"symbolic link":   {packEntries(t, good, entry{name: "db/x", kind: tar.TypeSymlink, link: "/etc/passwd"}), "neither a file nor a folder"},
		"hard link":       {packEntries(t, good, entry{name: "db/x", kind: tar.TypeLink, link: "db/Chart.yaml"}), "neither a file nor a folder"},
		"device":          {packEntries(t, good, entry{name: "db/x", kind: tar.TypeChar}), "neither a file nor a folder"},
		"two folders":     {packEntries(t, good, entry{name: "web/Chart.yaml"}), "two folders"},
		"file at the top": {packEntries(t, good, entry{name: "x"}), "outside of the chart's folder"},
		"no chart":        {packEntries(t, entry{name: "db/values.yaml"}), "no Chart.yaml"},
		"name of dots":    {packEntries(t, entry{name: "db/Chart.yaml", data: "name: ..\nversion: 1.0.0\n"}), `calls its chart ".."`},
		"name of a path":  {packEntries(t, entry{name: "db/Chart.yaml", data: "name: ../../x\nversion: 1.0.0\n"}), "calls its chart"},
		"version path":    {packEntries(t, entry{name: "db/Chart.yaml", data: "name: db\nversion: ../x\n"}), "calls its version"},
		"many files":      {packEntries(t, many...), "more than 20000 files"},
		"large file":      {packEntries(t, good, entry{name: "db/x", data: large + "x"}), "with more than 5 MiB"},
		"bomb":            {packEntries(t, bomb...), "more than 100 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := source.CheckArchive(tc.data)
			if tc.err == "" && (err != nil || got != source.Head{Name: "db", Version: "1.0.0"}) {
				t.Errorf("%+v, %v", got, err)
			}
			if tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
				t.Errorf("got %v, want %q", err, tc.err)
			}
		})
	}
}

func FuzzCheckArchive(f *testing.F) {
	f.Add(registrytest.Pack(f, "db", map[string]string{"Chart.yaml": head}))
	f.Add(packEntries(f, entry{name: "db/x", kind: tar.TypeSymlink, link: "/"}))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := source.CheckArchive(data)
		if err == nil && (got.Name == "" || strings.ContainsAny(got.Name+got.Version, "/\\\x00")) {
			t.Errorf("accepted %+v", got)
		}
	})
}

func FuzzParseLock(f *testing.F) {
	f.Add([]byte("apiVersion: tug.dev/v1alpha1\nkind: SourceLock\ncharts:\n- {repository: https://x, name: a, version: 1.0.0, sha256: " + strings.Repeat("a", 64) + ", from: [b]}\ngit:\n- {url: https://y, commit: " + strings.Repeat("b", 40) + ", sha256: " + strings.Repeat("a", 64) + "}\naliases: {a: b}\n"))
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := source.ParseLock("x", data)
		if err != nil {
			return
		}
		text, err := l.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := source.ParseLock("x", text); err != nil {
			t.Errorf("what was written cannot be read: %v\n%s", err, text)
		}
	})
}
