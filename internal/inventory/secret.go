package inventory

import (
	"encoding/base64"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// Marks of the Secrets and Leases of records. They differ from
// object.LabelApp on purpose: a record is not an object that its app owns.
const (
	// SecretType is the type of every Secret of a record.
	SecretType = "tug.dev/record"
	// LabelRecord is "head" or "chunk": heads of a namespace are found by it.
	LabelRecord = "tug.dev/record"
	// LabelRecordApp is the object.AppHash of the app a chunk belongs to.
	LabelRecordApp = "tug.dev/record-of"
	// AnnotationConsent on a head is consent to the plan with that hash
	// (cluster-semantics.md 7.1).
	AnnotationConsent = "tug.dev/consent"
	// AnnotationSuspend on a head asks the agent to let go of the app at once;
	// it stands there until the record says so.
	AnnotationSuspend = "tug.dev/suspend"
	// AnnotationReconcile on a head asks the agent to look at the app now; any
	// new value is a new request.
	AnnotationReconcile = "tug.dev/reconcile"

	annotationEpoch = "tug.dev/epoch"
	labelManagedBy  = "app.kubernetes.io/managed-by"
	roleHead        = "head"
	roleChunk       = "chunk"
	dataKey         = "record"
)

// SecretGVK is the type of the Secrets of a record, LeaseGVK of its lock.
func SecretGVK() schema.GroupVersionKind {
	return schema.GroupVersionKind{Version: "v1", Kind: "Secret"}
}

// LeaseGVK is the type of the lock of an app.
func LeaseGVK() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: "coordination.k8s.io", Version: "v1", Kind: "Lease"}
}

// HeadSelector selects the heads of records among Secrets.
const HeadSelector = LabelRecord + "=" + roleHead

const headPrefix = "tug."

// HeadName is the name of the head Secret and of the Lease of an app.
func HeadName(app string) string { return headPrefix + app }

// AppOf is the app that a head Secret of that name belongs to.
func AppOf(name string) string { return strings.TrimPrefix(name, headPrefix) }

func chunkName(app string, content []byte) string { return HeadName(app) + "." + chunkSum(content) }

// newSecret is a Secret of the record of an app.
func newSecret(namespace, app, name, role string, content []byte) *object.Object {
	return &object.Object{Fields: map[string]any{
		"apiVersion": "v1",
		"kind":       "Secret",
		"type":       SecretType,
		"metadata": map[string]any{
			"namespace": namespace,
			"name":      name,
			"labels": map[string]any{
				labelManagedBy: object.Manager,
				LabelRecord:    role,
				LabelRecordApp: object.AppHash(object.AppKey(namespace, app)),
			},
			"annotations": map[string]any{object.AnnotationOwner: object.AppKey(namespace, app)},
		},
		"data": map[string]any{dataKey: base64.StdEncoding.EncodeToString(content)},
	}}
}

// newChunk is an immutable chunk written under an epoch.
func newChunk(namespace, app string, content []byte, epoch int64) *object.Object {
	o := newSecret(namespace, app, chunkName(app, content), roleChunk, content)
	o.Fields["immutable"] = true
	o.SetAnnotation(annotationEpoch, strconv.FormatInt(epoch, 10))
	return o
}

// newHead is the head Secret for encoded content. Annotations that others put
// on the Secret are kept.
func newHead(h Head, content []byte) *object.Object {
	o := newSecret(h.Namespace, h.App, HeadName(h.App), roleHead, content)
	for k, v := range h.Annotations {
		if k != object.AnnotationOwner {
			o.SetAnnotation(k, v)
		}
	}
	if h.ResourceVersion != "" {
		o.Meta()["resourceVersion"] = h.ResourceVersion
	}
	return o
}

// content is what a Secret of a record holds.
func content(o *object.Object) ([]byte, error) {
	if t, _ := o.Fields["type"].(string); t != SecretType {
		return nil, fault.New(fault.Conflict, "%s has type %q, not %s", o.Ref(), t, SecretType).
			Hint("another tool owns this Secret; choose another app name")
	}
	data, _ := o.Fields["data"].(map[string]any)
	text, _ := data[dataKey].(string)
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%s: decode: %w", o.Ref(), err)
	}
	return raw, nil
}

// annotations is a copy of the annotations of o.
func annotations(o *object.Object) map[string]string {
	m, _ := o.Meta()["annotations"].(map[string]any)
	out := make(map[string]string, len(m))
	for k, v := range m {
		if s, ok := v.(string); ok {
			out[k] = s
		}
	}
	return out
}

// epochOf is the epoch a chunk was written under; 0 when it does not say.
func epochOf(annotations map[string]string) int64 {
	n, err := strconv.ParseInt(annotations[annotationEpoch], 10, 64)
	if err != nil {
		return 0
	}
	return n
}
