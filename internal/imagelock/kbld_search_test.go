package imagelock_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKbld13Search(t *testing.T) {
	t.Parallel()
	images := func(t *testing.T, want []string, texts ...string) {
		t.Helper()
		if d := cmp.Diff(want, stream(t, texts...).Images()); d != "" {
			t.Error(d)
		}
	}
	sorts := func(s ...string) []string { return s }
	rule(t, "every map and list of every kind is walked", func(t *testing.T) {
		got := encoded(t, stream(t, "kind: Anything\nimage: a\nx: {l: [{image: b}, [{image: c}]]}\n---\nkind: ConfigMap\ndata: {image: d}\n---\nimage: e\n"),
			sorts("a=1", "b=2", "c=3", "d=4", "e=5"), false)
		want := "---\nimage: \"1\"\nkind: Anything\nx:\n  l:\n  - image: \"2\"\n  - - image: \"3\"\n---\ndata:\n  image: \"4\"\nkind: ConfigMap\n---\nimage: \"5\"\n"
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	})
	rule(t, "text in a Secret is no image, unless a lock or rule says so", func(t *testing.T) {
		secret := "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {image: canary}\n"
		images(t, nil, secret)
		images(t, sorts("canary"), secret, config("keys: [image]"))
		images(t, sorts("canary"), secret, lockConfig("image", "canary", "new"))
		images(t, sorts("a"), "apiVersion: example.com/v1\nkind: Secret\nspec: {image: a}\n")
	})
	rule(t, "keys, then search rules, then the key image", func(t *testing.T) {
		// The search rule says that image is none; a key of any file says that it is.
		off := config("searchRules: [{keyMatcher: {name: image}, updateStrategy: {none: {}}}]")
		images(t, nil, "image: a\n", off)
		images(t, sorts("a"), "image: a\n", off, config("keys: [image]"))
	})
	rule(t, "the keys of all files come before the search rules of all files", func(t *testing.T) {
		s := stream(t, config("searchRules: [{keyMatcher: {name: a}}]\nkeys: [b]"), config("keys: [c]"))
		var names []string
		for _, r := range s.Set.Rules {
			names = append(names, r.Key.Name)
		}
		if d := cmp.Diff(sorts("b", "c", "a"), names); d != "" {
			t.Error(d)
		}
	})
	rule(t, "equal rules are one", func(t *testing.T) {
		s := stream(t, config("keys: [a, a]\nsearchRules: [{keyMatcher: {name: a}}, {keyMatcher: {name: b}}]"), config("searchRules: [{keyMatcher: {name: b}}]"))
		if len(s.Set.Rules) != 2 {
			t.Errorf("%d rules", len(s.Set.Rules))
		}
	})
	rule(t, "the first rule that matches applies, and each value is visited once", func(t *testing.T) {
		rules := config("searchRules: [{keyMatcher: {path: [spec, image]}, updateStrategy: {none: {}}}, {valueMatcher: {image: a}}]")
		images(t, sorts("a"), "kind: O\nspec: {image: a}\nother: {x: a, image: a}\n", rules)
	})
	rule(t, "the value must be a string", func(t *testing.T) {
		images(t, nil, "image: 1\n---\nimage: {}\n---\nimage: [x]\n---\nimage: null\n---\nimage: true\n")
		images(t, sorts("inside"), "image: {image: inside}\n")
	})
	rule(t, "path steps are a key, an index, or all indexes", func(t *testing.T) {
		rules := config("searchRules: [{keyMatcher: {path: [a, {allIndexes: true}, {index: 1}, b]}}]")
		images(t, sorts("p", "q"), "a:\n- [{b: no}, {b: p}]\n- [{b: no}, {b: q}, {b: no}]\n- {b: no}\n", rules)
	})
	rule(t, "valueMatcher needs no keyMatcher", func(t *testing.T) {
		images(t, sorts("nginx", "nginx:1"), "a: nginx\nb: [nginx:1]\nc: nginx/x\n", config("searchRules: [{valueMatcher: {imageRepo: nginx}}]"))
		images(t, sorts("nginx"), "a: nginx\nb: [nginx:1]\n", config("searchRules: [{valueMatcher: {image: nginx}}]"))
		images(t, sorts("nginx"), "a: nginx\nb: nginx\n", config("searchRules: [{keyMatcher: {name: a}, valueMatcher: {image: nginx}}]"))
	})
	rule(t, "none leaves a value alone, entireValue is the default", func(t *testing.T) {
		images(t, sorts("b"), "a: a\nb: b\n", config("searchRules: [{keyMatcher: {name: a}, updateStrategy: {none: {}}}, {keyMatcher: {name: b}, updateStrategy: {entireValue: {}}}]"))
		images(t, sorts("a"), "a: a\n", config("searchRules: [{keyMatcher: {name: a}}]"))
	})
	inside := func(strategy string) string {
		return config("searchRules: [{keyMatcher: {name: c}, updateStrategy: {" + strategy + ": {searchRules: [{keyMatcher: {name: img}}]}}}]")
	}
	rule(t, "json is searched inside, and written anew", func(t *testing.T) {
		got := encoded(t, stream(t, `{"c": "{\"z\": 1, \"img\": \"a\"}", "d": 1}`, inside("json")), sorts("a=new"), false)
		if got != "---\nc: '{\"img\":\"new\",\"z\":1}'\nd: 1\n" {
			t.Errorf("got %s", got)
		}
		got = encoded(t, stream(t, `{"c": "{\"z\": 1,   \"y\": 2}"}`, inside("json")), nil, false)
		if got != "---\nc: '{\"y\":2,\"z\":1}'\n" {
			t.Errorf("without any image: %s", got)
		}
		images(t, nil, "c: 'img: a'\n", inside("json"))
	})
	rule(t, "yaml tries json first, marks every document and drops empty ones", func(t *testing.T) {
		got := encoded(t, stream(t, `{"c": "{\"img\": \"a\"}"}`, inside("yaml")), sorts("a=new"), false)
		if got != "---\nc: '{\"img\":\"new\"}'\n" {
			t.Errorf("json: %s", got)
		}
		got = encoded(t, stream(t, "c: |\n  z: 1\n  img: a\n  ---\n  ---\n  - b\n", inside("yaml")), sorts("a=new"), false)
		if got != "---\nc: |\n  ---\n  img: new\n  z: 1\n  ---\n  - b\n" {
			t.Errorf("yaml: %s", got)
		}
		got = encoded(t, stream(t, "c: '{z: 1,   b: 2}'\n", inside("yaml")), nil, false)
		if got != "---\nc: |\n  ---\n  b: 2\n  z: 1\n" {
			t.Errorf("without any image: %s", got)
		}
	})
	rule(t, "nested rules do not inherit the key image", func(t *testing.T) {
		images(t, sorts("b"), "c: '{image: a, img: b}'\n", inside("yaml"))
	})
}
