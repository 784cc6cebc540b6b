package preview_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/preview"
)

func side(t *testing.T, text string) preview.Side {
	t.Helper()
	docs, err := object.ReadDocuments("app.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	s := preview.Side{Exists: true, Namespace: "shop"}
	for _, d := range docs {
		found, err := d.Objects()
		if err != nil {
			t.Fatal(err)
		}
		s.Objects = append(s.Objects, found...)
	}
	return s
}

const web = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {selector: {matchLabels: {app: web}}, template: {spec: {containers: [{name: web, image: "web:1"}]}}}
`

func TestRisks(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, base, head string
		want             []preview.Level
	}{
		{"restart", web, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {selector: {matchLabels: {app: web}}, template: {spec: {containers: [{name: web, image: "web:2"}]}}}
`, []preview.Level{preview.Restarts}},
		{"replace", web, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {selector: {matchLabels: {app: shop}}, template: {spec: {containers: [{name: web, image: "web:1"}]}}}
`, []preview.Level{preview.Replaces}},
		{"scale", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {replicas: 1}\n", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {replicas: 2}\n", nil},
		{"destroy", "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", "",
			[]preview.Level{preview.Destroys, preview.Deletes}},
		{"grant", "", "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: admin}\n", []preview.Level{preview.Grants}},
		{"hook", "apiVersion: batch/v1\nkind: Job\nmetadata: {name: m, annotations: {helm.sh/hook: pre-install}}\nspec: {template: {a: 1}}\n",
			"apiVersion: batch/v1\nkind: Job\nmetadata: {name: m, annotations: {helm.sh/hook: pre-install}}\nspec: {template: {a: 2}}\n", nil},
	} {
		a, differs := preview.Compare("shop", "prod", side(t, test.base), side(t, test.head))
		if !differs {
			t.Errorf("%s: nothing differs", test.name)
		}
		var got []preview.Level
		for _, r := range a.Risks {
			got = append(got, r.Level)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: risks (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestCompareAppsThatComeAndGo(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		base, head preview.Side
		differs    bool
		want       preview.Status
	}{
		{preview.Side{}, side(t, web), true, preview.Added},
		{side(t, web), preview.Side{}, true, preview.Removed},
		{side(t, web), side(t, web), false, preview.Changed},
		{preview.Side{}, preview.Side{}, false, preview.Changed},
		{preview.Side{Exists: true, Namespace: "old"}, preview.Side{Exists: true, Namespace: "new"}, true, preview.Changed},
	} {
		a, differs := preview.Compare("shop", "prod", test.base, test.head)
		if differs != test.differs || a.Status != test.want {
			t.Errorf("got %v %s, want %v %s", differs, a.Status, test.differs, test.want)
		}
	}
}

func TestFinishPutsTheWorstFirst(t *testing.T) {
	t.Parallel()
	r := preview.Report{}
	for name, sides := range map[string][2]preview.Side{
		"calm":   {side(t, ""), side(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")},
		"loses":  {side(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n"), side(t, "")},
		"shrink": {side(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"), side(t, "")},
		"gone":   {side(t, ""), {}},
	} {
		a, _ := preview.Compare(name, "prod", sides[0], sides[1])
		r.Apps = append(r.Apps, a)
	}
	r.Finish()
	var got []string
	for _, a := range r.Apps {
		got = append(got, a.App)
	}
	if diff := cmp.Diff([]string{"gone", "loses", "shrink", "calm"}, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(preview.Counts{Deleted: 2, Created: 1}, r.Total); diff != "" {
		t.Errorf("total (-want +got):\n%s", diff)
	}
}
