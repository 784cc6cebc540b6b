package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tugops/tug/bench/internal/sample"
)

// The works that are measured.
const (
	FloorApply    = "floor: 1,000 applies, 16 at once"
	FloorLists    = "floor: four metadata lists"
	HelmInstall   = "helm install"
	HelmUpgrade   = "helm upgrade, unchanged"
	HelmUninstall = "helm uninstall (does not look)"
	TugFirst      = "tug deploy --no-wait, first"
	TugReady      = "tug deploy, first, until ready"
	TugSame       = "tug deploy, unchanged"
	TugPlan       = "tug plan, unchanged"
	TugDelete     = "tug delete, until gone"
	KubectlApply  = "kubectl apply --server-side"
	KubectlDiff   = "kubectl diff --server-side, unchanged"
	KubectlDelete = "kubectl delete, until gone"
	TugRender     = "tug render, 30 subcharts"
	HelmTemplate  = "helm template, 30 subcharts"
	// The apps are those of workload.WriteRevisions.
	TugDiffCold     = "tug diff, 500 apps x 2 revisions, cold"
	TugDiffWarm     = "tug diff, 500 apps, one changed, warm"
	TugRenderAll    = "tug render, 500 apps, --no-cache"
	TugRenderAllHot = "tug render, 500 apps, nothing changed"
	PeersRenderAll  = "helm template or kubectl kustomize, 500 apps"
	TugRenderMany   = "tug render, 20,000 objects"
	// The charts are those of workload.WriteDependencies.
	HelmDependencies      = "helm dependency build, 40 over HTTP"
	TugDependencies       = "tug render, 40 dependencies over HTTP, cold"
	TugDependenciesLocked = "tug render, 40 dependencies, locked and cached"
	// The engines alone, in one process: BenchmarkUmbrella of internal/render/helm
	// and the charts of BenchmarkHit of internal/snapshot, added up.
	EngineHelm    = "engine: Helm's, 30 subcharts"
	EngineTug     = "engine: tug's, 30 subcharts"
	EngineCold    = "engine: real charts, rendered"
	EngineHot     = "engine: real charts, found in the cache"
	TugVersion    = "tug version"
	KubectlClient = "kubectl version --client"
)

// tugOnCluster is the work whose memory has a budget.
func tugOnCluster() []string { return []string{TugFirst, TugReady, TugSame, TugPlan, TugDelete} }

// Budget is one line of an issue's "Speed and memory".
type Budget struct {
	What         string
	Value, Limit float64
	Unit         string
	// Below says that the limit itself is too much.
	Below bool
}

// Pass reports whether the budget is kept. What was not measured does not pass.
func (b Budget) Pass() bool {
	if b.Below {
		return b.Value < b.Limit
	}
	return b.Value <= b.Limit
}

// Verdict is the word for Pass.
func (b Budget) Verdict() string {
	if b.Pass() {
		return "PASS"
	}
	return "OVER"
}

// Value and limit with their unit, for people.
func (b Budget) String() string {
	sign := "<="
	if b.Below {
		sign = "<"
	}
	return fmt.Sprintf("%s %s: %s (%s %s)", b.Verdict(), b.What, amount(b.Value, b.Unit), sign, amount(b.Limit, b.Unit))
}

func amount(v float64, unit string) string {
	if unit == "" {
		return fmt.Sprintf("%.3f", v)
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0") + " " + unit
}

// Budgets holds the results against the budgets.
func (r *Results) Budgets() []Budget {
	ratio := func(a, b string) float64 { return r.wall(a) / r.wall(b) }
	return []Budget{
		{What: "first deploy without waiting / helm install", Value: ratio(TugFirst, HelmInstall), Limit: 0.8},
		{What: "first deploy until ready / helm install", Value: ratio(TugReady, HelmInstall), Limit: 1.6},
		{What: "unchanged deploy / helm upgrade", Value: ratio(TugSame, HelmUpgrade), Limit: 1.0 / 15},
		{What: "writes of an unchanged deploy", Value: r.requests(TugSame, "write"), Limit: 0, Unit: "requests"},
		{What: "dry runs of an unchanged deploy", Value: r.requests(TugSame, "dry-run"), Limit: 0, Unit: "requests"},
		{What: "delete until gone / helm install", Value: ratio(TugDelete, HelmInstall), Limit: 1.5},
		{What: "anonymous memory of tug, most", Value: r.memory() / (1 << 20), Limit: 100, Unit: "MiB", Below: true},
		{What: "tug's engine / Helm's engine, 30 subcharts", Value: ratio(EngineTug, EngineHelm), Limit: 1},
		{What: "tug diff, 500 apps x 2 revisions, cold", Value: r.wall(TugDiffCold), Limit: 15, Unit: "s", Below: true},
		{What: "tug diff, 500 apps, one changed, warm", Value: r.wall(TugDiffWarm), Limit: 1, Unit: "s", Below: true},
		{What: "render found in the cache / rendered, real charts", Value: ratio(EngineHot, EngineCold), Limit: 0.1},
		{What: "anonymous memory of tug, 20,000 objects", Value: r.anon(TugRenderMany) / (1 << 20), Limit: 300, Unit: "MiB", Below: true},
		{What: "tug render with 40 dependencies over HTTP / helm dependency build", Value: ratio(TugDependencies, HelmDependencies), Limit: 0.2},
		{What: "tug version", Value: r.wall(TugVersion) * 1000, Limit: 40, Unit: "ms", Below: true},
	}
}

// requests is how often a work asked for one thing; not a number when nobody
// counted.
func (r *Results) requests(name, verb string) float64 {
	seen, ok := r.Requests[name]
	if !ok {
		return sample.Series(nil).Max()
	}
	return float64(seen[verb])
}

// anon is the most memory that a work used, in bytes.
func (r *Results) anon(name string) float64 {
	if row := r.Row(name); row != nil {
		return row.Anon.Max()
	}
	return sample.Series(nil).Max()
}

// memory is the most that tug used in any run on the cluster, in bytes.
func (r *Results) memory() float64 {
	var all sample.Series
	for _, row := range r.rows {
		if slices.Contains(tugOnCluster(), row.Name) {
			all = append(all, row.Anon...)
		}
	}
	return all.Max()
}
