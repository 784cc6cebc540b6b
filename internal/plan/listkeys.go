package plan

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// listKey says that a list is keyed: two items with equal keys are one item to
// server-side apply, which refuses an object that has both. No keys mean a
// set, whose items are their own keys.
type listKey struct {
	field string
	keys  []string
	// def is the value the server assumes for the last key when it is absent.
	def string
}

// The keyed lists of the built-in API, as its OpenAPI document says
// (x-kubernetes-list-type and x-kubernetes-list-map-keys).
var (
	podLists = []listKey{
		{field: "containers", keys: []string{"name"}},
		{field: "initContainers", keys: []string{"name"}},
		{field: "ephemeralContainers", keys: []string{"name"}},
		{field: "volumes", keys: []string{"name"}},
		{field: "imagePullSecrets", keys: []string{"name"}},
		{field: "hostAliases", keys: []string{"ip"}},
		{field: "topologySpreadConstraints", keys: []string{"topologyKey", "whenUnsatisfiable"}},
		{field: "schedulingGates", keys: []string{"name"}},
		{field: "resourceClaims", keys: []string{"name"}},
	}
	containerLists = []listKey{
		{field: "env", keys: []string{"name"}},
		{field: "ports", keys: []string{"containerPort", "protocol"}, def: "TCP"},
		{field: "volumeMounts", keys: []string{"mountPath"}},
		{field: "volumeDevices", keys: []string{"devicePath"}},
	}
	claimLists     = []listKey{{field: "claims", keys: []string{"name"}}}
	serviceLists   = []listKey{{field: "ports", keys: []string{"port", "protocol"}, def: "TCP"}}
	accountLists   = []listKey{{field: "secrets", keys: []string{"name"}}}
	webhookLists   = []listKey{{field: "webhooks", keys: []string{"name"}}}
	conditionLists = []listKey{{field: "matchConditions", keys: []string{"name"}}}
	policyLists    = []listKey{{field: "matchConditions", keys: []string{"name"}}, {field: "variables", keys: []string{"name"}}}
	metaLists      = []listKey{{field: "finalizers"}, {field: "ownerReferences", keys: []string{"uid"}}}
)

// Duplicate is one key that a keyed list has twice.
type Duplicate struct {
	Ref    object.Ref    `json:"ref"`
	Source object.Source `json:"source,omitzero"`
	// Path names the list and the key: `spec.containers[name=web].env[name=A]`.
	Path string `json:"path"`
}

// Duplicates finds the duplicate keys of list-maps, which the API server
// refuses in server-side apply (cluster-semantics.md 1.1), in the order of
// objects. It knows the lists of built-in kinds.
func Duplicates(objects []*object.Object) []Duplicate {
	var found []Duplicate
	for _, o := range objects {
		s := scan{o: o}
		s.object(o.GVK().GroupKind())
		found = append(found, s.found...)
	}
	return found
}

func (d Duplicate) fault() error {
	return fault.New(fault.Invalid, "%s is declared twice", d.Path).
		Hint("remove one of the two: the API server takes a key of such a list only once")
}

type scan struct {
	o     *object.Object
	found []Duplicate
}

func (s *scan) object(gk schema.GroupKind) {
	s.lists(s.o.Meta(), path{"metadata"}, metaLists)
	spec, _ := s.o.Fields["spec"].(map[string]any)
	switch gk {
	case schema.GroupKind{Kind: "Service"}:
		s.lists(spec, path{"spec"}, serviceLists)
		return
	case accountKind:
		s.lists(s.o.Fields, nil, accountLists)
		return
	case schema.GroupKind{Group: "admissionregistration.k8s.io", Kind: "ValidatingAdmissionPolicy"}:
		s.lists(spec, path{"spec"}, policyLists)
		return
	}
	if gk.Group == "admissionregistration.k8s.io" {
		s.lists(s.o.Fields, nil, webhookLists)
		s.each(s.o.Fields, nil, "webhooks", conditionLists)
		return
	}
	if pod, at := podSpec(s.o, gk); pod != nil {
		s.pod(pod, at)
	}
}

func (s *scan) pod(pod map[string]any, at path) {
	s.lists(pod, at, podLists)
	for _, field := range []string{"containers", "initContainers", "ephemeralContainers"} {
		s.each(pod, at, field, containerLists)
		for i, item := range items(pod[field]) {
			if m, ok := item.(map[string]any); ok {
				res, _ := m["resources"].(map[string]any)
				s.lists(res, at.with(field, itemName(m, i), "resources"), claimLists)
			}
		}
	}
}

// each scans lists in every item of the list at field.
func (s *scan) each(m map[string]any, at path, field string, lists []listKey) {
	for i, item := range items(m[field]) {
		if inner, ok := item.(map[string]any); ok {
			s.lists(inner, at.with(field, itemName(inner, i)), lists)
		}
	}
}

func (s *scan) lists(m map[string]any, at path, lists []listKey) {
	for _, l := range lists {
		values := items(m[l.field])
		seen := make(map[string]bool, len(values))
		for _, item := range values {
			key, ok := l.key(item)
			if !ok {
				continue
			}
			if seen[key] {
				s.found = append(s.found, Duplicate{Ref: s.o.Ref(), Source: s.o.Source, Path: at.with(l.field, key).String()})
			}
			seen[key] = true
		}
	}
}

// key is the path element of an item: "[name=web]". It is false for items that
// lack a key: the server has its own words for those.
func (l listKey) key(item any) (string, bool) {
	if len(l.keys) == 0 {
		text, ok := item.(string)
		return "[" + text + "]", ok
	}
	m, ok := item.(map[string]any)
	if !ok {
		return "", false
	}
	parts := make([]string, 0, len(l.keys))
	for i, k := range l.keys {
		v, has := m[k]
		if !has && i == len(l.keys)-1 && l.def != "" {
			v, has = l.def, true
		}
		if !has {
			return "", false
		}
		parts = append(parts, k+"="+text(v))
	}
	return "[" + strings.Join(parts, ",") + "]", true
}

func itemName(m map[string]any, i int) string {
	if name, ok := m["name"].(string); ok {
		return "[name=" + name + "]"
	}
	return fmt.Sprintf("[%d]", i)
}

// podSpec is the pod template of a built-in workload and its path.
func podSpec(o *object.Object, gk schema.GroupKind) (map[string]any, path) {
	var at path
	switch gk.Kind {
	case "Pod":
		at = path{"spec"}
	case "PodTemplate":
		at = path{"template", "spec"}
	case "CronJob":
		at = path{"spec", "jobTemplate", "spec", "template", "spec"}
	case "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job":
		at = path{"spec", "template", "spec"}
	}
	if at == nil || !slices.Contains(builtinGroups, gk.Group) {
		return nil, nil
	}
	m := o.Fields
	for _, key := range at {
		m, _ = m[key].(map[string]any)
	}
	return m, at
}

func items(v any) []any {
	l, _ := v.([]any)
	return l
}
