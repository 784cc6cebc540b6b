package object_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/object"
)

func TestPack(t *testing.T) {
	t.Parallel()
	values := []any{
		nil, true, false, int64(0), int64(-1), int64(1) << 62, json.Number("1.50"), 2.5, "", "text",
		map[string]any{}, []any{}, map[string]any{
			"a": []any{"text", int64(1), map[string]any{"a": nil}}, "text": "a",
		},
	}
	var p object.Packer
	for _, v := range values {
		if err := p.Add(v); err != nil {
			t.Fatal(err)
		}
	}
	u, err := object.NewUnpacker(p.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range values {
		got, err := u.Next()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	if !u.Done() {
		t.Error("something is left")
	}
	if err := p.Add(struct{}{}); err == nil {
		t.Error("a value that objects do not have was packed")
	}
}

func FuzzUnpack(f *testing.F) {
	var p object.Packer
	_ = p.Add(map[string]any{"a": []any{int64(1), "b", json.Number("1.0"), nil, true, 1.5}})
	f.Add(p.Bytes())
	f.Add([]byte{})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, data []byte) {
		u, err := object.NewUnpacker(data)
		for err == nil && !u.Done() {
			var v any
			if v, err = u.Next(); err != nil {
				break
			}
			var again object.Packer
			if err := again.Add(v); err != nil {
				t.Fatalf("what was unpacked cannot be packed: %v", err)
			}
		}
	})
}
