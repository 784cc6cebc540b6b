package registrytest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// ChartRepository is a chart repository over HTTP on loopback, as ChartMuseum
// serves one: index.yaml with an ETag, archives beside it.
type ChartRepository struct {
	// URL of the repository.
	URL string

	t        testing.TB
	options  Options
	mu       sync.Mutex
	files    map[string][]byte   // path -> content
	versions map[string][]string // chart -> entries of the index, as YAML
	requests []*http.Request
}

// NewCharts starts a chart repository.
func NewCharts(t testing.TB, options Options) *ChartRepository {
	t.Helper()
	r := &ChartRepository{t: t, options: options, files: map[string][]byte{}, versions: map[string][]string{}}
	var handler http.Handler = http.HandlerFunc(r.serve)
	if options.Wrap != nil {
		handler = options.Wrap(handler)
	}
	server := httptest.NewServer(r.guard(handler))
	t.Cleanup(server.Close)
	r.URL = server.URL
	return r
}

// Add packs a chart of files (names relative to the chart) and publishes it.
// It gives the archive.
func (r *ChartRepository) Add(files map[string]string) []byte {
	r.t.Helper()
	name, version := NameOf(r.t, files)
	data := Pack(r.t, name, files)
	r.add(name, version, data)
	return data
}

func (r *ChartRepository) add(name, version string, data []byte) {
	file := name + "-" + version + ".tgz"
	sum := sha256.Sum256(data)
	r.Entry(name, fmt.Sprintf("version: %s\nname: %s\ndigest: %s\nurls:\n- %s\n", version, name, hex.EncodeToString(sum[:]), file))
	r.File("/"+file, data)
}

// AddFolder is Add for a chart on disk.
func (r *ChartRepository) AddFolder(dir string) []byte {
	r.t.Helper()
	return r.Add(ReadChart(r.t, dir))
}

// Entry adds a version to the index, given as YAML.
func (r *ChartRepository) Entry(chart, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.versions[chart] = append(r.versions[chart], text)
	delete(r.files, "/index.yaml")
}

// File serves a file; "/index.yaml" replaces the index.
func (r *ChartRepository) File(name string, data []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.files[name] = data
}

// Requests lists what was asked so far, as "METHOD /path".
func (r *ChartRepository) Requests() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []string
	for _, q := range r.requests {
		list = append(list, q.Method+" "+q.URL.Path)
	}
	return list
}

// Authorizations are the Authorization headers that came, "" included.
func (r *ChartRepository) Authorizations() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []string
	for _, q := range r.requests {
		list = append(list, q.Header.Get("Authorization"))
	}
	return list
}

func (r *ChartRepository) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		r.requests = append(r.requests, req.Clone(req.Context()))
		r.mu.Unlock()
		if !r.options.allows(req) {
			w.Header().Set("WWW-Authenticate", `Basic realm="charts"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, req)
	})
}

func (r *ChartRepository) serve(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	data, ok := r.files[req.URL.Path]
	if !ok && req.URL.Path == "/index.yaml" {
		data, ok = r.index(), true
		r.files["/index.yaml"] = data
	}
	r.mu.Unlock()
	if !ok {
		http.NotFound(w, req)
		return
	}
	sum := sha256.Sum256(data)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	w.Header().Set("ETag", tag)
	if req.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(data)
}

// index is the YAML that Helm writes.
func (r *ChartRepository) index() []byte {
	var b strings.Builder
	b.WriteString("apiVersion: v1\nentries:\n")
	for _, chart := range slices.Sorted(maps.Keys(r.versions)) {
		fmt.Fprintf(&b, "  %s:\n", chart)
		for _, text := range r.versions[chart] {
			b.WriteString("  - apiVersion: v2\n")
			for line := range strings.Lines(text) {
				b.WriteString("    " + line)
			}
		}
	}
	b.WriteString("generated: \"2024-01-02T03:04:05Z\"\n")
	return []byte(b.String())
}

// PushChart publishes a chart to the registry as "repository:version" (helm
// push does the same) and gives the digest of its manifest.
func (r *Registry) PushChart(repository string, files map[string]string) string {
	r.t.Helper()
	name, version := NameOf(r.t, files)
	const config, layer = types.MediaType("application/vnd.cncf.helm.config.v1+json"), types.MediaType("application/vnd.cncf.helm.chart.content.v1.tar+gzip")
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), config)
	img, err := mutate.Append(img, mutate.Addendum{Layer: static.NewLayer(Pack(r.t, name, files), layer), MediaType: layer})
	if err != nil {
		r.t.Fatal(err)
	}
	ref := r.reference(repository + ":" + strings.ReplaceAll(version, "+", "_"))
	if err := remote.Write(ref, img, remote.WithAuth(r.login())); err != nil {
		r.t.Fatal(err)
	}
	return r.digest(img.Digest())
}

// Pack makes a packed chart; the same files always give the same bytes.
func Pack(t testing.TB, name string, files map[string]string) []byte {
	t.Helper()
	var buf bytes.Buffer
	zip := gzip.NewWriter(&buf)
	out := tar.NewWriter(zip)
	for _, file := range slices.Sorted(maps.Keys(files)) {
		head := &tar.Header{Name: path.Join(name, file), Mode: 0o644, Size: int64(len(files[file]))}
		if err := out.WriteHeader(head); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Write([]byte(files[file])); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// Unpack reads the files of a packed chart, by their names inside of it.
func Unpack(t testing.TB, data []byte) map[string]string {
	t.Helper()
	zip, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for in := tar.NewReader(zip); ; {
		head, err := in.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		_, name, _ := strings.Cut(head.Name, "/")
		files[name] = string(text)
	}
}

// ReadChart reads the files of a chart on disk.
func ReadChart(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	root := os.DirFS(dir)
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(root, name)
		files[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

var (
	nameLine    = regexp.MustCompile(`(?m)^name:\s*["']?([^\s"']+)`)
	versionLine = regexp.MustCompile(`(?m)^version:\s*["']?([^\s"']+)`)
)

// NameOf reads name and version of a chart.
func NameOf(t testing.TB, files map[string]string) (name, version string) {
	t.Helper()
	n, v := nameLine.FindStringSubmatch(files["Chart.yaml"]), versionLine.FindStringSubmatch(files["Chart.yaml"])
	if n == nil || v == nil {
		t.Fatalf("Chart.yaml names no chart: %q", files["Chart.yaml"])
	}
	return n[1], v[1]
}
