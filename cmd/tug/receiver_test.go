package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// receiver takes what is posted to it, and keeps it as files 1.json, 2.json
// and so on in a folder.
type receiver struct {
	URL string

	dir    string
	status int
	mu     sync.Mutex
	n      int
}

// newReceiver runs a receiver that answers with one status.
func newReceiver(t testing.TB, dir string, status int) *receiver {
	r := &receiver{dir: dir, status: status}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.URL = server.URL
	return r
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	var pretty bytes.Buffer
	if json.Indent(&pretty, body, "", "  ") == nil {
		body = pretty.Bytes()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n++
	err = os.MkdirAll(r.dir, 0o700)
	if err == nil {
		err = os.WriteFile(filepath.Join(r.dir, fmt.Sprint(r.n, ".json")), append(body, '\n'), 0o600)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInsufficientStorage)
		return
	}
	if r.status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "3600")
	}
	w.WriteHeader(r.status)
	fmt.Fprint(w, "ok")
}

// startReceiver runs a receiver and sets a variable to its URL: receiver
// VARIABLE FOLDER STATUS.
func (l *lab) startReceiver(ts *testscript.TestScript, neg bool, args []string) {
	status := 0
	if len(args) == 3 {
		_, err := fmt.Sscan(args[2], &status)
		ts.Check(err)
	}
	if neg || status == 0 {
		ts.Fatalf("usage: receiver VARIABLE FOLDER STATUS")
	}
	ts.Setenv(args[0], newReceiver(l.t, ts.MkAbs(args[1]), status).URL)
}
