package gittest

import (
	"crypto/subtle"
	"log/slog"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Server serves repositories over smart HTTP on loopback, with git's own
// server program behind it.
type Server struct {
	// URL is that of the repository.
	URL string

	mu       sync.Mutex
	requests []string
}

// Access says who may do what; the zero value lets everybody fetch and push.
type Access struct {
	// User and Password are asked for (HTTP basic authentication) when
	// Password is set.
	User, Password string
	// ReadOnly refuses pushes.
	ReadOnly bool
}

// Serve serves a bare repository until the test ends.
func Serve(t testing.TB, bare *Repo, access Access) *Server {
	t.Helper()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	bare.Git("config", "http.receivepack", "true")
	bare.Git("config", "uploadpack.allowFilter", "true")
	bare.Git("config", "uploadpack.allowAnySHA1InWant", "true")
	backend := &cgi.Handler{
		Path: git,
		Args: []string{"http-backend"},
		Env: []string{
			"GIT_PROJECT_ROOT=" + filepath.Dir(bare.Dir), "GIT_HTTP_EXPORT_ALL=1",
			"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull, "HOME=" + bare.home, "LC_ALL=C",
		},
		Logger: slog.NewLogLogger(slog.NewTextHandler(testLog{t}, nil), slog.LevelError),
		Stderr: testLog{t},
	}
	s := &Server{}
	server := httptest.NewServer(s.handler(backend, access))
	t.Cleanup(server.Close)
	s.URL = server.URL + "/" + filepath.Base(bare.Dir)
	return s
}

// Requests lists what was asked so far, as "METHOD /path".
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.requests...)
}

func (s *Server) handler(backend http.Handler, access Access) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.requests = append(s.requests, r.Method+" "+r.URL.Path)
		s.mu.Unlock()
		if !access.allows(r) {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		if access.ReadOnly && isPush(r) {
			http.Error(w, "read-only", http.StatusForbidden)
			return
		}
		backend.ServeHTTP(w, r)
	})
}

func (a Access) allows(r *http.Request) bool {
	if a.Password == "" {
		return true
	}
	user, password, _ := r.BasicAuth()
	return subtle.ConstantTimeCompare([]byte(user+":"+password), []byte(a.User+":"+a.Password)) == 1
}

func isPush(r *http.Request) bool {
	return strings.HasSuffix(r.URL.Path, "/git-receive-pack") || r.URL.Query().Get("service") == "git-receive-pack"
}

// testLog writes lines to the log of a test.
type testLog struct{ t testing.TB }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimRight(string(p), "\n"))
	return len(p), nil
}
