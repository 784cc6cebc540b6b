package registry

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/outbound"
)

// scanned gives what an index says of each chart.
func scanned(text string) (map[string][]entry, error) {
	found := map[string][]entry{}
	err := scanIndex(strings.NewReader(text), func(name string, chunk []byte) error {
		entries := []entry{}
		err := yaml.Unmarshal(chunk, &entries)
		found[name] = entries
		return err
	})
	return found, err
}

func TestScanIndex(t *testing.T) {
	t.Parallel()
	one := map[string][]entry{"db": {{Version: "1.0.0", URLs: []string{"db-1.0.0.tgz"}, Digest: "abc"}}}
	for name, tc := range map[string]struct {
		text string
		want map[string][]entry
		err  string
	}{
		"as Helm writes it":   {"apiVersion: v1\nentries:\n  db:\n  - apiVersion: v2\n    created: \"2024-01-01\"\n    description: A 'thing'\n    digest: abc\n    name: db\n    urls:\n    - db-1.0.0.tgz\n    version: 1.0.0\ngenerated: \"2024\"\n", one, ""},
		"indented lists":      {"apiVersion: v1\nentries:\n    db:\n        - version: 1.0.0\n          urls:\n            - db-1.0.0.tgz\n          digest: abc\n", one, ""},
		"dash alone":          {"apiVersion: v1\nentries:\n  db:\n  -\n    version: 1.0.0\n    digest: abc\n    urls: [db-1.0.0.tgz]\n", one, ""},
		"quoted":              {"---\n\"apiVersion\": v1\n'entries':\n  \"db\":\n  - \"version\": \"1.0.0\"\n    'urls': ['db-1.0.0.tgz']\n    digest: 'abc'\n", one, ""},
		"comments":            {"# x\napiVersion: v1 # y\nentries: # z\n  # a\n  db: # b\n  # c\n  - version: 1.0.0 # d\n    # e\n    urls:\n    # f\n    - db-1.0.0.tgz\n    digest: abc\n", one, ""},
		"comment at the edge": {"apiVersion: v1\nentries:\n  db:\n  - version: 1.0.0\n    urls: [db-1.0.0.tgz]\n    digest: abc\n#x:\n  - digest: d\n", map[string][]entry{"db": {one["db"][0], {Digest: "d"}}}, ""},
		"blocks of text":      {"apiVersion: v1\nentries:\n  db:\n  - description: |\n      version: 9\n      - version: 8\n\n      db2:\n    annotations:\n      x: |-\n        urls:\n        - evil\n    version: 1.0.0\n    maintainers:\n    - name: a\n      version: 7\n    urls:\n    - db-1.0.0.tgz\n    digest: abc\n", one, ""},
		"folded values":       {"apiVersion: v1\nentries:\n  db:\n  - version: 1.0.0\n    urls:\n    - >-\n      db-1.0.0.tgz\n    digest: \"ab\\\n      c\"\n", one, ""},
		"windows":             {"apiVersion: v1\r\nentries:\r\n  db:\r\n  - version: 1.0.0\r\n    urls:\r\n    - db-1.0.0.tgz\r\n    digest: abc\r\n", one, ""},
		"byte order mark":     {"\ufeffapiVersion: v1\nentries:\n  db:\n  - version: 1.0.0\n    urls: [db-1.0.0.tgz]\n    digest: abc\n", one, ""},
		"JSON":                {`{"apiVersion":"v1","generated":"x","entries":{"db":[{"name":"db","version":"1.0.0","urls":["db-1.0.0.tgz"],"digest":"abc","dependencies":[{"version":"9"}]}]}}`, one, ""},
		"flow style":          {"apiVersion: v1\nentries: {db: [{version: 1.0.0, urls: [db-1.0.0.tgz], digest: abc}]}\n", one, ""},
		"flow of one chart":   {"apiVersion: v1\nentries:\n  db: [{version: 1.0.0, urls: [db-1.0.0.tgz], digest: abc}]\n", one, ""},
		"anchors":             {"apiVersion: v1\nentries:\n  db:\n  - &a\n    version: 1.0.0\n    urls: &u [db-1.0.0.tgz]\n    digest: abc\n", one, ""},
		"empty":               {"apiVersion: v1\nentries: {}\n", map[string][]entry{}, ""},
		"no entries":          {"apiVersion: v1\nentries:\n", map[string][]entry{}, ""},
		"empty chart":         {"apiVersion: v1\nentries:\n  db: []\n  web:\n", map[string][]entry{"db": {}, "web": {}}, ""},
		"two of a name":       {"apiVersion: v1\nentries:\n  db:\n  - version: 2.0.0\n  db:\n  - version: 1.0.0\n    urls: [db-1.0.0.tgz]\n    digest: abc\n", one, ""},
		"no version":          {"entries:\n  db:\n  - version: 1.0.0\n", nil, "has no apiVersion"},
		"a web page":          {"<!doctype html>\n<html>\n", nil, "is no valid YAML"},
		"alias bomb":          {"apiVersion: v1\na: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\nentries: {db: [{version: 1.0.0, urls: [*f]}]}\n", nil, "is no valid YAML"},
		"not a list":          {"apiVersion: v1\nentries:\n  db:\n    version: 1.0.0\n", nil, "is no valid YAML"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := scanned(tc.text)
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Errorf("got %v, want %q", err, tc.err)
				}
				return
			}
			if d := cmp.Diff(tc.want, got); d != "" || err != nil {
				t.Error(d, err)
			}
		})
	}
}

// FuzzScanIndex: what the scanner reads by lines is what YAML reads. The
// scanner may read more (it is no check of YAML) but nothing else.
func FuzzScanIndex(f *testing.F) {
	f.Add("apiVersion: v1\nentries:\n  db:\n  - version: 1.0.0\n    urls:\n    - x\n    digest: abc\n  web:\n  - {version: 1}\n")
	f.Add(`{"apiVersion":"v1","entries":{"db":[{"version":"1.0.0","urls":["x"]}]}}`)
	f.Add("apiVersion: v1\nentries:\n  db:\n  - description: |\n      version: 2\n    version: 1.0.0\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := scanned(text)
		if err != nil {
			return
		}
		var doc struct {
			Entries map[string][]entry `yaml:"entries"`
		}
		if yaml.Unmarshal([]byte(text), &doc) != nil {
			return
		}
		for name, entries := range got {
			if strings.TrimSpace(name) != name || name == "" {
				continue
			}
			want, ok := doc.Entries[name]
			// Of a version without any of its keys the scanner keeps nothing.
			want = slices.DeleteFunc(want, func(e entry) bool { return e.Version == "" && len(e.URLs) == 0 && e.Digest == "" })
			entries = slices.DeleteFunc(entries, func(e entry) bool { return e.Version == "" && len(e.URLs) == 0 && e.Digest == "" })
			if !ok || len(want) == 0 && len(entries) == 0 {
				continue
			}
			if d := cmp.Diff(want, entries); d != "" {
				t.Errorf("%s: %s\nof %q", name, d, text)
			}
		}
	})
}

// bigIndex writes an index of n charts with 100 versions each.
type bigIndex struct {
	charts, at int
	buf        bytes.Buffer
}

func (b *bigIndex) Read(p []byte) (int, error) {
	if b.at == 0 && b.buf.Len() == 0 {
		b.buf.WriteString("apiVersion: v1\nentries:\n")
	}
	for b.buf.Len() < len(p) && b.at < b.charts {
		fmt.Fprintf(&b.buf, "  chart-%05d:\n", b.at)
		for v := range 100 {
			fmt.Fprintf(&b.buf, "  - annotations:\n      artifacthub.io/images: |\n        %s\n    apiVersion: v2\n    appVersion: %d.0.0\n    created: \"2024-01-02T03:04:05Z\"\n    description: %s\n    digest: %064d\n    name: chart-%05d\n    urls:\n    - https://charts.example.com/chart-%05d-%d.0.0.tgz\n    version: %d.0.0\n",
				strings.Repeat("- name: x image: registry.example.com/x ", 20), v, strings.Repeat("word ", 40), v, b.at, b.at, v, v)
		}
		b.at++
	}
	if b.buf.Len() == 0 {
		return 0, io.EOF
	}
	return b.buf.Read(p)
}

// An index of more than 200 MB costs a bounded heap (helm#11509).
func TestHugeIndex(t *testing.T) {
	const charts = 1500
	var size int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("ETag", `"1"`)
		size, _ = io.Copy(w, &bigIndex{charts: charts})
	}))
	defer server.Close()
	dir := t.TempDir()
	peak, stop := make(chan uint64, 1), make(chan struct{})
	go func() {
		var most uint64
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
			select {
			case <-stop:
				peak <- most
				return
			case <-tick.C:
			}
		}
	}()
	versions := func(ctx context.Context) []string {
		c := NewCharts(ChartOptions{HTTP: outbound.New(outbound.Policy{}, nil), Dir: dir})
		found, err := c.Versions(ctx, server.URL, "chart-00777")
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(found)
		return found
	}
	first := versions(t.Context())
	close(stop)
	if most := <-peak; most > 128<<20 {
		t.Errorf("the heap had up to %d MiB", most>>20)
	}
	if size < 200_000_000 {
		t.Fatalf("the index has %d bytes only", size)
	}
	if len(first) != 100 {
		t.Errorf("%d versions", len(first))
	}
	if d := cmp.Diff(first, versions(t.Context())); d != "" {
		t.Error(d)
	}
}

func BenchmarkScanIndex(b *testing.B) {
	data, err := io.ReadAll(&bigIndex{charts: 50})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if err := scanIndex(bytes.NewReader(data), func(string, []byte) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
