package plan_test

import (
	"strings"
	"testing"

	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/plan"
)

const autoscaler = `
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  maxReplicas: 9
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
`

// Statement 3.5: what an autoscaler wrote through the scale subresource stays.
func TestServerAutoscalerStays(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.deploy(web)
	kubetest.As(t, "kube-controller-manager").In(s.namespace).Scale(s.ref("Deployment", "web"), 7)
	s.quiet(web)

	next := strings.Replace(web, "web:1", "web:2", 1)
	ch := s.one(s.deploy(next), plan.Update)
	if len(ch.Fields) != 1 || at(ch.Desired, "spec", "replicas") != nil {
		t.Errorf("fields %+v, replicas sent %v", ch.Fields, at(ch.Desired, "spec", "replicas"))
	}
	if got := at(s.get("Deployment", "web"), "spec", "replicas"); got != int64(7) {
		t.Errorf("replicas = %v, want 7", got)
	}
	// The record now knows an entry without replicas: metadata is enough.
	if in := s.input(next); len(in.Compared) > 0 && in.Live[s.ref("Deployment", "web")].Generation == s.item("Deployment", "web").Generation {
		t.Errorf("unclear: %v", in.Compared)
	}
	s.quiet(next)
}

// Statement 4.4: replicas that only we own are sent until the autoscaler has
// taken them; leaving them out would reset them to 1.
func TestServerReplicasAreGivenUpLate(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.deploy(strings.Replace(web, "replicas: 2", "replicas: 4", 1))
	next := strings.Replace(web, "  replicas: 2\n", "", 1) + autoscaler
	p := s.deploy(next)
	if n := p.Counts(); n[plan.Create] != 1 || n[plan.Reown] != 1 || len(p.Changes) != 2 {
		t.Fatalf("changes = %+v", p.Changes)
	}
	if got := at(s.get("Deployment", "web"), "spec", "replicas"); got != int64(4) {
		t.Errorf("replicas = %v, want 4", got)
	}
	s.quiet(next)

	kubetest.As(t, "kube-controller-manager").In(s.namespace).Scale(s.ref("Deployment", "web"), 6)
	s.quiet(next)
	next = strings.Replace(next, "web:1", "web:2", 1)
	ch := s.one(s.deploy(next), plan.Update)
	if at(ch.Desired, "spec", "replicas") != nil {
		t.Error("replicas are sent although the autoscaler owns them")
	}
	if got := at(s.get("Deployment", "web"), "spec", "replicas"); got != int64(6) {
		t.Errorf("replicas = %v, want 6", got)
	}
}

// Without an autoscaler, removing replicas means the default.
func TestServerReplicasRemoved(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.deploy(web)
	ch := s.one(s.deploy(strings.Replace(web, "  replicas: 2\n", "", 1)), plan.Update)
	if len(ch.Fields) != 1 || ch.Fields[0].Path != "spec.replicas" || ch.Fields[0].To != int64(1) {
		t.Errorf("fields = %+v", ch.Fields)
	}
}
