package preview_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tugops/tug/internal/preview"
)

// report compares one app with a text before and after.
func report(t *testing.T, base, head string) *preview.Report {
	t.Helper()
	r := &preview.Report{Base: "main", Head: "feature", Checked: 4}
	a, differs := preview.Compare("shop", "prod", side(t, base), side(t, head))
	if !differs {
		t.Fatal("nothing differs")
	}
	r.Apps = append(r.Apps, a)
	r.Finish()
	return r
}

func secret(value string) string {
	return "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {password: " + value + ", user: shop}\n"
}

func TestCommentTellsWhatIsAtRiskFirst(t *testing.T) {
	t.Parallel()
	r := report(t, web+"---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\n", strings.ReplaceAll(web, "web:1", "web:2"))
	r.Failures = []preview.Failure{{App: "jobs", Env: "dev", Revision: "feature", Error: "jobs/job.yaml:3: no such key", Hints: []string{"remove it"}}}
	text, cut := preview.Comment{Report: r, Checked: true, Findings: []preview.Finding{
		{Severity: "error", Rule: "schema-type", Place: "web.yaml:5", Message: "replicas is a | string"},
		{Severity: "warning", Rule: "image-unpinned", Message: "web:2 has no lock"},
	}}.Markdown(65536)
	if cut {
		t.Error("a short comment is cut")
	}
	want := []string{
		"### `main` → `feature`\n\n**1 of 4 apps differs in prod: 1 deleted, 1 changed; 1 render failed; 1 error, 1 warning**\n",
		"\n| `shop` | `prod` | 1 | 1 |  | **deletes 1 object that holds other things or data**<br>restarts the pods of 1 object |\n",
		"\n`jobs/dev` at `feature`\n```\njobs/job.yaml:3: no such key\nhint: remove it\n```\n",
		"\n| error | `web.yaml:5` | `replicas is a \\| string` | `schema-type` |\n| warning |  | `web:2 has no lock` | `image-unpinned` |\n",
		"\n<details><summary>shop/prod: 1 deleted, 1 changed</summary>\n\n```diff\n- delete PersistentVolumeClaim data\n! update Deployment web\n    spec.template.spec.containers[name=web].image: web:1 → web:2\n```\n\n</details>\n",
	}
	for _, part := range want {
		i := strings.Index(text, part)
		if i < 0 {
			t.Fatalf("the comment has not, or not in this order, %q:\n%s", part, text)
		}
		text = text[i:]
	}
}

func TestCommentShowsKeysOfSecretsOnly(t *testing.T) {
	t.Parallel()
	const canary = "canary-7f3a"
	r := report(t, secret(canary+"-old"), secret(canary+"-new")+"---\n"+strings.ReplaceAll(secret(canary), "name: db", "name: more"))
	text, _ := preview.Comment{Report: r}.Markdown(65536)
	if strings.Contains(text, canary) || !strings.Contains(text, "stringData.password: (secret 1) → (secret 2)") || !strings.Contains(text, "+ create Secret more") {
		t.Error(text)
	}
}

func TestCommentIsCutAtItsLimit(t *testing.T) {
	t.Parallel()
	r := &preview.Report{Base: "main", Head: "feature", Checked: 500}
	for i := range 500 {
		a, _ := preview.Compare(fmt.Sprintf("app-%03d", i), "prod", side(t, ""), side(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "+strings.Repeat("ä", 200)+"}\n"))
		r.Apps = append(r.Apps, a)
		r.Failures = append(r.Failures, preview.Failure{App: a.App, Revision: "main", Error: strings.Repeat("`", 5000)})
	}
	r.Finish()
	findings := make([]preview.Finding, 1000)
	for i := range findings {
		findings[i] = preview.Finding{Severity: "error", Message: strings.Repeat("m", 100)}
	}
	for _, limit := range []int{2000, 10_000, 65_536} {
		text, cut := preview.Comment{Report: r, Findings: findings, Checked: true, Full: "preview.md"}.Markdown(limit)
		if n := utf8.RuneCountInString(text); n > limit || !cut {
			t.Errorf("limit %d: %d characters, cut %v", limit, n, cut)
		}
		for _, want := range []string{"500 of 500 apps differ", "500 renders failed; 1000 errors", "The differences of ", "The whole report is in `preview.md`."} {
			if !strings.Contains(text, want) {
				t.Errorf("limit %d: no %q", limit, want)
			}
		}
		if strings.Count(text, "<details>") != strings.Count(text, "</details>") {
			t.Errorf("limit %d: a part is not whole", limit)
		}
	}
}

func TestCommentCannotBeWrittenByARepository(t *testing.T) {
	t.Parallel()
	r := report(t, "", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: \"</details> ``` @all\"}\n")
	r.Apps[0].App, r.Apps[0].Env = "a</summary>@all|`x", "p|`r"
	r.Failures = []preview.Failure{{App: "x", Revision: "main", Error: "`````\n# @all"}}
	text, _ := preview.Comment{Report: r}.Markdown(65536)
	for _, want := range []string{
		"| ``a</summary>@all\\|`x`` | ``p\\|`r`` |",
		"<summary>a&#60;/summary&#62;&#64;all&#124;&#96;x/p&#124;&#96;r: 1 new</summary>",
		"\n``````\n`````\n# @all\n``````\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
}
