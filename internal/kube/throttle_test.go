package kube_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
)

// A server that says "later" is asked again when it said, and a write never
// outlives the client's timeout: the server is told the same limit
// (cluster-semantics.md 5.2, 8.4).
func TestRetryAfterAndDeadlines(t *testing.T) {
	t.Parallel()
	ns := kubetest.Namespace(t)
	var refusals, refused atomic.Int64
	var limit atomic.Value
	c := through(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPatch {
			return false
		}
		limit.Store(r.URL.Query().Get("timeout"))
		if refusals.Add(-1) < 0 {
			return false
		}
		refused.Add(1)
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	})
	o := parse(t, ns, `{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}`)
	refusals.Store(1)
	began := time.Now()
	apply(t, c, o)
	if took := time.Since(began); took < time.Second || refused.Load() != 1 {
		t.Errorf("asked again after %s and %d refusals", took, refused.Load())
	}
	if limit.Load() != "15s" {
		t.Errorf("the server was told a limit of %q", limit.Load())
	}
	// Ten more refusals, a second each: more than a request may take.
	short := c.WithTimeout(2500 * time.Millisecond)
	refusals.Store(100)
	began = time.Now()
	_, err := short.Apply(t.Context(), o, object.Write{Force: true})
	wantFault(t, err, fault.Unavailable, "ConfigMap "+ns+"/a")
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("the request took %s", took)
	}
}
