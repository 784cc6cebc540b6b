package kube_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
)

func TestLogs(t *testing.T) {
	t.Parallel()
	c, ns := kubetest.Client(t), kubetest.Namespace(t)
	apply(t, c, parse(t, ns, `{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: a, image: "registry.test/a:1"}, {name: b, image: "registry.test/b:1"}]}}`))
	running := func() bool {
		p, err := c.Get(t.Context(), pods, ns, "p")
		if err != nil {
			t.Fatal(err)
		}
		status, _ := p.Fields["status"].(map[string]any)
		return status["phase"] == "Running"
	}
	kubetest.Eventually(t, waitLong, "pod runs", running)
	read := func(container string, o object.LogOptions) string {
		t.Helper()
		log, err := c.Logs(t.Context(), ns, "p", container, o)
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		text, err := io.ReadAll(log)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	all := read("a", object.LogOptions{})
	if strings.Count(all, "\n") < 2 {
		t.Skipf("this cluster's pods write no logs: %q", all)
	}
	if last := read("b", object.LogOptions{Tail: 1}); strings.Count(last, "\n") != 1 || !strings.HasSuffix(all, last) {
		t.Errorf("last line %q of %q", last, all)
	}
	_, err := c.Logs(t.Context(), ns, "p", "", object.LogOptions{})
	wantFault(t, err, fault.Invalid, "log of Pod "+ns+"/p", "a b")
	_, err = c.Logs(t.Context(), ns, "none", "", object.LogOptions{})
	wantFault(t, err, fault.NotFound, "Pod "+ns+"/none")

	// A followed log stays open until it is closed.
	log, err := c.Logs(t.Context(), ns, "p", "a", object.LogOptions{Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 1)
	if _, err := io.ReadFull(log, first); err != nil {
		t.Errorf("followed log: %v", err)
	}
	if err := log.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

// The lab has no kubelet that refuses; these are the answers of a real one.
func TestLogsThatAreNotThere(t *testing.T) {
	t.Parallel()
	ns := kubetest.Namespace(t)
	for _, text := range []string{
		`container \"a\" in pod \"p\" is waiting to start: trying and failing to pull image`,
		`previous terminated container \"a\" in pod \"p\" not found`,
	} {
		c := through(t, func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, "/log") {
				return false
			}
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"%s","reason":"BadRequest","code":400}`, text)
			return true
		})
		_, err := c.Logs(t.Context(), ns, "p", "a", object.LogOptions{Previous: true})
		wantFault(t, err, fault.NotReady, "log of Pod "+ns+"/p container a", strings.ReplaceAll(text, `\`, ""))
	}
}

// A pod that no node has yet has an empty log.
func TestLogsOfUnscheduledPod(t *testing.T) {
	t.Parallel()
	c, ns := kubetest.Client(t), kubetest.Namespace(t)
	apply(t, c, parse(t, ns, `{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {nodeSelector: {no: such}, containers: [{name: a, image: "registry.test/a:1"}]}}`))
	log, err := c.Logs(t.Context(), ns, "p", "a", object.LogOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if text, err := io.ReadAll(log); err != nil || len(text) != 0 {
		t.Errorf("log %q, %v", text, err)
	}
}
