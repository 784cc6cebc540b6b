package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

func TestPathKeys(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]string{
		"spec.replicas":                    {"f:spec", "f:replicas"},
		`metadata.annotations["a.b/c"]`:    {"f:metadata", "f:annotations", "f:a.b/c"},
		"spec.containers[name=web].image":  {"f:spec", "f:containers", `k:{"name":"web"}`, "f:image"},
		"spec.ports[port=80,protocol=TCP]": {"f:spec", "f:ports", `k:{"port":80,"protocol":"TCP"}`},
		`data["with ] bracket"]`:           {"f:data", "f:with ] bracket"},
	} {
		got, err := pathKeys(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", in, diff)
		}
	}
	for _, bad := range []string{"", "a..b", "a[", `a["b`, `a["b"`, "a[web]", "a[=x]"} {
		if _, err := pathKeys(bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q is accepted: %v", bad, err)
		}
	}
}

func FuzzPathKeys(f *testing.F) {
	f.Add(`spec.containers[name=web].env["A"]`)
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := pathKeys(text)
		if err == nil && len(keys) == 0 {
			t.Errorf("%q gives no keys", text)
		}
	})
}

func TestIgnoreMatches(t *testing.T) {
	t.Parallel()
	ref := object.Ref{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web-1"}
	for rule, want := range map[Ignore]bool{
		{}:                                  true,
		{Kind: "Deployment", Name: "web-*"}: true,
		{Kind: "deployment"}:                false,
		{Group: "apps", Namespace: "other"}: false,
		{Name: "[ab]*"}:                     false,
	} {
		if got := rule.matches(ref); got != want {
			t.Errorf("%+v matches %v, want %v", rule, got, want)
		}
	}
	if err := (Ignore{Name: "[", Path: "a"}).Check(); err == nil || !strings.Contains(err.Error(), "[") {
		t.Errorf("a broken pattern is accepted: %v", err)
	}
}
