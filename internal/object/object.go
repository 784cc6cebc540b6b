// Package object holds Kubernetes objects as data: identity, YAML reading and
// writing, the normal form that is hashed and applied, and masking. It knows
// no cluster.
package object

import (
	"fmt"
	"maps"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Object is one Kubernetes object as data.
type Object struct {
	// Fields is the JSON shape of the object: map[string]any, []any, string,
	// bool, nil, int64, json.Number (numbers that are not an int64, with their
	// text) and, for objects read from a cluster, float64.
	Fields map[string]any
	// Source says where the object was read from; zero for live objects.
	Source Source
	// Stable is the hash of the object with placeholders for random values
	// that this render made; "" when there are none. It stands for the
	// content where two renders must agree (the hash of a plan).
	Stable string
	// Hidden says that no value of the object may be shown, as with a Secret:
	// it stands in a file that was decrypted whole.
	Hidden bool
}

// Source is a place in a file of the repository. For a template, File is the
// template and Line is the line of the rendered text.
type Source struct {
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"` // 1-based; 0 when unknown
}

// String is "file:line", "file", or "" for the zero Source.
func (s Source) String() string {
	if s.Line == 0 {
		return s.File
	}
	return fmt.Sprintf("%s:%d", s.File, s.Line)
}

// Ref is the identity of an object in a cluster. It has no version: the same
// object can be read in several.
type Ref struct {
	Group     string `json:"group,omitempty"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"` // empty for cluster-scoped objects
	Name      string `json:"name"`
}

// String is how people are shown the object: "Deployment shop/web",
// "ClusterRole view", "Certificate.cert-manager.io shop/web" for groups that
// are not built in.
func (r Ref) String() string {
	kind := r.Kind
	if r.Group != "" && !builtinGroup(r.Group) {
		kind += "." + r.Group
	}
	if r.Namespace == "" {
		return kind + " " + r.Name
	}
	return kind + " " + r.Namespace + "/" + r.Name
}

// GroupKind is the type part of the identity.
func (r Ref) GroupKind() schema.GroupKind {
	return schema.GroupKind{Group: r.Group, Kind: r.Kind}
}

// Compare orders by group, kind, namespace and name.
func (r Ref) Compare(o Ref) int {
	return compareStrings(r.Group, o.Group, r.Kind, o.Kind, r.Namespace, o.Namespace, r.Name, o.Name)
}

// Ref is the identity of o.
func (o *Object) Ref() Ref {
	gvk := o.GVK()
	return Ref{Group: gvk.Group, Kind: gvk.Kind, Namespace: o.Namespace(), Name: o.Name()}
}

// GVK is the type of o as written in it.
func (o *Object) GVK() schema.GroupVersionKind {
	return schema.FromAPIVersionAndKind(o.text("apiVersion"), o.text("kind"))
}

// Name is metadata.name.
func (o *Object) Name() string { return o.metaText("name") }

// Namespace is metadata.namespace; empty when not set.
func (o *Object) Namespace() string { return o.metaText("namespace") }

// UID is metadata.uid; empty for objects that were not read from a cluster.
func (o *Object) UID() string { return o.metaText("uid") }

// ResourceVersion is metadata.resourceVersion.
func (o *Object) ResourceVersion() string { return o.metaText("resourceVersion") }

// Meta is the metadata map of o, or nil.
func (o *Object) Meta() map[string]any {
	m, _ := o.Fields["metadata"].(map[string]any)
	return m
}

// Annotation is the value of one annotation, or "".
func (o *Object) Annotation(key string) string { return o.metaEntry("annotations", key) }

// Label is the value of one label, or "".
func (o *Object) Label(key string) string { return o.metaEntry("labels", key) }

// SetAnnotation writes one annotation into o.
func (o *Object) SetAnnotation(key, value string) { o.setMetaEntry("annotations", key, value) }

// SetLabel writes one label into o.
func (o *Object) SetLabel(key, value string) { o.setMetaEntry("labels", key, value) }

// SetNamespace writes metadata.namespace; an empty one removes it.
func (o *Object) SetNamespace(ns string) {
	meta := o.ensureMeta()
	if ns == "" {
		delete(meta, "namespace")
		return
	}
	meta["namespace"] = ns
}

// Copy is a deep copy of o.
func (o *Object) Copy() *Object {
	return &Object{Fields: runtime.DeepCopyJSON(o.Fields), Source: o.Source, Stable: o.Stable, Hidden: o.Hidden}
}

func (o *Object) text(key string) string {
	s, _ := o.Fields[key].(string)
	return s
}

func (o *Object) metaText(key string) string {
	s, _ := o.Meta()[key].(string)
	return s
}

func (o *Object) metaEntry(block, key string) string {
	m, _ := o.Meta()[block].(map[string]any)
	s, _ := m[key].(string)
	return s
}

func (o *Object) setMetaEntry(block, key, value string) {
	meta := o.ensureMeta()
	m, _ := meta[block].(map[string]any)
	if m == nil {
		m = map[string]any{}
	} else {
		m = maps.Clone(m)
	}
	m[key] = value
	meta[block] = m
}

func (o *Object) ensureMeta() map[string]any {
	m := o.Meta()
	if m == nil {
		m = map[string]any{}
		o.Fields["metadata"] = m
	}
	return m
}
