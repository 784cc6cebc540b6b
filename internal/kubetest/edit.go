package kubetest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"

	"github.com/tugops/tug/internal/kube"
	"github.com/tugops/tug/internal/object"
)

// Editor writes objects as another field manager: a person, a controller or
// another deployment tool. Every method fails the test on an error.
type Editor struct {
	t         testing.TB
	manager   string
	namespace string
	kinds     *kube.Client
	api       dynamic.Interface
}

// As is an editor with the manager's name ("kubectl-edit", "helm", ...).
func As(t testing.TB, manager string) *Editor {
	t.Helper()
	return &Editor{t: t, manager: manager, kinds: Client(t), api: Dynamic(t)}
}

// In is e with a namespace for objects that name none.
func (e *Editor) In(namespace string) *Editor {
	in := *e
	in.namespace = namespace
	return &in
}

// Apply creates objects from YAML (one or more documents each) as the manager
// kubetest. Objects that name no namespace go into the given one.
func Apply(t testing.TB, namespace string, yamls ...string) []*object.Object {
	t.Helper()
	return As(t, "kubetest").In(namespace).Create(yamls...)
}

// Create posts new objects.
func (e *Editor) Create(yamls ...string) []*object.Object {
	e.t.Helper()
	return e.each(yamls, "create", func(r dynamic.ResourceInterface, u *unstructured.Unstructured) (*unstructured.Unstructured, error) {
		return r.Create(e.t.Context(), u, v1.CreateOptions{FieldManager: e.manager})
	})
}

// Update replaces objects, as kubectl replace and controllers do; without a
// resourceVersion they overwrite what is there.
func (e *Editor) Update(yamls ...string) []*object.Object {
	e.t.Helper()
	return e.each(yamls, "update", func(r dynamic.ResourceInterface, u *unstructured.Unstructured) (*unstructured.Unstructured, error) {
		if u.GetResourceVersion() == "" {
			live, err := r.Get(e.t.Context(), u.GetName(), v1.GetOptions{})
			if err != nil {
				return nil, err
			}
			u.SetResourceVersion(live.GetResourceVersion())
		}
		return r.Update(e.t.Context(), u, v1.UpdateOptions{FieldManager: e.manager})
	})
}

// Apply is a server-side apply with force.
func (e *Editor) Apply(yamls ...string) []*object.Object {
	e.t.Helper()
	return e.each(yamls, "apply", func(r dynamic.ResourceInterface, u *unstructured.Unstructured) (*unstructured.Unstructured, error) {
		return r.Apply(e.t.Context(), u.GetName(), u, v1.ApplyOptions{FieldManager: e.manager, Force: true})
	})
}

// Merge is a JSON merge patch, what kubectl edit, label and annotate send.
// subresource is "status" or "scale", or none.
func (e *Editor) Merge(ref object.Ref, patch string, subresource ...string) *object.Object {
	e.t.Helper()
	return e.patch(ref, types.MergePatchType, patch, subresource...)
}

// JSON is a JSON patch (RFC 6902).
func (e *Editor) JSON(ref object.Ref, patch string, subresource ...string) *object.Object {
	e.t.Helper()
	return e.patch(ref, types.JSONPatchType, patch, subresource...)
}

// Scale sets the replicas through the scale subresource, as kubectl scale and
// autoscalers do.
func (e *Editor) Scale(ref object.Ref, replicas int) *object.Object {
	e.t.Helper()
	return e.Merge(ref, fmt.Sprintf(`{"spec":{"replicas":%d}}`, replicas), "scale")
}

// Status merges into the status subresource, as a controller does.
func (e *Editor) Status(ref object.Ref, status string) *object.Object {
	e.t.Helper()
	return e.Merge(ref, `{"status":`+status+`}`, "status")
}

// Delete deletes in the background and does not wait.
func (e *Editor) Delete(ref object.Ref) {
	e.t.Helper()
	background := v1.DeletePropagationBackground
	err := e.resource(ref.GroupKind(), e.or(ref.Namespace)).Delete(e.t.Context(), ref.Name, v1.DeleteOptions{PropagationPolicy: &background})
	if err != nil {
		e.t.Fatalf("%s deletes %s: %v", e.manager, ref, err)
	}
}

// Get reads an object; nil when it does not exist.
func (e *Editor) Get(ref object.Ref) *object.Object {
	e.t.Helper()
	u, err := e.resource(ref.GroupKind(), e.or(ref.Namespace)).Get(e.t.Context(), ref.Name, v1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		e.t.Fatalf("get %s: %v", ref, err)
	}
	return &object.Object{Fields: u.Object}
}

func (e *Editor) patch(ref object.Ref, kind types.PatchType, patch string, subresource ...string) *object.Object {
	e.t.Helper()
	u, err := e.resource(ref.GroupKind(), e.or(ref.Namespace)).Patch(
		e.t.Context(), ref.Name, kind, []byte(patch), v1.PatchOptions{FieldManager: e.manager}, subresource...)
	if err != nil {
		e.t.Fatalf("%s patches %s: %v", e.manager, ref, err)
	}
	return &object.Object{Fields: u.Object}
}

// each runs one write for every document.
func (e *Editor) each(yamls []string, verb string, write func(dynamic.ResourceInterface, *unstructured.Unstructured) (*unstructured.Unstructured, error)) []*object.Object {
	e.t.Helper()
	var out []*object.Object
	for _, u := range Parse(e.t, yamls...) {
		gk := u.GroupVersionKind().GroupKind()
		namespaced, _, err := e.kinds.Scope(e.t.Context(), gk)
		if err != nil {
			e.t.Fatalf("scope of %s: %v", gk, err)
		}
		if namespaced && u.GetNamespace() == "" {
			u.SetNamespace(e.namespace)
		}
		stored, err := write(e.resource(gk, u.GetNamespace()), u)
		if err != nil {
			e.t.Fatalf("%s: %s %s %s/%s: %v", e.manager, verb, gk.Kind, u.GetNamespace(), u.GetName(), err)
		}
		out = append(out, &object.Object{Fields: stored.Object})
	}
	return out
}

func (e *Editor) or(namespace string) string {
	if namespace == "" {
		return e.namespace
	}
	return namespace
}

// resource is the client for a kind in a namespace; the namespace is ignored
// for cluster-scoped kinds.
func (e *Editor) resource(gk schema.GroupKind, namespace string) dynamic.ResourceInterface {
	e.t.Helper()
	gvr, err := e.kinds.Resource(e.t.Context(), gk)
	if err != nil {
		e.t.Fatalf("resource of %s: %v", gk, err)
	}
	if namespaced, _, _ := e.kinds.Scope(e.t.Context(), gk); !namespaced {
		return e.api.Resource(gvr)
	}
	return e.api.Resource(gvr).Namespace(namespace)
}

// Parse reads YAML documents, split at lines of three dashes.
func Parse(t testing.TB, yamls ...string) []*unstructured.Unstructured {
	t.Helper()
	var out []*unstructured.Unstructured
	for _, text := range yamls {
		for _, doc := range strings.Split("\n"+text, "\n---") {
			if strings.TrimSpace(doc) == "" {
				continue
			}
			raw, err := yaml.YAMLToJSON([]byte(doc))
			if err != nil {
				t.Fatalf("parse YAML: %v\n%s", err, doc)
			}
			u := &unstructured.Unstructured{}
			if err := u.UnmarshalJSON(raw); err != nil {
				t.Fatalf("parse YAML: %v\n%s", err, doc)
			}
			out = append(out, u)
		}
	}
	return out
}

// Objects reads YAML documents as tug's objects.
func Objects(t testing.TB, yamls ...string) []*object.Object {
	t.Helper()
	var out []*object.Object
	for _, u := range Parse(t, yamls...) {
		out = append(out, &object.Object{Fields: u.Object})
	}
	return out
}

// Drop deletes an object if it is there. It works in cleanups, where the
// context of the test is over, and never fails the test.
func (e *Editor) Drop(ref object.Ref) {
	e.t.Helper()
	gvr, err := e.kinds.Resource(context.Background(), ref.GroupKind())
	if err != nil {
		return
	}
	var r dynamic.ResourceInterface = e.api.Resource(gvr)
	if ref.Namespace != "" {
		r = e.api.Resource(gvr).Namespace(ref.Namespace)
	}
	_ = r.Delete(context.Background(), ref.Name, v1.DeleteOptions{})
}

// Unhold removes all finalizers of an object, so that a namespace that a test
// held open can go. It works in cleanups.
func (e *Editor) Unhold(ref object.Ref) {
	e.t.Helper()
	gvr, err := e.kinds.Resource(context.Background(), ref.GroupKind())
	if err != nil {
		return
	}
	patch := []byte(`{"metadata":{"finalizers":null}}`)
	_, _ = e.api.Resource(gvr).Namespace(ref.Namespace).Patch(context.Background(), ref.Name, types.MergePatchType, patch, v1.PatchOptions{FieldManager: e.manager})
}
