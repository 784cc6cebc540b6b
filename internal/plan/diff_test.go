package plan

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/object"
)

type shown struct {
	Path     string
	From, To any
}

func show(list []difference) []shown {
	var out []shown
	for _, d := range list {
		out = append(out, shown{d.path.String(), d.from, d.to})
	}
	return out
}

func parseJSON(t testing.TB, text string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestDiff(t *testing.T) {
	t.Parallel()
	ports := parseFields([]byte(`{"f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{}}}}`))
	set := parseFields([]byte(`{"f:metadata":{"f:finalizers":{"v:\"a\"":{}}}}`))
	for name, tc := range map[string]struct {
		from, to string
		sets     []fieldSet
		want     []shown
	}{
		"scalars": {`{"spec":{"a":1,"b":"x","c":true}}`, `{"spec":{"a":2,"b":"x","d":null}}`, nil, []shown{
			{"spec.a", 1.0, 2.0}, {"spec.c", true, nil},
		}},
		"text is no number": {`{"spec":{"a":1}}`, `{"spec":{"a":"1"}}`, nil, []shown{{"spec.a", 1.0, "1"}}},
		"server fields": {
			`{"status":{"x":1},"metadata":{"uid":"1","generation":3,"resourceVersion":"1","labels":{"a.b/c":"1"}}}`,
			`{"status":{"x":2},"metadata":{"uid":"2","generation":4}}`, nil,
			[]shown{{`metadata.labels["a.b/c"]`, "1", nil}},
		},
		"an empty map is something": {`{"spec":{"v":{"emptyDir":{}}}}`, `{"spec":{"v":{}}}`, nil, []shown{{"spec.v.emptyDir", map[string]any{}, nil}}},
		"named items": {
			`{"spec":{"c":[{"name":"a","i":1},{"name":"b"},{"name":"c"}]}}`, `{"spec":{"c":[{"name":"a","i":2},{"name":"c"},{"name":"d"}]}}`, nil,
			[]shown{
				{"spec.c[name=a].i", 1.0, 2.0}, {"spec.c[name=b]", map[string]any{"name": "b"}, nil},
				{"spec.c[name=d]", nil, map[string]any{"name": "d"}},
			},
		},
		"order": {`{"spec":{"c":[{"name":"a"},{"name":"b"}]}}`, `{"spec":{"c":[{"name":"b"},{"name":"a"}]}}`, nil, []shown{
			{"spec.c[order]", "[name=a] [name=b]", "[name=b] [name=a]"},
		}},
		"keys of the server": {
			`{"spec":{"ports":[{"port":80,"name":"x"}]}}`, `{"spec":{"ports":[{"port":80,"protocol":"TCP","name":"y"}]}}`, []fieldSet{ports},
			[]shown{{"spec.ports[port=80,protocol=TCP].name", "x", "y"}, {"spec.ports[port=80,protocol=TCP].protocol", nil, "TCP"}},
		},
		"set": {`{"metadata":{"finalizers":["a","b"]}}`, `{"metadata":{"finalizers":["b","c"]}}`, []fieldSet{set}, []shown{
			{"metadata.finalizers[a]", "a", nil}, {"metadata.finalizers[c]", nil, "c"},
		}},
		"arguments": {`{"spec":{"args":["a","b"]}}`, `{"spec":{"args":["a","x","b"]}}`, nil, []shown{
			{"spec.args", []any{"a", "b"}, []any{"a", "x", "b"}},
		}},
		"one argument": {`{"spec":{"args":["a","b"]}}`, `{"spec":{"args":["a","c"]}}`, nil, []shown{{"spec.args[1]", "b", "c"}}},
		"rules without names": {
			`{"rules":[{"v":1},{"v":2},{"v":3}]}`, `{"rules":[{"v":1},{"v":9},{"v":2},{"v":3}]}`, nil, []shown{{"rules[1]", nil, map[string]any{"v": 9.0}}},
		},
		"other shape": {`{"spec":{"a":[1]}}`, `{"spec":{"a":{"b":1}}}`, nil, []shown{{"spec.a", []any{1.0}, map[string]any{"b": 1.0}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, to := &object.Object{Fields: parseJSON(t, tc.from)}, &object.Object{Fields: parseJSON(t, tc.to)}
			if diff := cmp.Diff(tc.want, show(diffObjects(from, to, tc.sets))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// FuzzDiff: an object has no difference to itself, differences are the same in
// both directions, and there are some exactly when the objects differ.
func FuzzDiff(f *testing.F) {
	f.Add(`{"spec":{"a":[{"name":"x"},{"name":"y"}]}}`, `{"spec":{"a":[{"name":"y"},{"name":"x"}]}}`, `{"f:spec":{"f:a":{"k:{\"name\":\"x\"}":{}}}}`)
	f.Add(`{"a":[1,2,3]}`, `{"a":[3]}`, `{"f:a":{"v:1":{}}}`)
	f.Add(`{"metadata":{"labels":{"a":null}}}`, `{"metadata":{"labels":{}}}`, `{}`)
	f.Add(`{"a":[null]}`, `{"a":[]}`, `{}`)
	f.Fuzz(func(t *testing.T, a, b, fields string) {
		var x, y map[string]any
		if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
			return
		}
		sets := []fieldSet{parseFields([]byte(fields))}
		from, to := &object.Object{Fields: x}, &object.Object{Fields: y}
		if got := diffObjects(from, from, sets); len(got) > 0 {
			t.Errorf("an object differs from itself: %v", show(got))
		}
		there, back := diffObjects(from, to, sets), diffObjects(to, from, sets)
		if (len(there) == 0) != (len(back) == 0) {
			t.Errorf("there %v, back %v", show(there), show(back))
		}
		if len(there) == 0 && !cmp.Equal(strip(x), strip(y)) {
			t.Errorf("no difference between %s and %s", a, b)
		}
		for _, d := range there {
			if d.from == nil && d.to == nil || cmp.Equal(d.from, d.to) {
				t.Errorf("%s: a difference between equal values", d.path)
			}
		}
	})
}

// strip is m without what a diff leaves out on purpose: status, server fields,
// and null or missing entries.
func strip(m map[string]any) any {
	c := without(m, []string{"status"})
	if meta, ok := c["metadata"].(map[string]any); ok {
		meta = without(meta, serverOnly)
		for _, free := range []string{"labels", "annotations"} {
			if l, ok := meta[free].(map[string]any); ok && len(prune(l).(map[string]any)) == 0 {
				delete(meta, free)
			}
		}
		c["metadata"] = meta
	} else {
		delete(c, "metadata") // of another shape: no object at all
	}
	for _, free := range []string{"data", "binaryData"} {
		if l, ok := c[free].(map[string]any); ok && len(prune(l).(map[string]any)) == 0 {
			delete(c, free)
		}
	}
	p := prune(c).(map[string]any)
	if meta, ok := p["metadata"].(map[string]any); ok && len(meta) == 0 {
		delete(p, "metadata")
	}
	return p
}

func prune(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, item := range v {
			if item != nil {
				out[k] = prune(item)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = prune(item)
		}
		return out
	}
	return v
}
