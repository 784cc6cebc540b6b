package verify_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/verify"
)

func prober() verify.Prober {
	return verify.Prober{Transport: http.DefaultTransport, Dial: (&net.Dialer{}).DialContext, Every: time.Millisecond}
}

// TestRun takes what holds, waits for what will, and says what does not.
func TestRun(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/later":
			if asked.Add(1) < 5 {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		case "/down":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/away":
			http.Redirect(w, r, "/", http.StatusFound)
		}
		fmt.Fprint(w, "all is well")
	}))
	t.Cleanup(server.Close)
	short := 50 * time.Millisecond
	tests := []struct {
		name  string
		check verify.Check
		want  string // "" for one that holds
	}{
		{"http", verify.Check{HTTP: server.URL}, ""},
		{"later", verify.Check{HTTP: server.URL + "/later"}, ""},
		{"down", verify.Check{HTTP: server.URL + "/down", Within: short}, "the answer is 503"},
		{"status", verify.Check{HTTP: server.URL + "/down", Status: 503}, ""},
		{"another status", verify.Check{HTTP: server.URL, Status: 201, Within: short}, "not 201"},
		{"redirect", verify.Check{HTTP: server.URL + "/away", Within: short}, "the answer is 302"},
		{"contains", verify.Check{HTTP: server.URL, Contains: "is well"}, ""},
		{"contains not", verify.Check{HTTP: server.URL, Contains: "is bad", Within: short}, `does not contain "is bad"`},
		{"tcp", verify.Check{TCP: strings.TrimPrefix(server.URL, "http://")}, ""},
		{"no tcp", verify.Check{TCP: "127.0.0.1:1", Within: short}, "verify tcp 127.0.0.1:1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := prober().Run(t.Context(), []verify.Check{test.check})
			if test.want == "" && err != nil {
				t.Errorf("does not hold: %v", err)
			}
			if test.want != "" && (!fault.Is(err, fault.NotReady) || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("%v; want NotReady with %q", err, test.want)
			}
		})
	}
	err := prober().Run(t.Context(), []verify.Check{{HTTP: server.URL}, {HTTP: server.URL + "/down", Within: short}, {TCP: "127.0.0.1:1", Within: short}})
	if err == nil || !strings.Contains(err.Error(), "503") || !strings.Contains(err.Error(), "tcp 127.0.0.1:1") {
		t.Errorf("two that do not hold: %v", err)
	}
}

// TestRunEnds with its context.
func TestRunEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if err := prober().Run(ctx, []verify.Check{{TCP: "127.0.0.1:1"}}); !fault.Is(err, fault.Interrupted) {
		t.Errorf("%v", err)
	}
}
