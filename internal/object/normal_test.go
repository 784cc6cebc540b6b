package object

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func read(t *testing.T, text string) *Object {
	t.Helper()
	objects, err := ReadYAML("f.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return objects[0]
}

func TestNormalize(t *testing.T) {
	t.Parallel()
	o := read(t, `
apiVersion: v1
kind: Secret
metadata: {name: s, creationTimestamp: null, uid: u, resourceVersion: "3", managedFields: [], labels: null}
data: {a: b2xk, b: Yg==}
stringData: {a: new}
status: {x: 1}
extra: {n: null, l: [null, {m: null}]}
`)
	if err := o.Normalize(); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "s"},
		"data":  map[string]any{"a": "bmV3", "b": "Yg=="},
		"extra": map[string]any{"l": []any{nil, map[string]any{}}},
	}
	if d := cmp.Diff(want, o.Fields); d != "" {
		t.Error(d)
	}
	bad := read(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {port: 80}\n")
	err := bad.Normalize()
	if err == nil || err.Error() != "f.yaml:1: Secret s: stringData.port is a number where text is needed" {
		t.Errorf("error %v", err)
	}
}

func TestMask(t *testing.T) {
	t.Parallel()
	o := read(t, `
apiVersion: v1
kind: Secret
metadata: {name: s, annotations: {kubectl.kubernetes.io/last-applied-configuration: "password: hunter2", other: kept}}
data: {a: aHVudGVyMg==, num: 7}
stringData: {b: hunter2}
`)
	got := o.Mask(nil)
	want := map[string]any{
		"apiVersion": "v1", "kind": "Secret",
		"metadata":   map[string]any{"name": "s", "annotations": map[string]any{AnnotationLastApplied: Masked, "other": "kept"}},
		"data":       map[string]any{"a": Masked, "num": Masked},
		"stringData": map[string]any{"b": Masked},
	}
	if d := cmp.Diff(want, got.Fields); d != "" {
		t.Error(d)
	}
	if o.Fields["stringData"].(map[string]any)["b"] != "hunter2" {
		t.Error("mask changed its input")
	}
	plain := read(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n")
	if plain.Mask(nil) != plain {
		t.Error("an object that is no Secret was copied")
	}
}

func TestEntryHashIgnoresTimeAndOrder(t *testing.T) {
	t.Parallel()
	mine := func(fields string) []ManagerEntry {
		return []ManagerEntry{
			{Manager: "kubectl", Operation: "Update", FieldsV1: []byte(`{}`)},
			{Manager: Manager, Operation: "Apply", Subresource: "status", FieldsV1: []byte(`{"f:x":{}}`)},
			{Manager: Manager, Operation: "Apply", APIVersion: "v1", FieldsV1: []byte(fields)},
		}
	}
	a := EntryHash(mine(`{"f:a":{},"f:b":{".":{}}}`))
	if a == "" || a != EntryHash(mine(`{"f:b":{".":{}},"f:a":{}}`)) {
		t.Error("order of keys matters")
	}
	if a == EntryHash(mine(`{"f:a":{}}`)) {
		t.Error("lost field does not matter")
	}
	if EntryHash(mine(`{}`)[:2]) != "" {
		t.Error("hash without an entry of ours")
	}
}

func TestSort(t *testing.T) {
	t.Parallel()
	var objects []*Object
	for _, text := range []string{
		"apiVersion: x.io/v1\nkind: Thing\nmetadata: {name: t}",
		"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: b}",
		"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}",
		"apiVersion: v1\nkind: Namespace\nmetadata: {name: ns}",
	} {
		objects = append(objects, read(t, text))
	}
	Sort(objects)
	var got []string
	for _, o := range objects {
		got = append(got, o.Ref().String())
	}
	if d := cmp.Diff([]string{"Namespace ns", "Deployment a", "Deployment b", "Thing.x.io t"}, got); d != "" {
		t.Error(d)
	}
}
