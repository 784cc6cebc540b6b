package promote

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/imagelock"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	image := []Image{{Name: "shop", NewImage: "r/shop@sha256:0"}}
	at57 := imagelock.Promotion{Of: "shop", Version: "1.4.2", Sequence: 57, Key: "k57"}
	for name, c := range map[string]struct {
		in      Intent
		was     imagelock.Promotion
		current string
		want    Action
		kind    fault.Kind
	}{
		"first":                        {in: Intent{Sequence: 3, Images: image}, want: Promoted},
		"newer":                        {in: Intent{Sequence: 58, Images: image}, was: at57, want: Promoted},
		"older":                        {in: Intent{Sequence: 56, Images: image}, was: at57, want: Superseded},
		"same build, another key":      {in: Intent{Sequence: 57, Images: image}, was: at57, want: Superseded},
		"same key":                     {in: Intent{Sequence: 99, Key: "k57"}, was: at57, want: Unchanged},
		"rollback":                     {in: Intent{Sequence: 56, Rollback: true}, was: at57, want: Promoted},
		"below what was rolled back":   {in: Intent{Sequence: 58}, was: imagelock.Promotion{Of: "shop", Sequence: 50, Newest: 60}, want: Superseded},
		"by version, newer":            {in: Intent{Version: "1.5.0"}, was: at57, want: Promoted},
		"by version, older":            {in: Intent{Version: "1.4.1"}, was: at57, kind: fault.Conflict},
		"by version, the same":         {in: Intent{Version: "1.4.2"}, was: at57, want: Promoted},
		"by the version in a file":     {in: Intent{Version: "1.0.0"}, current: "2.0.0", kind: fault.Conflict},
		"nothing to compare":           {in: Intent{Version: "main-3f2a"}, was: at57, kind: fault.Conflict},
		"nothing to compare, no order": {in: Intent{Version: "main-3f2a"}, was: imagelock.Promotion{Of: "shop", Version: "main-0000"}, want: Promoted},
		"build over a version":         {in: Intent{Sequence: 1, Version: "1.0.0"}, was: imagelock.Promotion{Of: "shop", Version: "2.0.0"}, want: Superseded},
		"values":                       {in: Intent{Values: []Setting{{Path: "a", Value: "1"}}}, was: at57, want: Promoted},
	} {
		got, _, err := decide(c.in, c.was, c.current)
		if got != c.want || (err != nil) != (c.kind != "") || err != nil && !fault.Is(err, c.kind) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// TestRecordedKeepsTheHighest: what was rolled back is not forgotten.
func TestRecordedKeepsTheHighest(t *testing.T) {
	t.Parallel()
	was := imagelock.Promotion{Of: "shop", Version: "2", Sequence: 57, Images: []string{"shop"}}
	back := recorded(Intent{App: "shop", Version: "1", Sequence: 50, Rollback: true, Key: "b"}, was)
	want := imagelock.Promotion{Of: "shop", Version: "1", Sequence: 50, Newest: 57, Key: "b", Images: []string{"shop"}}
	if d := cmp.Diff(want, back); d != "" {
		t.Error(d)
	}
	byHand := recorded(Intent{App: "shop", Version: "3", Key: "c"}, was)
	if byHand.Sequence != 57 || byHand.Newest != 0 {
		t.Errorf("%+v", byHand)
	}
}

// TestHashDependencies: Helm's digest, of Deus' repository.
func TestHashDependencies(t *testing.T) {
	t.Parallel()
	list := []*dependency{{Name: "memcached", Version: "4.2.25", Repository: "https://charts.bitnami.com/bitnami"}}
	got, err := hashDependencies(list, list)
	if want := "sha256:e908055b4a302a166eb96a785ef817bd97f9fa1b53f66789b7e6fca49efc20f5"; err != nil || got != want {
		t.Errorf("%s, %v", got, err)
	}
}

func TestPendingAdds(t *testing.T) {
	t.Parallel()
	set := func(path, value string) []Setting { return []Setting{{Path: path, Value: value}} }
	var p pending
	for _, in := range []Intent{
		{App: "shop", Version: "1.0.0", Sequence: 1, Key: "1", Values: set("a", "1")},
		{App: "blog", Version: "7", Sequence: 1, Key: "b"},
		{App: "shop", Version: "1.2.0", Sequence: 3, Key: "3", Values: set("b", "2")},
		{App: "shop", Version: "1.1.0", Sequence: 2, Key: "2"},
		{App: "shop", Key: "v", Values: set("a", "5")},
	} {
		if _, _, err := p.add(in); err != nil {
			t.Fatal(err)
		}
	}
	want := pending{
		intents: []Intent{
			{App: "shop", Version: "1.2.0", Sequence: 3, Key: "3", Values: []Setting{{Path: "b", Value: "2"}, {Path: "a", Value: "5"}}},
			{App: "blog", Version: "7", Sequence: 1, Key: "b"},
		},
		superseded: []string{"shop 1.0.0"},
	}
	if d := cmp.Diff(want, p, cmp.AllowUnexported(pending{})); d != "" {
		t.Error(d)
	}
}

func TestParseIntents(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		`[{"app":"a","version":"1"},{"app":"b","version":"2"}]`: 2,
		`{"app":"a","version":"1"}`:                             1,
		"{\"app\":\"a\"}\n{\"app\":\"b\"}\n":                    2,
	} {
		if list, err := ParseIntents("f", []byte(text)); err != nil || len(list) != want {
			t.Errorf("%s: %v, %v", text, list, err)
		}
	}
	for _, text := range []string{"", "[]", "{", `{"ap":"a"}`, `[{"app":1}]`, `"a"`} {
		if _, err := ParseIntents("f", []byte(text)); !fault.Is(err, fault.Usage) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestIntentsAreChecked(t *testing.T) {
	t.Parallel()
	for _, in := range []Intent{
		{}, {App: "a"}, {App: "../a", Version: "1"}, {App: "a", Version: "1\nTug-App: b"}, {App: "a", Environment: "a..b", Version: "1"},
		{App: "a", Images: []Image{{Name: "x", NewImage: "x:1"}}}, {App: "a", Version: "1", Sequence: -1}, {App: "a", Version: "1", Key: "a\nb"},
	} {
		if _, err := in.Filled(); !fault.Is(err, fault.Usage) {
			t.Errorf("%+v: %v", in, err)
		}
	}
	one, err := Intent{App: "a", Version: "1"}.Filled()
	two, _ := Intent{App: "a", Version: "2"}.Filled()
	if err != nil || one.Key == "" || one.Key == two.Key {
		t.Errorf("%q, %q, %v", one.Key, two.Key, err)
	}
	text, err := one.Encode()
	var back Intent
	if err != nil || json.Unmarshal([]byte(text), &back) != nil || !cmp.Equal(one, back) {
		t.Errorf("%s, %+v", text, back)
	}
}
