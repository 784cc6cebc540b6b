package metrics_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/metrics"
	"github.com/tugops/tug/internal/notify"
)

func text(t *testing.T, m *metrics.Agent) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, "text/plain; version=0.0.4") {
		t.Errorf("content type %q", got)
	}
	return w.Body.String()
}

// samples are the lines of one family.
func samples(text, name string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, name) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

func TestTextFormat(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	m.Build.Set(1, "v1\n\"\\\xff")
	m.Renders.Add(2, "rendered")
	m.Renders.Add(1, "cached")
	m.Renders.Add(-5, "cached")
	for _, v := range []float64{0.01, 0.02, 4, 100} {
		m.RenderTime.Observe(v)
	}
	all := text(t, m)
	if got, want := samples(all, "tug_build_info"), "tug_build_info{version=\"v1\\n\\\"\\\\\uFFFD\"} 1\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if d := cmp.Diff("tug_renders_total{result=\"cached\"} 1\ntug_renders_total{result=\"rendered\"} 2\n", samples(all, "tug_renders_total")); d != "" {
		t.Error(d)
	}
	want := ""
	for _, line := range []string{
		`bucket{le="0.01"} 1`, `bucket{le="0.025"} 2`, `bucket{le="0.05"} 2`, `bucket{le="0.1"} 2`, `bucket{le="0.25"} 2`,
		`bucket{le="0.5"} 2`, `bucket{le="1"} 2`, `bucket{le="2.5"} 2`, `bucket{le="5"} 3`, `bucket{le="10"} 3`, `bucket{le="+Inf"} 4`,
		`sum 104.03`, `count 4`,
	} {
		want += "tug_render_duration_seconds_" + line + "\n"
	}
	if d := cmp.Diff(want, samples(all, "tug_render_duration_seconds")); d != "" {
		t.Error(d)
	}
}

func TestSeriesAreBoundedAndDropped(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	for i := range 30_000 {
		m.Heals.Add(1, fmt.Sprint(i), "prod", "shop")
	}
	got := samples(text(t, m), "tug_heals_total")
	if n := strings.Count(got, "\n"); n != 20_001 {
		t.Errorf("%d series", n)
	}
	if !strings.Contains(got, `{app="other",environment="other",namespace="other"} 10000`) {
		t.Error("what is too much is not counted")
	}
	m.Drop(map[string]string{"app": "7"})
	m.Drop(nil)
	if got := samples(text(t, m), "tug_heals_total"); strings.Contains(got, `app="7"`) || strings.Count(got, "\n") != 20_000 {
		t.Error("the series of an app that is gone stay, or others went with them")
	}
}

func TestFacts(t *testing.T) {
	t.Parallel()
	m, at := metrics.New(), time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	app := event.Fact{App: "shop", Env: "prod", Namespace: "shop", Time: at, Repository: "https://git.example/x", Release: 3, Took: 4 * time.Second}
	for _, k := range event.Kinds() {
		if k == event.KindDeleted {
			continue
		}
		f := app
		f.Kind, f.Objects = k, []event.Touched{{Manager: "kubectl-edit", At: at.Add(-200 * time.Millisecond)}}
		m.Fact(f)
	}
	m.Delivered(notify.Delivery{Channel: "team"})
	m.Delivered(notify.Delivery{Channel: "team", Err: errors.New("x")})
	m.Measure()
	all := text(t, m)
	for _, want := range []string{
		`tug_deploys_total{app="shop",environment="prod",namespace="shop",result="deployed"} 1`,
		`tug_deploys_total{app="shop",environment="prod",namespace="shop",result="failed"} 1`,
		`tug_heals_total{app="shop",environment="prod",namespace="shop"} 1`, `tug_heal_duration_seconds_bucket{le="0.25"} 1`,
		`tug_fights_total{app="shop",environment="prod",namespace="shop",manager="kubectl-edit"} 1`,
		`tug_app_release{app="shop",environment="prod",namespace="shop"} 3`, `tug_app_suspended{app="shop",environment="prod",namespace="shop"} 0`,
		`tug_source_ready{repository="https://git.example/x"} 1`,
		`tug_notifications_total{channel="team",result="failed"} 1`, `tug_notifications_total{channel="team",result="sent"} 1`,
	} {
		if !strings.Contains(all, want+"\n") {
			t.Errorf("no %s", want)
		}
	}
	app.Kind = event.KindDeleted
	m.Fact(app)
	if got := text(t, m); strings.Contains(got, `app="shop"`) {
		t.Error("the series of a deleted app stay")
	}
}

var (
	nameExp  = regexp.MustCompile(`\btug_[a-z_]+`)
	labelExp = regexp.MustCompile(`([a-z_]+)\s*=~?"|by \(([^)]*)\)|\{\{\s*(?:\$labels\.)?([a-z_]+)\s*\}\}`)
)

// check holds an expression and the texts beside it against the families.
func check(t *testing.T, where, expr string, texts ...string) int {
	t.Helper()
	known := map[string]metrics.Family{}
	for _, f := range metrics.New().Families() {
		known[f.Name] = f
		if f.Kind == metrics.HistogramKind {
			for _, end := range []string{"_bucket", "_sum", "_count"} {
				known[f.Name+end] = f
			}
		}
	}
	names := nameExp.FindAllString(expr, -1)
	labels := []string{"le"}
	for _, name := range names {
		f, ok := known[name]
		if !ok {
			t.Errorf("%s: there is no metric %s", where, name)
		}
		labels = append(labels, f.Labels...)
	}
	for _, m := range labelExp.FindAllStringSubmatch(expr+" "+strings.Join(texts, " "), -1) {
		for _, label := range strings.FieldsFunc(m[1]+","+m[2]+","+m[3], func(r rune) bool { return r == ',' || r == ' ' }) {
			if !slices.Contains(labels, label) {
				t.Errorf("%s: %v have no label %s", where, names, label)
			}
		}
	}
	return len(names)
}

// TestAlerts: every metric and label of the alerts exists.
func TestAlerts(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../docs/observe/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	for _, r := range file.Groups[0].Rules {
		if check(t, r.Alert, r.Expr, r.Annotations["summary"]) == 0 {
			t.Errorf("%s looks at nothing", r.Alert)
		}
	}
}

// TestDashboard: every metric and label of the dashboard exists.
func TestDashboard(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../docs/observe/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr, LegendFormat string }
		}
	}
	if err := json.Unmarshal(data, &board); err != nil {
		t.Fatal(err)
	}
	looked := 0
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			looked += check(t, p.Title, target.Expr, target.LegendFormat)
		}
	}
	if looked < 12 {
		t.Errorf("%d metrics on the dashboard", looked)
	}
}

// TestDocs: the table of the documentation is the families.
func TestDocs(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range metrics.New().Families() {
		labels := ""
		if f.Labels != nil {
			labels = "`" + strings.Join(f.Labels, "`, `") + "`"
		}
		if row := fmt.Sprintf("| `%s` | %s | %s | %s |", f.Name, f.Kind, labels, f.Help); !strings.Contains(string(data), row) {
			t.Errorf("docs/metrics.md has no row\n%s", row)
		}
	}
	for _, name := range nameExp.FindAllString(string(data), -1) {
		check(t, "docs/metrics.md", name)
	}
}
