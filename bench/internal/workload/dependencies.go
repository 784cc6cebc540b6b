package workload

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	// Dependencies is how many charts the umbrella of WriteDependencies takes
	// from chart repositories, evenly from Repositories of them.
	Dependencies = 40
	Repositories = 4
	// Latency is what each answer of ChartServer waits for.
	Latency = 20 * time.Millisecond

	publishedVersions = 10
)

func dependency(i int) string   { return fmt.Sprintf("service-%02d", i) }
func repositoryOf(i int) string { return fmt.Sprintf("/team-%d", i%Repositories) }

// WriteDependencies writes an umbrella chart to dir that has its subcharts in
// repositories below url.
func WriteDependencies(dir, url string) error {
	var chart, values strings.Builder
	chart.WriteString("apiVersion: v2\nname: umbrella\nversion: 1.0.0\ndependencies:\n")
	values.WriteString("global:\n  domain: example.com\n  pullPolicy: IfNotPresent\n")
	for i := range Dependencies {
		fmt.Fprintf(&chart, "- name: %s\n  version: ^1.0.0\n  repository: %s%s\n", dependency(i), url, repositoryOf(i))
	}
	return write(dir, map[string]string{"Chart.yaml": chart.String(), "values.yaml": values.String()})
}

// WriteHelmRepositories makes the repositories known to a helm with that home:
// helm dependency build refuses others.
func WriteHelmRepositories(home, url string) error {
	var b strings.Builder
	b.WriteString("apiVersion: \"\"\nrepositories:\n")
	for i := range Repositories {
		fmt.Fprintf(&b, "- name: team-%d\n  url: %s%s\n", i, url, repositoryOf(i))
	}
	return write(home, map[string]string{".config/helm/repositories.yaml": b.String()})
}

// ChartServer serves the repositories on loopback, each answer after Latency.
// Every chart has ten versions in the index; the newest can be downloaded.
func ChartServer() (url string, stop func() error, err error) {
	files, err := published()
	if err != nil {
		return "", nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-time.After(Latency)
		data, ok := files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(data)
	})}
	go func() { _ = server.Serve(listener) }()
	return "http://" + listener.Addr().String(), server.Close, nil
}

// published are the files of all repositories by path.
func published() (map[string][]byte, error) {
	files := map[string][]byte{}
	indexes := map[string]*strings.Builder{}
	for i := range Dependencies {
		name, repository := dependency(i), repositoryOf(i)
		data, err := pack(name, subchart(name))
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(data)
		newest := name + "-1.0.0.tgz"
		files[repository+"/"+newest] = data
		index := indexes[repository]
		if index == nil {
			index = &strings.Builder{}
			index.WriteString("apiVersion: v1\nentries:\n")
			indexes[repository] = index
		}
		fmt.Fprintf(index, "  %s:\n", name)
		for v := range publishedVersions {
			version := "1.0.0"
			if v > 0 {
				version = fmt.Sprintf("0.%d.0", publishedVersions-v)
			}
			fmt.Fprintf(index, "  - apiVersion: v2\n    appVersion: 2.1.0\n    created: \"2026-01-02T03:04:05Z\"\n    description: One of the services\n    digest: %s\n    name: %s\n    type: application\n    urls:\n    - %s-%s.tgz\n    version: %s\n",
				hex.EncodeToString(sum[:]), name, name, version, version)
		}
	}
	for repository, index := range indexes {
		files[repository+"/index.yaml"] = []byte(index.String())
	}
	return files, nil
}

func pack(name string, files map[string]string) ([]byte, error) {
	var buf bytes.Buffer
	zip := gzip.NewWriter(&buf)
	out := tar.NewWriter(zip)
	for _, file := range slices.Sorted(maps.Keys(files)) {
		head := &tar.Header{Name: name + "/" + file, Mode: 0o644, Size: int64(len(files[file]))}
		if err := out.WriteHeader(head); err != nil {
			return nil, err
		}
		if _, err := out.Write([]byte(files[file])); err != nil {
			return nil, err
		}
	}
	if err := out.Close(); err != nil {
		return nil, err
	}
	if err := zip.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}
