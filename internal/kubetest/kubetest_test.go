package kubetest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
)

// witness is a test that records how it ended.
type witness struct {
	testing.TB
	end string
}

func (w *witness) Helper() {}

func (w *witness) Fatalf(format string, args ...any) { w.stop("fatal: "+format, args...) }
func (w *witness) Skipf(format string, args ...any)  { w.stop("skip: "+format, args...) }

func (w *witness) stop(format string, args ...any) {
	w.end = fmt.Sprintf(format, args...)
	panic(w)
}

func outcome(t *testing.T, run func(testing.TB)) string {
	t.Helper()
	w := &witness{TB: t}
	func() {
		defer func() {
			if r := recover(); r != nil && r != any(w) {
				panic(r)
			}
		}()
		run(w)
	}()
	return w.end
}

// No cluster skips a test, except in CI.
func TestWithoutCluster(t *testing.T) {
	t.Setenv("TUG_LAB_KUBECONFIG", "")
	t.Setenv("CI", "")
	config := func(t testing.TB) { kubetest.Config(t) }
	if got := outcome(t, config); !strings.HasPrefix(got, "skip: ") || !strings.Contains(got, "make lab") {
		t.Errorf("outside of CI: %q", got)
	}
	t.Setenv("CI", "true")
	if got := outcome(t, config); !strings.HasPrefix(got, "fatal: ") {
		t.Errorf("in CI: %q", got)
	}
}

func TestEventually(t *testing.T) {
	t.Parallel()
	n := 0
	kubetest.Eventually(t, time.Minute, "three calls", func() bool { n++; return n == 3 })
	got := outcome(t, func(t testing.TB) {
		kubetest.Eventually(t, time.Millisecond, "the impossible", func() bool { return false })
	})
	if got != "fatal: the impossible: not within 1ms" {
		t.Errorf("timeout: %q", got)
	}
}

func TestNamesAreNewAndValid(t *testing.T) {
	t.Parallel()
	t.Run("with/a very long, odd name: ÄÖÜ and much more of it to be cut off somewhere", func(t *testing.T) {
		t.Parallel()
		a, b := kubetest.Name(t), kubetest.Name(t)
		if a == b || len(a) > 50 || len(validation.IsDNS1123Label(a)) > 0 {
			t.Errorf("names %q and %q", a, b)
		}
	})
}

// Every kind of edit leaves the trace that the real tool leaves.
func TestEditsLeaveTheirTrace(t *testing.T) {
	t.Parallel()
	ns := kubetest.Namespace(t)
	o := kubetest.Apply(t, ns, `{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {replicas: 0, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}}}`)[0]
	ref := o.Ref()
	kubetest.As(t, "kubectl").Scale(ref, 1)
	kubetest.As(t, "kubectl-edit").Merge(ref, `{"spec":{"minReadySeconds":1}}`)
	kubetest.As(t, "patcher").JSON(ref, `[{"op":"add","path":"/metadata/labels","value":{"x":"y"}}]`)
	kubetest.As(t, "helm").In(ns).Apply(`{apiVersion: apps/v1, kind: Deployment, metadata: {name: d, annotations: {a: b}}}`)
	live := kubetest.As(t, "reader").Get(ref)
	entries, _ := live.Meta()["managedFields"].([]any)
	traces := map[string]bool{}
	for _, item := range entries {
		m, _ := item.(map[string]any)
		sub, _ := m["subresource"].(string)
		traces[fmt.Sprintf("%s/%s/%s", m["manager"], m["operation"], sub)] = true
	}
	for _, want := range []string{"kubetest/Update/", "kubectl/Update/scale", "kubectl-edit/Update/", "patcher/Update/", "helm/Apply/"} {
		if !traces[want] {
			t.Errorf("no entry %s in %v", want, traces)
		}
	}
	kubetest.As(t, "kubectl").Delete(ref)
	kubetest.Eventually(t, time.Minute, "deleted", func() bool { return kubetest.As(t, "reader").Get(ref) == nil })
	if got := kubetest.As(t, "reader").Get(object.Ref{Kind: "ConfigMap", Namespace: ns, Name: "none"}); got != nil {
		t.Errorf("object that does not exist: %v", got)
	}
}
