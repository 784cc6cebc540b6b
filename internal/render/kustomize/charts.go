package kustomize

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"sigs.k8s.io/kustomize/api/types"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
)

// charts renders the helmCharts of a kustomization and puts their objects
// among its resources.
func (b *build) charts(n *node, in inherited) error {
	if len(n.k.HelmCharts) == 0 {
		return nil
	}
	var globals types.HelmGlobals
	if n.k.HelmGlobals != nil {
		globals = *n.k.HelmGlobals
	}
	for _, c := range n.k.HelmCharts {
		if c.Namespace == "" {
			c.Namespace = in.namespace
		}
		inflation := inflation{build: b, n: n, at: n.source(c.Name), chart: c, home: globals.ChartHome}
		if err := inflation.addTo(n); err != nil {
			return err
		}
	}
	n.k.HelmCharts, n.k.HelmGlobals, n.changed = nil, nil, true
	return nil
}

// chartPlugin is a chart that is configured by an object of its own, under
// generators.
func (b *build) chartPlugin(n *node, o *object.Object) error {
	data, err := json.Marshal(o.Fields)
	if err != nil {
		return fmt.Errorf("read %s: %w", o.Source, err)
	}
	var c struct {
		types.HelmGlobals
		types.HelmChart
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return fault.New(fault.Invalid, "%s: %w", o.Source, err)
	}
	inflation := inflation{build: b, n: n, at: o.Source, chart: c.HelmChart, home: c.ChartHome}
	return inflation.addTo(n)
}

// inflation is one chart in a kustomization, by the rules of kustomize's
// generator for charts.
type inflation struct {
	*build
	n     *node
	at    object.Source
	chart types.HelmChart
	home  string
}

func (i *inflation) addTo(n *node) error {
	request, err := i.request()
	if err != nil {
		return err
	}
	if i.helm == nil {
		return fault.New(fault.Invalid, "%s: chart %q: charts in kustomizations are switched off here", i.at, i.chart.Name)
	}
	result, err := i.helm.Render(i.ctx, request)
	if err != nil {
		return fmt.Errorf("%s: chart %q: %w", i.at, i.chart.Name, err)
	}
	i.warnings = append(i.warnings, result.Warnings...)
	i.random = append(i.random, result.Random...)
	m := manifest{}
	for _, o := range result.Objects {
		if i.leavesOut(o, request.Path) {
			continue
		}
		m.objects, m.marks = append(m.objects, o), append(m.marks, mark{helm: true})
	}
	n.k.Resources, n.changed = append(n.k.Resources, i.manifests(n, m)), true
	return nil
}

var crdFolder = regexp.MustCompile(`^(charts/[^/]+/)*crds/`)

// leavesOut says which objects the generator does not want: what is in crds/,
// unless includeCRDs is set, and hooks or tests where they are skipped.
func (i *inflation) leavesOut(o *object.Object, chart string) bool {
	file := strings.TrimPrefix(o.Source.File, chart+"/")
	if !i.chart.IncludeCRDs && o.GVK().Kind == "CustomResourceDefinition" && crdFolder.MatchString(file) {
		return true
	}
	hooks := strings.Split(strings.ReplaceAll(o.Annotation("helm.sh/hook"), " ", ""), ",")
	if hooks[0] == "" {
		return false
	}
	isTest := slices.ContainsFunc(hooks, func(h string) bool { return strings.HasPrefix(h, "test") })
	return i.chart.SkipHooks || i.chart.SkipTests && isTest
}

// request is the render of the chart.
func (i *inflation) request() (render.Request, error) {
	c := i.chart
	r := render.Request{
		Namespace: first(c.Namespace, i.build.request.Namespace, "default"),
		// What the environment says about the cluster holds for charts, too.
		KubeVersion: first(c.KubeVersion, i.build.request.KubeVersion),
		APIVersions: append(slices.Clone(i.build.request.APIVersions), c.ApiVersions...),
		Time:        i.build.request.Time, Generate: i.build.request.Generate,
		Sources: i.build.request.Sources, Allow: i.build.request.Allow,
	}
	if c.Name == "" {
		return r, fault.New(fault.Invalid, "%s: a chart has no name", i.at).Hint("add name: CHART")
	}
	var err error
	if r.Release, err = i.release(); err != nil {
		return r, err
	}
	if r.Files, r.Path, err = i.locate(); err != nil {
		return r, err
	}
	r.Values, err = i.values(r)
	return r, err
}

// release is the name of the release. Helm makes up one where there is none;
// that would be another with every render.
func (i *inflation) release() (string, error) {
	c := i.chart
	switch {
	case c.ReleaseName != "" && c.NameTemplate != "":
		return "", fault.New(fault.Invalid, "%s: chart %q has both releaseName and nameTemplate", i.at, c.Name).Hint("keep one of them")
	case c.NameTemplate != "":
		t, err := template.New("nameTemplate").Option("missingkey=error").Parse(c.NameTemplate)
		if err != nil {
			return "", fault.New(fault.Invalid, "%s: nameTemplate: %w", i.at, err).Hint("write releaseName instead")
		}
		var name strings.Builder
		if err := t.Execute(&name, nil); err != nil {
			return "", fault.New(fault.Invalid, "%s: nameTemplate: %w", i.at, err).Hint("write releaseName instead")
		}
		return name.String(), nil
	case c.ReleaseName == "":
		i.warnings = append(i.warnings, fmt.Sprintf("%s: chart %q has no releaseName; it is called release-name", i.at, c.Name))
		return "release-name", nil
	}
	return c.ReleaseName, nil
}

// locate finds the chart: in the folder of charts, or else where repo says.
func (i *inflation) locate() (fs.FS, string, error) {
	c := i.chart
	home := first(i.home, types.HelmDefaultHome)
	if c.Version != "" && c.Repo != "" {
		home = path.Join(home, c.Name+"-"+c.Version)
	}
	folder, ok := i.n.at.join(path.Join(home, c.Name))
	if !ok {
		return nil, "", outside(i.at.String(), first(i.home, c.Name))
	}
	if info, err := fs.Stat(folder.mount.fsys, folder.path); err == nil && info.IsDir() {
		return folder.mount.fsys, folder.path, nil
	}
	if c.Repo == "" {
		return nil, "", fault.New(fault.NotFound, "%s: chart %q is not in %s", i.at, c.Name, path.Dir(folder.path)).
			Hint("put the chart there, or say where it comes from with repo and version")
	}
	if i.build.request.Sources == nil {
		return nil, "", fault.New(fault.Invalid, "%s: chart %q is outside the repository, in %s", i.at, c.Name, withoutUser(c.Repo)).
			Hint("lock it with tug vendor lock, or put it into %s with tug vendor get", folder.path)
	}
	version := c.Version
	if version == "" && c.Devel {
		version = ">0.0.0-0"
	}
	got, err := i.build.request.Sources.Chart(i.ctx, render.ChartRef{Repository: c.Repo, Name: c.Name, Version: version, From: i.at})
	if err != nil {
		return nil, "", err
	}
	return got.Files, got.Path, nil
}

func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
