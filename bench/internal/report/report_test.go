package report_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/bench/internal/cluster"
	"github.com/tugops/tug/bench/internal/process"
	"github.com/tugops/tug/bench/internal/report"
)

func ran(ms int, anon int64) process.Usage {
	return process.Usage{Wall: time.Duration(ms) * time.Millisecond, CPU: time.Millisecond, Anon: anon << 20}
}

// within keeps every budget, at the limit where the limit is allowed.
func within() *report.Results {
	r := &report.Results{Requests: map[string]cluster.Requests{report.TugSame: {"list": 4}}}
	for name, ms := range map[string]int{
		report.HelmInstall: 1000, report.TugFirst: 800, report.TugReady: 1600, report.HelmUpgrade: 1500, report.TugSame: 100,
		report.TugDelete: 1500, report.TugRender: 70, report.HelmTemplate: 70, report.TugVersion: 39,
		report.TugDiffCold: 14999, report.TugDiffWarm: 999, report.TugRenderAll: 1000, report.TugRenderAllHot: 100, report.TugRenderMany: 900,
		report.HelmDependencies: 1000, report.TugDependencies: 200,
		report.EngineHelm: 20, report.EngineTug: 20, report.EngineCold: 100, report.EngineHot: 10,
	} {
		r.Add(name, ran(ms, 99), 0)
	}
	return r
}

func over(r *report.Results) (list []string) {
	for _, b := range r.Budgets() {
		if !b.Pass() {
			list = append(list, b.What)
		}
	}
	return list
}

func TestBudgetsAtTheLimitPass(t *testing.T) {
	t.Parallel()
	if list := over(within()); len(list) > 0 {
		t.Errorf("over: %q", list)
	}
}

func TestBudgetsOverTheLimitDoNotPass(t *testing.T) {
	t.Parallel()
	for want, worse := range map[string]func(*report.Results){
		"first deploy without waiting / helm install":                       func(r *report.Results) { r.Row(report.TugFirst).Wall[0] = 0.81 },
		"first deploy until ready / helm install":                           func(r *report.Results) { r.Row(report.TugReady).Wall[0] = 1.61 },
		"unchanged deploy / helm upgrade":                                   func(r *report.Results) { r.Row(report.TugSame).Wall[0] = 0.101 },
		"writes of an unchanged deploy":                                     func(r *report.Results) { r.Requests[report.TugSame]["write"] = 1 },
		"dry runs of an unchanged deploy":                                   func(r *report.Results) { r.Requests[report.TugSame]["dry-run"] = 1 },
		"delete until gone / helm install":                                  func(r *report.Results) { r.Row(report.TugDelete).Wall[0] = 1.51 },
		"anonymous memory of tug, most":                                     func(r *report.Results) { r.Row(report.TugPlan).Anon[0] = 100 << 20 },
		"tug's engine / Helm's engine, 30 subcharts":                        func(r *report.Results) { r.Row(report.EngineTug).Wall[0] = 0.021 },
		"tug diff, 500 apps x 2 revisions, cold":                            func(r *report.Results) { r.Row(report.TugDiffCold).Wall[0] = 15 },
		"tug diff, 500 apps, one changed, warm":                             func(r *report.Results) { r.Row(report.TugDiffWarm).Wall[0] = 1 },
		"render found in the cache / rendered, real charts":                 func(r *report.Results) { r.Row(report.EngineHot).Wall[0] = 0.011 },
		"anonymous memory of tug, 20,000 objects":                           func(r *report.Results) { r.Row(report.TugRenderMany).Anon[0] = 300 << 20 },
		"tug render with 40 dependencies over HTTP / helm dependency build": func(r *report.Results) { r.Row(report.TugDependencies).Wall[0] = 0.201 },
		"tug version": func(r *report.Results) { r.Row(report.TugVersion).Wall[0] = 0.040 },
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			r := within()
			r.Add(report.TugPlan, ran(1, 1), 0)
			worse(r)
			if diff := cmp.Diff([]string{want}, over(r)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatWasNotMeasuredDoesNotPass(t *testing.T) {
	t.Parallel()
	empty := &report.Results{}
	if n := len(over(empty)); n != len(empty.Budgets()) {
		t.Errorf("%d of %d budgets do not pass without measurements, want all", n, len(empty.Budgets()))
	}
}

func TestMarkdown(t *testing.T) {
	t.Parallel()
	r := &report.Results{
		Machine: report.Machine{Model: "Processor | 9", Cores: 2, Memory: 24 << 30, Loads: []string{"0.1 0.2 0.3", "1 2 3"}},
		Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Rounds: 2, Programs: []string{"tug 1", "helm 4"}, Command: "make bench",
		Requests: map[string]cluster.Requests{report.TugSame: {"list": 4, "get": 2}},
	}
	r.Add(report.HelmInstall, ran(2000, 40), time.Second)
	r.Add(report.HelmInstall, ran(4000, 50), 2*time.Second)
	r.Add(report.FloorApply, process.Usage{Wall: 1500 * time.Millisecond}, 0)
	text := r.Markdown()
	for _, want := range []string{
		`| machine | Processor \| 9, 2 cores, 24 GiB |`,
		"| load averages | 0.1 0.2 0.3 at the start; 1 2 3 at the end |",
		"| started | 2026-01-02T03:04:05Z |",
		"| helm install | 3.00 | 2.00 to 4.00 | 1.00 | 0.001 | 1.50 | 50 | 2 |",
		"| floor: 1,000 applies, 16 at once | 1.50 | 1.50 to 1.50 | 0.50 |  |  |  | 1 |",
		"| tug deploy, unchanged | 6 | 2 get, 4 list |",
		"| tug version | NaN ms | < 40 ms | OVER |",
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no line %q in\n%s", want, text)
		}
	}
}

func TestParseBenchmarks(t *testing.T) {
	t.Parallel()
	got := report.ParseBenchmarks("goos: linux\nBenchmarkHit/argo/argo-rollouts/hot-2 \t 1034\t   1083625 ns/op\t 5 B/op\nBenchmarkUmbrella/tug\t100\t12.5 ns/op\nPASS\nok  \tx\t1s\n")
	want := []report.Benchmark{
		{Name: "BenchmarkHit/argo/argo-rollouts/hot", PerOp: 1083625 * time.Nanosecond},
		{Name: "BenchmarkUmbrella/tug", PerOp: 12 * time.Nanosecond},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
