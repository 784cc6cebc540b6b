package flux

import (
	"context"
	"fmt"
	"io/fs"
	"path"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
)

// chartRequest is which chart a HelmRelease asks for: a path in a tree, or a
// chart of a repository.
type chartRequest struct {
	source object.Ref
	// path is set for charts that lie in a tree.
	path string
	// remote is set for charts of a chart repository.
	remote render.ChartRef
	// valuesFiles replace the chart's own values.yaml.
	valuesFiles   []string
	ignoreMissing bool
}

// isRemote reports whether the chart comes from a chart repository.
func (c chartRequest) isRemote() bool { return c.remote.Repository != "" }

// String names the chart for people.
func (c chartRequest) String() string {
	if !c.isRemote() {
		return fmt.Sprintf("chart %s of %s %s", c.path, c.source.Kind, c.source.Name)
	}
	text := "chart"
	if c.remote.Name != "" {
		text += " " + c.remote.Name
	}
	if c.remote.Version != "" {
		text += " " + c.remote.Version
	}
	return text + " of " + c.remote.Repository
}

// missingChart looks for the source objects of a HelmRelease's chart.
func (r *run) missingChart(m *missing, it *item) {
	if _, err := r.chartOf(it); err != nil {
		m.required = append(m.required, err)
	}
}

// chartOf follows chart or chartRef to what is asked for.
func (r *run) chartOf(it *item) (chartRequest, error) {
	spec := it.release.Spec
	switch {
	case spec.Chart != nil && spec.ChartRef != nil:
		return chartRequest{}, fault.New(fault.Invalid, "has both spec.chart and spec.chartRef").Hint("keep one of them")
	case spec.Chart != nil:
		c := spec.Chart.Spec
		request := chartRequest{valuesFiles: c.ValuesFiles, ignoreMissing: c.IgnoreMissingValuesFiles}
		return r.chartFrom(it, request, it.source(c.SourceRef.Kind, c.SourceRef.Namespace, c.SourceRef.Name), c.Chart, c.Version)
	case spec.ChartRef != nil:
		ref := it.source(spec.ChartRef.Kind, spec.ChartRef.Namespace, spec.ChartRef.Name)
		switch ref.Kind {
		case kindHelmChart:
			return r.chartObject(it, ref)
		case kindOCIRepository:
			return r.ociChart(it, ref)
		case kindExternalArtifact:
			return chartRequest{source: ref, path: "."}, r.absentSource(ref)
		}
		return chartRequest{}, fault.New(fault.Invalid, "chartRef: kind %q is not known", ref.Kind).
			Hint("charts come from OCIRepository, HelmChart and ExternalArtifact")
	}
	return chartRequest{}, fault.New(fault.Invalid, "names no chart").Hint("add spec.chart or spec.chartRef")
}

// chartFrom is a chart by name and source.
func (r *run) chartFrom(it *item, c chartRequest, ref object.Ref, name, version string) (chartRequest, error) {
	c.source = ref
	if name == "" {
		return c, fault.New(fault.Invalid, "spec.chart.spec.chart is empty").Hint("name the chart, or its path in the repository")
	}
	switch ref.Kind {
	case kindGitRepository, kindBucket:
		c.path = name
		return c, r.absentSource(ref)
	case kindHelmRepository:
	default:
		return c, fault.New(fault.Invalid, "sourceRef: kind %q is not known for charts", ref.Kind).
			Hint("charts come from HelmRepository, GitRepository and Bucket")
	}
	o, ok := r.set.get(ref)
	if !ok {
		return c, r.absentSource(ref)
	}
	url, err := sourceURL(o)
	if err != nil {
		return c, err
	}
	if version == "*" {
		version = ""
	}
	c.remote = render.ChartRef{Repository: url, Name: name, Version: version, From: it.at}
	return c, nil
}

// chartObject is a chart that a HelmChart object asks for.
func (r *run) chartObject(it *item, ref object.Ref) (chartRequest, error) {
	o, ok := r.set.get(ref)
	if !ok {
		return chartRequest{}, r.absentSource(ref)
	}
	spec, _ := o.Fields["spec"].(map[string]any)
	source, _ := spec["sourceRef"].(map[string]any)
	text := func(m map[string]any, key string) string {
		s, _ := m[key].(string)
		return s
	}
	c := chartRequest{}
	c.ignoreMissing, _ = spec["ignoreMissingValuesFiles"].(bool)
	files, _ := spec["valuesFiles"].([]any)
	for _, f := range files {
		c.valuesFiles = append(c.valuesFiles, fmt.Sprint(f))
	}
	at := object.Ref{Group: groupSource, Kind: text(source, "kind"), Namespace: ref.Namespace, Name: text(source, "name")}
	return r.chartFrom(it, c, at, text(spec, "chart"), text(spec, "version"))
}

// ociChart is a chart that is an artifact of its own.
func (r *run) ociChart(it *item, ref object.Ref) (chartRequest, error) {
	c := chartRequest{source: ref}
	o, ok := r.set.get(ref)
	if !ok {
		return c, fmt.Errorf("chartRef: %w", r.absentChart(ref))
	}
	url, err := sourceURL(o)
	if err != nil {
		return c, err
	}
	spec, _ := o.Fields["spec"].(map[string]any)
	choice, _ := spec["ref"].(map[string]any)
	c.remote = render.ChartRef{Repository: url, From: it.at}
	if filter, _ := choice["semverFilter"].(string); filter != "" {
		return c, fault.New(fault.Invalid, "OCIRepository %s (%s): semverFilter is not supported", ref.Name, placeOf(o.Object)).Hint("write a tag or a digest")
	}
	for _, key := range []string{"digest", "semver", "tag"} {
		if text, _ := choice[key].(string); text != "" {
			c.remote.Version = text
			return c, nil
		}
	}
	c.remote.Version = "latest"
	return c, nil
}

// absentChart is absentSource for chartRef, where no source is this
// repository.
func (r *run) absentChart(ref object.Ref) error {
	f := fault.New(fault.NotFound, "%s %s/%s is not among the rendered objects", ref.Kind, ref.Namespace, ref.Name)
	if near := r.nearNames(ref); near != "" {
		f = f.Hint("there is %s", near)
	}
	return f.Hint("add it to the kustomization, or render the folder that has it as well")
}

func sourceURL(o found) (string, error) {
	spec, _ := o.Fields["spec"].(map[string]any)
	url, _ := spec["url"].(string)
	if url == "" {
		return "", fault.New(fault.Invalid, "%s %s/%s (%s) has no url", o.GVK().Kind, o.Namespace(), o.Name(), placeOf(o.Object))
	}
	return url, nil
}

// chartFiles gives the files of the chart that an item asks for, with the
// values files of the request in place of its values.yaml.
func (r *run) chartFiles(ctx context.Context, it *item) (files fs.FS, name string, err error) {
	if it.chart.isRemote() {
		return r.remoteChart(ctx, it.chart)
	}
	t, err := r.treeOf(ctx, it.chart.source)
	if err != nil {
		return nil, "", err
	}
	if name, err = t.find(it.chart.path); err != nil {
		return nil, "", fmt.Errorf("spec.chart.spec.chart: %w", err)
	}
	files = t.files
	if len(it.chart.valuesFiles) == 0 {
		return files, name, nil
	}
	values, err := mergeFiles(it.chart, func(file string) ([]byte, error) {
		file, err := t.find(file)
		if err != nil {
			return nil, err
		}
		return readFile(t.files, file)
	})
	if err != nil {
		return nil, "", err
	}
	if files, name, err = unpacked(files, name); err != nil {
		return nil, "", err
	}
	return over(files, path.Join(name, defaultValuesKey), values), name, nil
}

// remoteChart asks the sources for a chart.
func (r *run) remoteChart(ctx context.Context, c chartRequest) (fs.FS, string, error) {
	if r.request.Sources == nil {
		return nil, "", outOfReach("it")
	}
	p, err := r.request.Sources.Chart(ctx, c.remote)
	if err != nil {
		return nil, "", err
	}
	if len(c.valuesFiles) == 0 {
		return p.Files, p.Path, nil
	}
	files, name, err := unpacked(p.Files, path.Clean(p.Path))
	if err != nil {
		return nil, "", err
	}
	values, err := mergeFiles(c, func(file string) ([]byte, error) {
		inside := path.Join(name, path.Clean(file))
		if !validPath(path.Clean(file)) {
			return nil, fault.New(fault.Invalid, "path %q leads out of the chart", file)
		}
		return readFile(files, inside)
	})
	if err != nil {
		return nil, "", err
	}
	return over(files, path.Join(name, defaultValuesKey), values), name, nil
}
