package plan

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

func TestFieldSet(t *testing.T) {
	t.Parallel()
	s := parseFields([]byte(`{"f:spec":{"f:replicas":{},"f:list":{"k:{\"name\":\"a\"}":{".":{},"f:name":{},"f:image":{}}},"f:finalizers":{"v:\"x/y\"":{}}}}`))
	paths := func(list [][]string) (out []string) {
		for _, keys := range list {
			out = append(out, keysAsPath(keys).String())
		}
		return out
	}
	want := []string{"spec.finalizers[x/y]", "spec.list[name=a].image", "spec.list[name=a].name", "spec.replicas"}
	if diff := cmp.Diff(want, paths(s.leaves())); diff != "" {
		t.Error(diff)
	}
	other := parseFields([]byte(`{"f:spec":{"f:list":{"k:{\"name\":\"a\"}":{"f:name":{}}},"f:replicas":{}}}`))
	if diff := cmp.Diff([]string{"spec.finalizers[x/y]", "spec.list[name=a].image"}, paths(s.minus(other))); diff != "" {
		t.Error(diff)
	}
	for _, tc := range []struct {
		keys []string
		want bool
	}{
		{[]string{"f:spec", "f:replicas"}, true},
		{[]string{"f:spec", "f:list", `k:{"name":"a"}`}, true},
		{[]string{"f:spec", "f:list", `k:{"name":"b"}`}, false},
		{[]string{"f:spec", "f:replicas", "f:below"}, true},
		{[]string{"f:status"}, false},
		{nil, false},
	} {
		if got := s.has(tc.keys); got != tc.want {
			t.Errorf("has(%q) = %v", tc.keys, got)
		}
	}
	if got := fieldSet(nil).with(replicas).without(replicas); len(got) != 0 {
		t.Errorf("with and without = %v", got)
	}
	if !s.without(replicas).with(replicas).equal(s) {
		t.Error("without and with do not cancel out")
	}
}

func TestKeyElements(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		`k:{"containerPort":80,"protocol":"TCP"}`: "[containerPort=80,protocol=TCP]",
		`k:{"port":1000000}`:                      "[port=1000000]",
		`v:"x"`:                                   "[x]",
		`i:3`:                                     "[3]",
		`f:a.b/c`:                                 "a.b/c",
		`k:broken`:                                "[broken]",
	} {
		if got := keyAsElement(key); got != want {
			t.Errorf("%s = %q, want %q", key, got, want)
		}
	}
	if got, want := (path{"metadata", "labels", `a.b/"c`, "[name=x]", ""}).String(), `metadata.labels["a.b/\"c"][name=x][""]`; got != want {
		t.Errorf("path = %s, want %s", got, want)
	}
}

// FuzzFieldSet compares with the server's own implementation of field sets.
func FuzzFieldSet(f *testing.F) {
	f.Add([]byte(`{"f:a":{},"f:b":{".":{},"f:c":{}}}`), []byte(`{"f:a":{}}`))
	f.Add([]byte(`{"f:l":{"k:{\"name\":\"x\"}":{".":{},"f:name":{}},"v:1":{},"i:0":{}}}`), []byte(`{"f:l":{}}`))
	f.Add([]byte(`{"f:a":{"f:b":{"f:c":{}}}}`), []byte(`{"f:a":{"f:b":{}}}`))
	f.Add([]byte(`[]`), []byte(`{"f:a":1}`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		mine := parseFields(a)
		for _, keys := range mine.leaves() {
			if !mine.has(keys) {
				t.Errorf("leaf %q is not in its set", keys)
			}
			if mine.without(keys).has(keys) {
				t.Errorf("%q is still there", keys)
			}
		}
		if got := mine.minus(mine); len(got) != 0 {
			t.Errorf("a set less itself has %q", got)
		}
		left, right, ok := theirs(a, b)
		if !ok {
			return
		}
		want := leafPaths(left, right)
		if diff := cmp.Diff(want, texts(parseFields(canonical(t, left)).minus(parseFields(canonical(t, right))))); diff != "" {
			t.Errorf("%s\n%s\n%s", a, b, diff)
		}
	})
}

func theirs(a, b []byte) (left, right *fieldpath.Set, ok bool) {
	left, right = &fieldpath.Set{}, &fieldpath.Set{}
	if left.FromJSON(bytes.NewReader(a)) != nil || right.FromJSON(bytes.NewReader(b)) != nil {
		return nil, nil, false
	}
	return left, right, true
}

func canonical(t *testing.T, s *fieldpath.Set) []byte {
	t.Helper()
	data, err := s.ToJSON()
	if err != nil {
		t.Skip("a set that cannot be written")
	}
	return data
}

// leafPaths are the leaves of a that are no members of b.
func leafPaths(a, b *fieldpath.Set) []string {
	var out []string
	for p := range a.Leaves().All() {
		if b.Has(p) {
			continue
		}
		keys := make([]string, 0, len(p))
		for _, e := range p {
			key, err := fieldpath.SerializePathElement(e)
			if err != nil {
				return nil
			}
			keys = append(keys, key)
		}
		out = append(out, strings.Join(keys, "\x00"))
	}
	slices.Sort(out)
	return out
}

func texts(list [][]string) []string {
	var out []string
	for _, keys := range list {
		out = append(out, strings.Join(keys, "\x00"))
	}
	return out
}
