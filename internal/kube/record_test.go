package kube_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/kube"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
)

func TestWriteEvent(t *testing.T) {
	t.Parallel()
	ns, c := kubetest.Namespace(t), kubetest.Client(t)
	kubetest.As(t, "tug").Create("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: " + ns + "}\n")
	live, err := c.GetLive(t.Context(), schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}, ns, "web")
	if err != nil {
		t.Fatal(err)
	}
	h := kube.Happening{About: object.Ref{Kind: "ConfigMap", Namespace: ns, Name: "web"}, Name: "tug.shop.1", Warning: true, Reason: "DriftHealed", Message: "web changed by kubectl-edit, and put back"}
	for range 2 {
		if err := c.WriteEvent(t.Context(), h); err != nil {
			t.Fatal(err)
		}
	}
	told, err := c.Events(t.Context(), ns, string(live.UID))
	if err != nil || len(told) != 1 || told[0] != "DriftHealed: web changed by kubectl-edit, and put back" {
		t.Errorf("%q, %v", told, err)
	}
	gone := h
	gone.About.Name, gone.Name = "was-there", "tug.shop.2"
	if err := c.WriteEvent(t.Context(), gone); err != nil {
		t.Errorf("about an object that is gone: %v", err)
	}
	strange := h
	strange.About, strange.Name = object.Ref{Group: "no.such.group", Kind: "Thing", Namespace: ns, Name: "x"}, "tug.shop.3"
	if err := c.WriteEvent(t.Context(), strange); err != nil && !strings.Contains(err.Error(), "Thing") {
		t.Errorf("about a kind that is not served: %v", err)
	}
}
