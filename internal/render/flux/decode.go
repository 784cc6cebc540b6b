package flux

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// decodeKustomization reads a Kustomization, any version of it.
func (r *run) decodeKustomization(it *item, o *object.Object) (suspended bool, err error) {
	spec, err := specOf(o)
	if err != nil {
		return false, err
	}
	if version := o.GVK().Version; version != "v1" {
		if version != "v1beta1" && version != "v1beta2" {
			return false, unknownVersion(o, "v1")
		}
		r.warn("%s: apiVersion %s is old: write kustomize.toolkit.fluxcd.io/v1", it, o.GVK().GroupVersion())
		spec = modernKustomization(spec)
	}
	k := &kustomizev1.Kustomization{}
	if err := r.decodeSpec(it, o, spec, &k.Spec); err != nil {
		return false, err
	}
	it.kustomization = k
	for _, d := range k.Spec.DependsOn {
		it.depend(groupKustomize, kindKustomization, d.Namespace, d.Name)
	}
	if len(k.Spec.Ignore) > 0 {
		r.warn("%s: spec.ignore is not heeded: tug applies every field that is declared", it)
	}
	if k.Spec.KubeConfig != nil {
		return false, otherCluster()
	}
	return k.Spec.Suspend, nil
}

// decodeRelease reads a HelmRelease, any version of it.
func (r *run) decodeRelease(it *item, o *object.Object) (suspended bool, err error) {
	spec, err := specOf(o)
	if err != nil {
		return false, err
	}
	if version := o.GVK().Version; version != "v2" {
		if version != "v2beta1" && version != "v2beta2" {
			return false, unknownVersion(o, "v2")
		}
		r.warn("%s: apiVersion %s is old: write helm.toolkit.fluxcd.io/v2", it, o.GVK().GroupVersion())
		spec = modernRelease(spec)
	}
	h := &helmv2.HelmRelease{}
	if err := r.decodeSpec(it, o, spec, &h.Spec); err != nil {
		return false, err
	}
	it.release = h
	it.values, _ = spec["values"].(map[string]any)
	if spec["values"] != nil && it.values == nil {
		return false, fault.New(fault.Invalid, "spec.values is not a map")
	}
	for _, d := range h.Spec.DependsOn {
		it.depend(groupHelm, kindHelmRelease, d.Namespace, d.Name)
	}
	if h.Spec.KubeConfig != nil {
		return false, otherCluster()
	}
	if h.Spec.DriftDetection != nil && len(h.Spec.DriftDetection.Ignore) > 0 {
		r.warn("%s: driftDetection.ignore is not heeded: tug applies every field that is declared", it)
	}
	return h.Spec.Suspend, nil
}

func (it *item) depend(group, kind, namespace, name string) {
	if namespace == "" {
		namespace = it.namespace()
	}
	it.dependsOn = append(it.dependsOn, object.Ref{Group: group, Kind: kind, Namespace: namespace, Name: name})
}

func otherCluster() error {
	return fault.New(fault.Invalid, "spec.kubeConfig asks for another cluster, and an app is deployed to one").
		Hint("make it an app of an environment with that cluster, and remove spec.kubeConfig")
}

func unknownVersion(o *object.Object, newest string) error {
	return fault.New(fault.Invalid, "apiVersion %s is not known", o.GVK().GroupVersion()).
		Hint("write %s/%s", o.GVK().Group, newest)
}

func specOf(o *object.Object) (map[string]any, error) {
	spec, ok := o.Fields["spec"].(map[string]any)
	if !ok {
		return nil, fault.New(fault.Invalid, "has no spec")
	}
	return spec, nil
}

// decodeSpec reads a spec strictly: a key that Flux does not know is a fault
// with its place and the nearest key.
func (r *run) decodeSpec(it *item, o *object.Object, spec map[string]any, into any) error {
	if bad := unknownKey(spec, reflect.TypeOf(into).Elem(), []string{"spec"}); bad != nil {
		f := fault.New(fault.Invalid, "%sunknown key %q", r.prefixAt(it, o, bad.path), strings.Join(bad.path, "."))
		if near := fault.Nearest(bad.path[len(bad.path)-1], bad.known, 1); len(near) > 0 {
			return f.Hint("did you mean %s?", near[0])
		}
		return f.Hint("keys here: %s", strings.Join(bad.known, ", "))
	}
	data, err := json.Marshal(spec)
	if err != nil {
		return fmt.Errorf("encode spec: %w", err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		return mistyped(err)
	}
	return nil
}

// mistyped says which value has the wrong type, without the value.
func mistyped(err error) error {
	text := strings.TrimPrefix(err.Error(), "json: ")
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fault.New(fault.Invalid, "spec.%s is %s where %s is needed", e.Field, jsonWord(e.Value), goWord(e.Type))
	}
	return fault.New(fault.Invalid, "spec: %s", text)
}

// jsonWord and goWord name types for people.
func jsonWord(value string) string {
	kind, _, _ := strings.Cut(value, " ")
	switch kind {
	case "array":
		return "a list"
	case "object":
		return "a map"
	case "bool":
		return "true or false"
	case "string":
		return "text"
	}
	return "a number"
}

func goWord(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Slice:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "a map"
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "text"
	default:
		return "a number"
	}
}

// strange is a key that its type does not have.
type strange struct {
	path  []string
	known []string
}

// unknownKey walks a value beside the Go type it is read into. Types with a
// reader of their own (durations, free JSON) end the walk.
func unknownKey(v any, t reflect.Type, path []string) *strange {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return nil
	}
	switch t.Kind() {
	case reflect.Struct:
		m, _ := v.(map[string]any)
		fields := fieldsOf(t)
		for _, key := range sortedKeys(m) {
			below := append(slices.Clone(path), key)
			ft, ok := fields[key]
			if !ok {
				return &strange{path: below, known: sortedKeys(fields)}
			}
			if bad := unknownKey(m[key], ft, below); bad != nil {
				return bad
			}
		}
	case reflect.Slice:
		list, _ := v.([]any)
		for i, item := range list {
			if bad := unknownKey(item, t.Elem(), append(slices.Clone(path), fmt.Sprint(i))); bad != nil {
				return bad
			}
		}
	case reflect.Map:
		m, _ := v.(map[string]any)
		for _, key := range sortedKeys(m) {
			if bad := unknownKey(m[key], t.Elem(), append(slices.Clone(path), key)); bad != nil {
				return bad
			}
		}
	default:
	}
	return nil
}

// fieldsOf are the JSON keys of a struct with their types, inlined ones
// included.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "" || strings.Contains(options, "inline"):
			below := f.Type
			for below.Kind() == reflect.Pointer {
				below = below.Elem()
			}
			maps.Copy(fields, fieldsOf(below))
		case name != "" && name != "-":
			fields[name] = f.Type
		}
	}
	return fields
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
