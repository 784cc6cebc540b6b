package kube

import (
	"bytes"
	"encoding/json"
	"maps"

	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/tugops/tug/internal/object"
)

// protobufMagic heads every protobuf answer of an API server; a
// runtime.Unknown around the message follows.
var protobufMagic = [...]byte{'k', '8', 's', 0}

// decodeMetadata reads a metadata-only answer, in protobuf or JSON.
func decodeMetadata(body []byte, into interface{ Unmarshal([]byte) error }) error {
	message, isProtobuf := bytes.CutPrefix(body, protobufMagic[:])
	if !isProtobuf {
		return json.Unmarshal(body, into)
	}
	var envelope runtime.Unknown
	if err := envelope.Unmarshal(message); err != nil {
		return err
	}
	return into.Unmarshal(envelope.Raw)
}

// interner shares equal texts and field sets within one list. Objects of one
// chart have most labels and many field sets in common.
type interner struct {
	texts  map[string]string
	fields map[string][]byte
}

func (p *interner) text(s string) string {
	if shared, ok := p.texts[s]; ok {
		return shared
	}
	p.texts[s] = s
	return s
}

func (p *interner) fieldSet(raw []byte) []byte {
	if shared, ok := p.fields[string(raw)]; ok {
		return shared
	}
	p.fields[string(raw)] = raw
	return raw
}

func (p *interner) labels(m map[string]string) map[string]string {
	out := maps.Clone(m)
	clear(out)
	for k, v := range m {
		out[p.text(k)] = p.text(v)
	}
	return out
}

// live takes over the metadata of one object.
func (p *interner) live(what subject, m *v1.ObjectMeta) object.Live {
	ref := what.ref
	ref.Namespace, ref.Name = p.text(m.Namespace), m.Name
	l := object.Live{
		Ref:             ref,
		Version:         what.gvk.Version,
		UID:             string(m.UID),
		ResourceVersion: m.ResourceVersion,
		Generation:      m.Generation,
		Labels:          p.labels(m.Labels),
		Annotations:     m.Annotations,
		Deleting:        m.DeletionTimestamp != nil,
		Finalizers:      m.Finalizers,
		Created:         m.CreationTimestamp.Time,
	}
	for _, o := range m.OwnerReferences {
		l.OwnerRefs = append(l.OwnerRefs, object.OwnerRef{
			Kind: o.Kind, Name: o.Name, UID: string(o.UID), Controller: o.Controller != nil && *o.Controller})
	}
	for i := range m.ManagedFields {
		l.Managers = append(l.Managers, p.manager(&m.ManagedFields[i]))
	}
	return l
}

func (p *interner) manager(e *v1.ManagedFieldsEntry) object.ManagerEntry {
	entry := object.ManagerEntry{
		Manager:     p.text(e.Manager),
		Operation:   p.text(string(e.Operation)),
		Subresource: p.text(e.Subresource),
		APIVersion:  p.text(e.APIVersion),
		FieldsV1:    p.fieldSet(e.FieldsV1.GetRawBytes()),
	}
	if e.Time != nil {
		entry.Time = e.Time.Time
	}
	return entry
}
