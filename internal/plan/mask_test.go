package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/object"
)

const (
	oldSecret = "hunter1-before"
	newSecret = "hunter2-after"
)

// masked is how the differences between two states of an object are shown.
func masked(t *testing.T, s Sensitive, hidden bool, from, to string) []Field {
	t.Helper()
	before, now := &object.Object{Fields: parseJSON(t, from)}, &object.Object{Fields: parseJSON(t, to), Hidden: hidden}
	ch := Change{Ref: now.Ref(), Desired: now, diffs: diffObjects(before, now, nil)}
	p := Plan{Changes: []Change{ch}}
	p.Hide(s)
	return p.Changes[0].Fields
}

func TestMasks(t *testing.T) {
	t.Parallel()
	now, before := object.NewSensitive(newSecret), object.NewSensitive(oldSecret)
	deployed := func(text string) []*object.Object { return []*object.Object{{Fields: parseJSON(t, text)}} }
	const head = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},`
	for name, c := range map[string]struct {
		s        Sensitive
		hidden   bool
		from, to string
		want     []Field
	}{
		"nothing sensitive": {
			Sensitive{Now: now}, false, head + `"data":{"a":"x"}}`, head + `"data":{"a":"y"}}`,
			[]Field{{Path: "data.a", From: "x", To: "y"}},
		},
		"the old value of a changed one, unknown": {
			Sensitive{Now: now}, false, head + `"data":{"a":"` + oldSecret + `"}}`, head + `"data":{"a":"` + newSecret + `"}}`,
			[]Field{{Path: "data.a", From: "(secret 1)", To: "(secret 2)"}},
		},
		"a new field": {
			Sensitive{Now: now}, false, head + `"data":{}}`, head + `"data":{"a":"u:` + newSecret + `"}}`,
			[]Field{{Path: "data.a", To: "(secret 1)"}},
		},
		"a removed field": {
			Sensitive{Before: before}, false, head + `"data":{"a":"` + oldSecret + `","b":"x"}}`, head + `"data":{}}`,
			[]Field{{Path: "data.a", From: "(secret 1)"}, {Path: "data.b", From: "x"}},
		},
		"a removed field that somebody wrote to": {
			Sensitive{Before: before, Deployed: deployed(head + `"data":{"a":"` + oldSecret + `"}}`)}, false,
			head + `"data":{"a":"by hand"}}`, head + `"data":{}}`,
			[]Field{{Path: "data.a", From: "(secret 1)"}},
		},
		"a secret that is none any more": {
			Sensitive{Before: before}, false, head + `"data":{"a":"` + oldSecret + `"}}`, head + `"data":{"a":"open"}}`,
			[]Field{{Path: "data.a", From: "(secret 1)", To: "(secret 2)"}},
		},
		"removed, and the last release cannot be read": {
			Sensitive{Unknown: true}, false, head + `"data":{"a":"x"}}`, head + `"data":{}}`,
			[]Field{{Path: "data.a", From: "(secret 1)"}},
		},
		"an object of a file that was encrypted whole": {
			Sensitive{}, true, head + `"data":{"pin":"1234"},"immutable":false}`, head + `"data":{"pin":"5678"},"immutable":true}`,
			[]Field{{Path: "data.pin", From: "(secret 1)", To: "(secret 2)"}, {Path: "immutable", From: false, To: true}},
		},
		"an object that was encrypted whole": {
			Sensitive{Deployed: func() []*object.Object {
				list := deployed(head + `"data":{"pin":"1234"}}`)
				list[0].Hidden = true
				return list
			}()},
			false, head + `"data":{"pin":"1234"}}`, head + `"data":{"pin":"5678"}}`,
			[]Field{{Path: "data.pin", From: "(secret 1)", To: "(secret 2)"}},
		},
		"a list": {
			Sensitive{Now: now}, false, head + `"args":["--p=` + oldSecret + `"]}`, head + `"args":["--p=` + newSecret + `","-v"]}`,
			[]Field{{Path: "args", From: []any{"(secret 1)"}, To: []any{"(secret 2)", "(secret 3)"}}},
		},
		"a map that comes": {
			Sensitive{Now: now}, false, head + `"x":1}`, head + `"x":1,"spec":{"a":"` + newSecret + `","b":"open"}}`,
			[]Field{{Path: "spec", To: map[string]any{"a": "(secret 1)", "b": "open"}}},
		},
		"a number": {
			Sensitive{Now: object.NewSensitive("12345678")}, false, head + `"pin":11111111}`, head + `"pin":12345678}`,
			[]Field{{Path: "pin", From: "(secret 1)", To: "(secret 2)"}},
		},
		"equal masks are equal values": {
			Sensitive{Now: now}, false, head + `"data":{}}`, head + `"data":{"a":"` + newSecret + `","b":"` + newSecret + `"}}`,
			[]Field{{Path: "data.a", To: "(secret 1)"}, {Path: "data.b", To: "(secret 1)"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(c.want, masked(t, c.s, c.hidden, c.from, c.to)); d != "" {
				t.Error(d)
			}
		})
	}
}

// A plan that changes nothing but a secret is another plan, and its hash does
// not depend on what is masked.
func TestHashIsMadeOfValues(t *testing.T) {
	t.Parallel()
	plan := func(to string) *Plan {
		o := &object.Object{Fields: map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "c"}, "data": map[string]any{"a": to},
		}}
		return &Plan{App: "a", Changes: []Change{{
			Action: Update, Ref: o.Ref(), Desired: o, Applied: o.Hash(),
			diffs: []difference{{path: path{"data", "a"}, from: oldSecret, to: to}},
		}}}
	}
	a, b := plan(newSecret), plan(newSecret+"-other")
	if hashOf(a, true) == hashOf(b, true) || hashOf(a, false) == hashOf(b, false) {
		t.Error("two secrets, one hash")
	}
	before := hashOf(a, true)
	a.Hide(Sensitive{Now: object.NewSensitive(newSecret)})
	if hashOf(a, true) != before {
		t.Error("the hash depends on the masks")
	}
	if strings.Contains(a.Changes[0].Fields[0].To.(string), newSecret) {
		t.Error("not masked")
	}
}

func TestDiscloses(t *testing.T) {
	t.Parallel()
	field := difference{path: path{"data", "a"}, from: "x", to: "y"}
	for name, c := range map[string]struct {
		ch   Change
		want bool
	}{
		"a change":             {Change{Ref: object.Ref{Kind: "ConfigMap"}, diffs: []difference{field}}, true},
		"a change of a Secret": {Change{Ref: object.Ref{Kind: "Secret"}, diffs: []difference{field}}, false},
		"a new field":          {Change{Ref: object.Ref{Kind: "ConfigMap"}, diffs: []difference{{path: field.path, to: "y"}}}, false},
		"no differences":       {Change{Ref: object.Ref{Kind: "ConfigMap"}}, false},
	} {
		p := Plan{Changes: []Change{c.ch}}
		if got := p.Discloses(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
