package kube_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/kube"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
)

// recorder keeps what a watch tells, as "+name=value", "-name" and "synced".
type recorder struct {
	mu    sync.Mutex
	lines []string
	done  chan error
}

// record watches the ConfigMaps of a namespace that have the label w.
func record(t testing.TB, c *kube.Client, namespace string) *recorder {
	t.Helper()
	r := &recorder{done: make(chan error, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	go func() { r.done <- c.Watch(ctx, configMaps, namespace, "w", r.take) }()
	return r
}

func (r *recorder) take(change object.Change) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case change.Synced:
		r.lines = append(r.lines, "synced")
	case change.Deleted:
		r.lines = append(r.lines, "-"+change.Object.Name())
	default:
		data, _ := change.Object.Fields["data"].(map[string]any)
		r.lines = append(r.lines, fmt.Sprintf("+%s=%v", change.Object.Name(), data["k"]))
	}
	return true
}

func (r *recorder) seen() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.lines)
}

func (r *recorder) want(t testing.TB, lines ...string) {
	t.Helper()
	deadline := time.Now().Add(waitLong)
	for !slices.Equal(r.seen(), lines) && time.Now().Before(deadline) && len(r.seen()) <= len(lines) {
		select {
		case err := <-r.done:
			t.Fatalf("watch ended: %v after %q", err, r.seen())
		case <-time.After(5 * time.Millisecond):
		}
	}
	if got := r.seen(); !slices.Equal(got, lines) {
		t.Fatalf("watch told %q, want %q", got, lines)
	}
}

func watched(namespace, name, value string) string {
	return fmt.Sprintf(`{apiVersion: v1, kind: ConfigMap, metadata: {name: %s, namespace: %s, labels: {w: "1"}}, data: {k: "%s"}}`, name, namespace, value)
}

func TestWatchTellsWhatHappens(t *testing.T) {
	t.Parallel()
	c, ns := kubetest.Client(t), kubetest.Namespace(t)
	apply(t, c, parse(t, ns, watched(ns, "a", "1")))
	r := record(t, c, ns)
	r.want(t, "+a=1", "synced")
	apply(t, c, parse(t, ns, watched(ns, "b", "1")))
	apply(t, c, parse(t, ns, watched(ns, "a", "2")))
	if err := c.Delete(t.Context(), configMaps, ns, "a", object.Write{}); err != nil {
		t.Fatal(err)
	}
	r.want(t, "+a=1", "synced", "+b=1", "+a=2", "-a")
}

func TestWatchEnds(t *testing.T) {
	t.Parallel()
	c, ns := kubetest.Client(t), kubetest.Namespace(t)
	err := c.Watch(t.Context(), configMaps, ns, "", func(change object.Change) bool { return !change.Synced })
	if err != nil {
		t.Errorf("the handler had enough: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = c.Watch(ctx, configMaps, ns, "", func(change object.Change) bool {
		if change.Synced {
			cancel()
		}
		return true
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the context ended: %v", err)
	}
	missing := schema.GroupVersionKind{Group: "none.test", Version: "v1", Kind: "Thing"}
	err = c.Watch(t.Context(), missing, ns, "", func(object.Change) bool { return true })
	wantFault(t, err, fault.Gone, "Thing")
	u := kubetest.User(t, ns, kubetest.Rule("list", "", "configmaps"))
	err = u.Client.Watch(t.Context(), configMaps, ns, "", func(object.Change) bool { return true })
	wantFault(t, err, fault.Denied, "may not watch configmaps")
}

// The kind goes while it is watched.
func TestWatchOfKindThatGoes(t *testing.T) {
	t.Parallel()
	c, ns := kubetest.Client(t), kubetest.Namespace(t)
	crd, gvk := applyCRD(t, c)
	established(t, c, crd)
	apply(t, c, parse(t, ns, fmt.Sprintf(`{apiVersion: %s/v1, kind: Thing, metadata: {name: one}}`, gvk.Group)))
	err := c.Watch(t.Context(), gvk, ns, "", func(change object.Change) bool {
		if change.Synced {
			if err := c.Delete(t.Context(), crd.GVK(), "", crd.Name(), object.Write{}); err != nil {
				t.Error(err)
			}
		}
		return true
	})
	wantFault(t, err, fault.Gone, "Thing")
}
