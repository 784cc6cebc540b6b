package kube_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/kube"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
)

// front is a proxy before the real API server that can cut watches, refuse
// them, and send them to a position that is too old.
type front struct {
	url string

	mu      sync.Mutex
	away    bool // every request is answered with 503
	refuse  bool // watches are answered with 503
	expire  int  // so many watches are told that their position is too old
	status  int  // HTTP status of that answer; 200 for an event in the stream
	watches int
	lists   int
	cuts    []context.CancelFunc
}

func newFront(t *testing.T) *front {
	t.Helper()
	f := &front{}
	proxy := proxy(t, kubetest.Rest(t))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r = f.admit(w, r); r == nil {
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	t.Cleanup(f.cut)
	f.url = server.URL
	return f
}

// expired is the Status of the real API server for a position that etcd has
// compacted.
const expired = `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"too old resource version: 1 (1234)","reason":"Expired","code":410}`

// admit counts a request; nil means that it was answered here.
func (f *front) admit(w http.ResponseWriter, r *http.Request) *http.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	watch := r.URL.Query().Has("watch")
	switch {
	case f.away, f.refuse && watch:
		w.WriteHeader(http.StatusServiceUnavailable)
		return nil
	case !watch:
		f.lists++
		return r
	case f.expire > 0:
		f.expire--
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(f.status)
		text := expired
		if f.status == http.StatusOK {
			text = `{"type":"ERROR","object":` + expired + "}\n"
		}
		fmt.Fprint(w, text)
		return nil
	}
	f.watches++
	ctx, cancel := context.WithCancel(r.Context())
	f.cuts = append(f.cuts, cancel)
	return r.WithContext(ctx)
}

// cut ends all open watches.
func (f *front) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, cancel := range f.cuts {
		cancel()
	}
	f.cuts = nil
}

func (f *front) set(change func(*front)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func (f *front) get(field func(*front) int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return field(f)
}

func (f *front) client(t *testing.T, timeout time.Duration) *kube.Client {
	t.Helper()
	path := kubeconfig(t, &clientcmdapi.Cluster{Server: f.url}, &clientcmdapi.AuthInfo{})
	c, err := kube.Connect(kube.Options{Kubeconfig: path, Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWatchResumesWhereItWasCut(t *testing.T) {
	t.Parallel()
	c, ns, f := kubetest.Client(t), kubetest.Namespace(t), newFront(t)
	apply(t, c, parse(t, ns, watched(ns, "a", "1")))
	r := record(t, f.client(t, 0), ns)
	r.want(t, "+a=1", "synced")
	kubetest.Eventually(t, waitLong, "a watch", func() bool { return f.get(func(f *front) int { return f.watches }) == 1 })
	lists := f.get(func(f *front) int { return f.lists })
	f.set(func(f *front) { f.refuse = true })
	f.cut()
	apply(t, c, parse(t, ns, watched(ns, "a", "2")))
	apply(t, c, parse(t, ns, watched(ns, "b", "1")))
	if err := c.Delete(t.Context(), configMaps, ns, "b", object.Write{}); err != nil {
		t.Fatal(err)
	}
	f.set(func(f *front) { f.refuse = false })
	r.want(t, "+a=1", "synced", "+a=2", "+b=1", "-b")
	if n := f.get(func(f *front) int { return f.lists }); n != lists {
		t.Errorf("%d lists instead of none to resume", n-lists)
	}
}

func TestWatchListsAgainAfter410(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusOK, http.StatusGone} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			testExpiry(t, status)
		})
	}
}

func testExpiry(t *testing.T, status int) {
	c, ns, f := kubetest.Client(t), kubetest.Namespace(t), newFront(t)
	for _, name := range []string{"a", "b", "c", "d"} {
		apply(t, c, parse(t, ns, watched(ns, name, "1")))
	}
	r := record(t, f.client(t, 0), ns)
	start := []string{"+a=1", "+b=1", "+c=1", "+d=1", "synced"}
	r.want(t, start...)
	kubetest.Eventually(t, waitLong, "a watch", func() bool { return f.get(func(f *front) int { return f.watches }) == 1 })
	f.set(func(f *front) { f.refuse = true })
	f.cut()
	for _, name := range []string{"a", "b"} {
		if err := c.Delete(t.Context(), configMaps, ns, name, object.Write{}); err != nil {
			t.Fatal(err)
		}
	}
	apply(t, c, parse(t, ns, watched(ns, "b", "2")))
	apply(t, c, parse(t, ns, watched(ns, "c", "2")))
	f.set(func(f *front) { f.refuse, f.expire, f.status = false, 1, status })
	r.want(t, append(start, "-b", "+b=2", "+c=2", "-a")...)
	apply(t, c, parse(t, ns, watched(ns, "d", "2")))
	r.want(t, append(start, "-b", "+b=2", "+c=2", "-a", "+d=2")...)
}

func TestWatchOfServerThatIsAway(t *testing.T) {
	t.Parallel()
	c, ns, f := kubetest.Client(t), kubetest.Namespace(t), newFront(t)
	client := f.client(t, 300*time.Millisecond)
	if _, _, err := client.Scope(t.Context(), configMaps.GroupKind()); err != nil {
		t.Fatal(err)
	}
	f.set(func(f *front) { f.away = true })
	err := client.Watch(t.Context(), configMaps, ns, "", func(object.Change) bool { return true })
	wantFault(t, err, fault.Unavailable, "list ConfigMap in namespace "+ns)
	f.set(func(f *front) { f.away = false })

	r := record(t, f.client(t, 300*time.Millisecond), ns)
	r.want(t, "synced")
	f.set(func(f *front) { f.away = true })
	f.cut()
	apply(t, c, parse(t, ns, watched(ns, "a", "1")))
	// Much longer than the patience before the first list.
	select {
	case err := <-r.done:
		t.Fatalf("watch ended: %v", err)
	case <-time.After(time.Second):
	}
	f.set(func(f *front) { f.away = false })
	r.want(t, "synced", "+a=1")
}

// An expired continue token starts the list again.
func TestListWhoseTokenExpires(t *testing.T) {
	t.Parallel()
	c, ns := kubetest.Client(t), kubetest.Namespace(t)
	fill(t, c, ns, 600)
	tokens := 0
	c = through(t, func(w http.ResponseWriter, r *http.Request) bool {
		if !r.URL.Query().Has("continue") {
			return false
		}
		tokens++
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusGone)
		fmt.Fprint(w, expired)
		return true
	})
	list, err := c.ListLive(t.Context(), configMaps, ns, "")
	if err != nil || len(list) != 601 || tokens != 1 {
		t.Fatalf("%d objects after %d expired tokens, %v", len(list), tokens, err)
	}
}
