package registrytest

import (
	"io"
	"net/http"
	"path"
	"regexp"
	"strings"
	"testing"
)

// Dialect is how a chart repository takes uploads.
type Dialect string

// The dialects.
const (
	// ChartMuseum takes POST /api/charts and answers 409 for a version that is
	// there; like Gitea it wants to be told that the body is a file.
	ChartMuseum Dialect = "chartmuseum"
	// Nexus takes PUT /NAME-VERSION.tgz and answers 400 for what is there.
	Nexus Dialect = "nexus"
)

// NewUploads starts a chart repository that takes uploads.
func NewUploads(t testing.TB, dialect Dialect, options Options) *ChartRepository {
	t.Helper()
	// The server starts before its repository is known here; what comes in
	// meanwhile waits for it.
	var r *ChartRepository
	ready := make(chan struct{})
	wrap := options.Wrap
	options.Wrap = func(next http.Handler) http.Handler {
		var handler http.Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			<-ready
			if !r.upload(w, req, dialect) {
				next.ServeHTTP(w, req)
			}
		})
		if wrap != nil {
			handler = wrap(handler)
		}
		return handler
	}
	r = NewCharts(t, options)
	close(ready)
	return r
}

var archiveName = regexp.MustCompile(`\A(.+?)-(v?[0-9]+\.[0-9]+\.[0-9]+.*)\.tgz\z`)

// upload takes a request that is one.
func (r *ChartRepository) upload(w http.ResponseWriter, req *http.Request, dialect Dialect) bool {
	switch {
	case dialect == ChartMuseum && req.Method == http.MethodPost && req.URL.Path == "/api/charts":
		data, err := io.ReadAll(req.Body)
		if err != nil || req.Header.Get("Content-Type") != "application/gzip" {
			http.Error(w, "no chart", http.StatusInternalServerError)
			return true
		}
		files := Unpack(r.t, data)
		name, version := NameOf(r.t, files)
		r.take(w, name, version, data, http.StatusConflict, `{"error":"file already exists"}`)
		return true
	case dialect == Nexus && req.Method == http.MethodPut:
		parts := archiveName.FindStringSubmatch(path.Base(req.URL.Path))
		data, err := io.ReadAll(req.Body)
		if err != nil || parts == nil {
			http.Error(w, "no chart", http.StatusBadRequest)
			return true
		}
		r.take(w, parts[1], parts[2], data, http.StatusBadRequest, "Repository does not allow updating assets: helm")
		return true
	}
	return false
}

// take keeps an archive that is new.
func (r *ChartRepository) take(w http.ResponseWriter, name, version string, data []byte, status int, refusal string) {
	file := "/" + name + "-" + version + ".tgz"
	r.mu.Lock()
	_, known := r.files[file]
	r.mu.Unlock()
	if known {
		http.Error(w, refusal, status)
		return
	}
	r.add(name, version, data)
	w.WriteHeader(http.StatusCreated)
}

// Archive is what is served under a name, nil when there is nothing.
func (r *ChartRepository) Archive(name string) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.files["/"+strings.TrimPrefix(name, "/")]
}
