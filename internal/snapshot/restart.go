package snapshot

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/tugops/tug/internal/object"
)

// guesses makes trying out values of a Secret against the published hash of a
// configuration dear: a millisecond or two each. Every Secret that a workload
// refers to costs as much in every render.
const guesses = 4_000

// hashConfig puts a hash of the ConfigMaps and Secrets of the set that a pod
// template refers to into that template, so that a changed configuration rolls
// out. Jobs cannot be changed, and a CronJob's next one starts with what is
// there, so both are left alone. References to what is not in the set are no
// concern of it.
//
// The hash of a Secret is derived slowly and masked like the Secret itself.
func hashConfig(s *Snapshot, objects []*object.Object) error {
	h := hasher{s: s, config: map[object.Ref]*object.Object{}, sums: map[object.Ref][]byte{}}
	for _, o := range objects {
		if ref := o.Ref(); ref.Group == "" && (ref.Kind == "ConfigMap" || ref.Kind == "Secret") {
			h.config[h.place(ref)] = o
		}
	}
	for _, o := range objects {
		if template := podTemplate(o); template != nil {
			if err := h.mark(o, template); err != nil {
				return fmt.Errorf("%s: restartOn: %w", o.Ref(), err)
			}
		}
	}
	return nil
}

// podTemplate is the pod template of a workload that rolls out, or nil.
func podTemplate(o *object.Object) map[string]any {
	gvk := o.GVK()
	if gvk.Group != "apps" {
		return nil
	}
	switch gvk.Kind {
	case "Deployment", "StatefulSet", "DaemonSet":
		spec, _ := o.Fields["spec"].(map[string]any)
		template, _ := spec["template"].(map[string]any)
		return template
	}
	return nil
}

// hasher hashes the configuration of one snapshot.
type hasher struct {
	s      *Snapshot
	config map[object.Ref]*object.Object
	sums   map[object.Ref][]byte
}

// place gives a ref the namespace that it has in a cluster.
func (h *hasher) place(ref object.Ref) object.Ref {
	if ref.Namespace == "" {
		ref.Namespace = h.s.Namespace
	}
	return ref
}

// mark writes the hash into the template of o.
func (h *hasher) mark(o *object.Object, template map[string]any) error {
	refs := map[object.Ref]bool{}
	spec, _ := template["spec"].(map[string]any)
	podReferences(spec, func(kind, name string) {
		ref := h.place(object.Ref{Kind: kind, Namespace: o.Namespace(), Name: name})
		if h.config[ref] != nil {
			refs[ref] = true
		}
	})
	if len(refs) == 0 {
		return nil
	}
	sum := hmac.New(sha256.New, []byte(object.AppKey(h.s.Namespace, h.s.App)))
	closed := false
	for _, ref := range slices.SortedFunc(maps.Keys(refs), object.Ref.Compare) {
		one, err := h.sum(ref)
		if err != nil {
			return err
		}
		fmt.Fprintf(sum, "%s %x\n", ref, one)
		closed = closed || h.closed(h.config[ref])
	}
	text := hex.EncodeToString(sum.Sum(nil)[:16])
	if closed && h.s.Sensitive != nil {
		h.s.Sensitive.Value(text)
	}
	(&object.Object{Fields: template}).SetAnnotation(object.AnnotationConfigHash, text)
	return nil
}

// closed reports whether a hash of o could give away what is secret.
func (h *hasher) closed(o *object.Object) bool {
	return o.Closed() || h.s.Sensitive.RevealsIn(o.Fields)
}

// sum is the hash of the data of one object.
func (h *hasher) sum(ref object.Ref) ([]byte, error) {
	if sum, ok := h.sums[ref]; ok {
		return sum, nil
	}
	o := h.config[ref]
	data, err := json.Marshal(content(o))
	if err != nil {
		return nil, err
	}
	plain := sha256.Sum256(data)
	sum := plain[:]
	if h.closed(o) {
		salt := sha256.Sum256([]byte(object.AppKey(h.s.Namespace, h.s.App) + " " + ref.String()))
		if sum, err = pbkdf2.Key(sha256.New, string(sum), salt[:], guesses, sha256.Size); err != nil {
			return nil, err
		}
	}
	h.sums[ref] = sum
	return sum, nil
}

// content is the data of a ConfigMap or Secret, in whichever form it is
// written.
func content(o *object.Object) map[string]any {
	data := map[string]any{}
	for _, block := range []string{"data", "binaryData"} {
		if m, ok := o.Fields[block].(map[string]any); ok {
			maps.Copy(data, m)
		}
	}
	if m, ok := o.Fields["stringData"].(map[string]any); ok {
		for key, v := range m {
			if text, ok := v.(string); ok {
				v = base64.StdEncoding.EncodeToString([]byte(text))
			}
			data[key] = v
		}
	}
	return data
}

// podReferences visits the ConfigMaps and Secrets that containers of a pod get
// values or files from.
func podReferences(spec map[string]any, visit func(kind, name string)) {
	name := func(holder map[string]any, block, field, kind string) {
		if m, ok := holder[block].(map[string]any); ok {
			if text, ok := m[field].(string); ok && text != "" {
				visit(kind, text)
			}
		}
	}
	for _, list := range []string{"containers", "initContainers", "ephemeralContainers"} {
		for c := range items(spec[list]) {
			for e := range items(c["env"]) {
				from, _ := e["valueFrom"].(map[string]any)
				name(from, "configMapKeyRef", "name", "ConfigMap")
				name(from, "secretKeyRef", "name", "Secret")
			}
			for e := range items(c["envFrom"]) {
				name(e, "configMapRef", "name", "ConfigMap")
				name(e, "secretRef", "name", "Secret")
			}
		}
	}
	for v := range items(spec["volumes"]) {
		name(v, "configMap", "name", "ConfigMap")
		name(v, "secret", "secretName", "Secret")
		projected, _ := v["projected"].(map[string]any)
		for p := range items(projected["sources"]) {
			name(p, "configMap", "name", "ConfigMap")
			name(p, "secret", "name", "Secret")
		}
	}
}

// items are the maps in a list.
func items(v any) iter.Seq[map[string]any] {
	list, _ := v.([]any)
	return func(yield func(map[string]any) bool) {
		for _, item := range list {
			if m, ok := item.(map[string]any); ok && !yield(m) {
				return
			}
		}
	}
}
