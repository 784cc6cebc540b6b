// Package helm renders Helm charts with Helm's own library: loader, value
// merging, dependency processing, template engine and sort order are Helm's.
//
// What differs from `helm template` is deliberate: charts are read through the
// request's file system and, for dependencies that are declared and not in
// charts/, its Sources; nothing else reaches the network (values.schema.json
// included) or the local disk, functions whose result differs from call to
// call ask the request's generator, and rendered text is parsed once and
// strictly. pkg/action stays out: it costs start-up time and memory.
package helm

import (
	"context"

	chart "helm.sh/helm/v4/pkg/chart/v2"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"

	"helm.sh/helm/v4/pkg/chart/common"
	commonutil "helm.sh/helm/v4/pkg/chart/common/util"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/render"
)

// Renderer renders charts. The zero value is ready for use.
type Renderer struct{}

var _ render.Renderer = Renderer{}

// Render renders the chart at r.Path, a folder or a packed chart (.tgz).
func (Renderer) Render(ctx context.Context, r render.Request) (render.Result, error) {
	if err := chartutil.ValidateReleaseName(r.Release); err != nil {
		return render.Result{}, fault.New(fault.Invalid, "release name %q: %w", r.Release, err)
	}
	values, err := userValues(ctx, r)
	if err != nil {
		return render.Result{}, err
	}
	s, err := load(ctx, r, values)
	if err != nil {
		return render.Result{}, err
	}
	run := &run{source: s, request: r}
	if err := guarded(func() error { return run.prepare(values) }); err != nil {
		return render.Result{}, err
	}
	return run.render(ctx)
}

// run is one render of one chart.
type run struct {
	*source
	request render.Request
	values  common.Values
	paths   map[string]string // template name of the engine -> path in the repository
	random  *random
}

// prepare resolves dependencies and values, as Helm does before it renders.
func (r *run) prepare(values map[string]any) error {
	if err := r.checkInstallable(); err != nil {
		return err
	}
	caps, err := capabilities(r.request)
	if err != nil {
		return err
	}
	if want := r.chart.Metadata.KubeVersion; want != "" && !chartutil.IsCompatibleRange(want, caps.KubeVersion.String()) {
		return fault.New(fault.Invalid, "%s: the chart needs Kubernetes %s, the environment has %s", r.file("Chart.yaml"), want, caps.KubeVersion.Version).
			Hint("set the environment's kubernetes version, or --kube-version")
	}
	if err := chartutil.ProcessDependencies(r.chart, values); err != nil {
		return fault.New(fault.Invalid, "%s: process dependencies: %w", r.root, err)
	}
	if err := r.checkSiblings(r.chart); err != nil {
		return err
	}
	options := common.ReleaseOptions{
		Name:      r.request.Release,
		Namespace: r.request.Namespace,
		Revision:  max(r.request.Revision, 1),
		IsInstall: !r.request.Upgrade,
		IsUpgrade: r.request.Upgrade,
	}
	r.values, err = commonutil.ToRenderValuesWithSchemaValidation(r.chart, values, options, caps, true)
	if err != nil {
		return fault.New(fault.Invalid, "%s: merge values: %w", r.root, err)
	}
	r.paths = map[string]string{}
	r.mapPaths(r.chart)
	merged, _ := r.values["Values"].(common.Values)
	return r.validate(merged)
}

// render runs the engine and reads what it wrote.
func (r *run) render(ctx context.Context) (render.Result, error) {
	r.random = newRandom(r.request)
	texts, err := r.execute(ctx)
	if err != nil {
		return render.Result{}, r.templateFault(err)
	}
	notes := r.takeNotes(texts)
	objects, err := r.objects(ctx, texts)
	if err != nil {
		return render.Result{}, err
	}
	return render.Result{
		Objects:  objects,
		Warnings: r.allWarnings(),
		Notes:    notes,
		Random:   r.randomUse(),
	}, nil
}

// execute runs the templates. text/template cannot be interrupted, so a
// context that ends, or templates that take too much, leave the engine behind
// to finish alone.
func (r *run) execute(ctx context.Context) (map[string]string, error) {
	type outcome struct {
		texts map[string]string
		err   error
	}
	done, over := make(chan outcome, 1), make(chan error, 1)
	e := engine.Engine{CustomTemplateFuncs: r.random.funcs()}
	go func() {
		texts, err := e.RenderWithContext(ctx, r.chart, r.values)
		done <- outcome{texts, err}
	}()
	watched, stop := context.WithCancel(ctx)
	defer stop()
	go func() { over <- usual().watch(watched) }()
	select {
	case o := <-done:
		return o.texts, o.err
	case err := <-over:
		return nil, err
	}
}

// mapPaths notes where the templates of c and its subcharts come from. An
// alias renames a chart in the engine, not in the repository.
func (r *run) mapPaths(c *chart.Chart) {
	prefix := c.ChartFullPath()
	for _, t := range c.Templates {
		r.paths[prefix+"/"+t.Name] = r.origin[t]
	}
	for _, d := range c.Dependencies() {
		r.mapPaths(d)
	}
}

// guarded turns a panic of Helm's library over strange input into a fault.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault.New(fault.Invalid, "the chart cannot be processed: %v", p)
		}
	}()
	return f()
}
