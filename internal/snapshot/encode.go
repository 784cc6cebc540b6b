package snapshot

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
)

// kept is what a cache keeps of a snapshot beside its objects: all that
// follows from its files. The rest is in the Input that asks for it.
type kept struct {
	Warnings []string           `json:"warnings,omitempty"`
	Notes    string             `json:"notes,omitempty"`
	Random   []render.RandomUse `json:"random,omitempty"`
}

// encode is the form of s in a cache. It must not be called for a snapshot
// with decrypted values.
func (s *Snapshot) encode() ([]byte, error) {
	head, err := json.Marshal(kept{s.Warnings, s.Notes, s.Random})
	if err != nil {
		return nil, fmt.Errorf("encode snapshot: %w", err)
	}
	objects := make([]any, len(s.Objects))
	for i, o := range s.Objects {
		objects[i] = []any{o.Source.File, int64(o.Source.Line), o.Stable, o.Fields}
	}
	var p object.Packer
	if err := p.Add([]any{string(head), objects}); err != nil {
		return nil, fmt.Errorf("encode snapshot: %w", err)
	}
	return p.Bytes(), nil
}

var errDamaged = errors.New("decode snapshot: it is damaged")

// decode fills s with what encode wrote.
func (s *Snapshot) decode(data []byte) error {
	u, err := object.NewUnpacker(data)
	if err != nil {
		return errDamaged
	}
	v, err := u.Next()
	parts, ok := v.([]any)
	if err != nil || !ok || len(parts) != 2 || !u.Done() {
		return errDamaged
	}
	head, ok := parts[0].(string)
	objects, ok2 := parts[1].([]any)
	var k kept
	if !ok || !ok2 || json.Unmarshal([]byte(head), &k) != nil {
		return errDamaged
	}
	s.Warnings, s.Notes, s.Random = k.Warnings, k.Notes, k.Random
	s.Objects = make([]*object.Object, len(objects))
	for i, item := range objects {
		if s.Objects[i] = decodeObject(item); s.Objects[i] == nil {
			return errDamaged
		}
	}
	return nil
}

// decodeObject is nil for what encode did not write.
func decodeObject(item any) *object.Object {
	parts, ok := item.([]any)
	if !ok || len(parts) != 4 {
		return nil
	}
	file, ok := parts[0].(string)
	line, ok2 := parts[1].(int64)
	stable, ok3 := parts[2].(string)
	fields, ok4 := parts[3].(map[string]any)
	if !ok || !ok2 || !ok3 || !ok4 {
		return nil
	}
	return &object.Object{Fields: fields, Source: object.Source{File: file, Line: int(line)}, Stable: stable}
}
