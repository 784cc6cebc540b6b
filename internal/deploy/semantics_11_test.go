package deploy_test

import (
	"strings"
	"testing"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/kubetest"
	"github.com/tugops/tug/internal/object"
)

// owns reports whether a manager's entry has a field ("f:spec" > "f:replicas").
func (l *lab) owns(ref object.Ref, manager, subresource string, keys ...string) bool {
	l.t.Helper()
	live, err := object.LiveOf(l.person().Get(ref))
	if err != nil {
		l.t.Fatal(err)
	}
	for _, m := range live.Managers {
		if m.Manager == manager && m.Subresource == subresource && strings.Contains(string(m.FieldsV1), `"`+keys[len(keys)-1]+`"`) {
			return true
		}
	}
	return false
}

func TestSemantics_11_ScaleSetImageAndRemovedLabels(t *testing.T) {
	l := newLab(t)
	s := l.snap("shop", deployment("web", "registry.example/web:1", 1))
	l.deploy(s)
	ref := l.ref("Deployment.apps", "web")
	kubetest.As(t, "kubectl").Scale(ref, 2)
	if l.owns(ref, object.Manager, "", "f:replicas") || !l.owns(ref, "kubectl", "scale", "f:replicas") {
		t.Error("kubectl scale does not take the field into an entry of the subresource")
	}
	kubetest.As(t, "kubectl-set").JSON(ref, `[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"x:1"}]`)
	if l.owns(ref, object.Manager, "", "f:image") || !l.owns(ref, "kubectl-set", "", "f:image") {
		t.Error("kubectl set image does not take the field")
	}
	kubetest.As(t, "kubectl-label").Merge(ref, `{"metadata":{"labels":{"tug.dev/app":null}}}`)
	if l.owns(ref, object.Manager, "", "f:tug.dev/app") || l.owns(ref, "kubectl-label", "", "f:tug.dev/app") {
		t.Error("a removed label is owned by somebody")
	}
	l.deploy(s)
	for _, f := range []string{"f:replicas", "f:image", "f:tug.dev/app"} {
		if !l.owns(ref, object.Manager, "", f) {
			t.Errorf("%s did not come back", f)
		}
	}
	if l.owns(ref, "kubectl-set", "", "f:image") || l.owns(ref, "kubectl", "scale", "f:replicas") {
		t.Error("the other entries did not shrink")
	}
}

func TestSemantics_11_WritingTheSameValueChangesNoEntry(t *testing.T) {
	l := newLab(t)
	s := l.snap("shop", configMap("a", "color", "blue"))
	l.deploy(s)
	ref := l.ref("ConfigMap", "a")
	before := l.entry(ref)
	l.person().Merge(ref, `{"data":{"color":"blue"}}`)
	if l.entry(ref) != before || l.owns(ref, "kubectl-edit", "", "f:color") {
		t.Error("writing the same value changed ownership")
	}
	if out := l.deploy(s); !out.Unchanged {
		t.Errorf("outcome: %+v", out)
	}
}

func TestSemantics_11_TheUIDOfADeletedObjectIsAConflict(t *testing.T) {
	l := newLab(t)
	l.deploy(l.snap("shop", configMap("a")))
	o := l.get("ConfigMap", "a")
	l.person().Delete(l.ref("ConfigMap", "a"))
	want := kubetest.Objects(t, configMap("a"))[0]
	want.SetNamespace(l.ns)
	_, err := l.spy.Cluster.Apply(t.Context(), want, object.Write{UID: o.UID()})
	if !fault.Is(err, fault.Conflict) {
		t.Errorf("got %v (%s), want a conflict", err, fault.KindOf(err))
	}
	if l.get("ConfigMap", "a") != nil {
		t.Error("the object was made again")
	}
}
