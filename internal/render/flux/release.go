package flux

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/render"
)

// Names of releases: Helm allows 53 characters, and Flux ends longer ones with
// part of their hash.
const (
	maxRelease  = 53
	releaseHash = 12
)

// releaseName is the name Helm's release gets.
func (it *item) releaseName() string {
	name := it.release.Spec.ReleaseName
	if name == "" {
		name = it.ref.Name
		if target := it.release.Spec.TargetNamespace; target != "" {
			name = target + "-" + name
		}
	}
	if len(name) <= maxRelease {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return name[:maxRelease-releaseHash-1] + "-" + hex.EncodeToString(sum[:])[:releaseHash]
}

// releaseNamespace is where its objects go.
func (it *item) releaseNamespace() string {
	if target := it.release.Spec.TargetNamespace; target != "" {
		return target
	}
	return it.namespace()
}

// renderRelease renders the chart of a HelmRelease. It runs beside others, and
// writes into its item only.
func (r *run) renderRelease(ctx context.Context, it *item) (objects []*object.Object, err error) {
	if it.chart, err = r.chartOf(it); err != nil {
		return nil, err
	}
	if it.merged, err = r.releaseValues(it); err != nil {
		return nil, err
	}
	request, err := r.chartRender(ctx, it)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", it.chart, err)
	}
	result, err := r.engines.Helm.Render(ctx, request)
	if ctxErr := ctx.Err(); ctxErr != nil {
		return nil, ctxErr
	}
	if err != nil {
		return nil, fault.New(fault.KindOf(err), "%s: %w", it.chart, err).
			Hint("values of the chart are valuesFiles, valuesFrom and values of the HelmRelease")
	}
	it.warned, it.random = slices.Concat(it.sealed, r.unverified(it), result.Warnings), result.Random
	crds, others := split(result.Objects, request.Path)
	if !it.wantsCRDs() {
		crds = nil
	}
	if others, err = r.postRender(ctx, it, it.withoutHooks(others, r.request.Upgrade)); err != nil {
		return nil, err
	}
	objects = slices.Concat(crds, others)
	r.placeObjects(it, objects)
	return objects, nil
}

// unverified warns of signatures that Flux would check.
func (r *run) unverified(it *item) []string {
	asked := it.release.Spec.Chart != nil && it.release.Spec.Chart.Spec.Verify != nil
	if o, ok := r.set.get(it.chart.source); ok && it.chart.isRemote() {
		spec, _ := o.Fields["spec"].(map[string]any)
		asked = asked || spec["verify"] != nil
	}
	if !asked {
		return nil
	}
	return []string{"the signature of the chart is not verified: its content is compared with the lock"}
}

// chartRender is the request for the chart of a HelmRelease.
func (r *run) chartRender(ctx context.Context, it *item) (render.Request, error) {
	request := r.request
	var err error
	if request.Files, request.Path, err = r.chartFiles(ctx, it); err != nil {
		return request, err
	}
	values, err := json.Marshal(it.merged)
	if err != nil {
		return request, fmt.Errorf("write values: %w", err)
	}
	request.Release, request.Namespace = it.releaseName(), it.releaseNamespace()
	request.Values = []render.NamedValues{{Name: "values of " + it.String(), Data: values}}
	request.Generate = r.generator(it)
	return request, nil
}

// generator makes the random values of one HelmRelease its own, whatever order
// releases are rendered in: its name becomes an argument of each call.
func (r *run) generator(it *item) render.Generator {
	generate := r.request.Generate
	if generate == nil {
		generate = render.Placeholders()
	}
	return func(key string, fresh func() (string, error)) (string, error) {
		call, err := render.ParseCall(key)
		if err != nil {
			return "", err
		}
		call.Args = append(slices.Clone(call.Args), it.ref.Namespace+"/"+it.ref.Name)
		r.randomMu.Lock()
		defer r.randomMu.Unlock()
		return generate(call.Key(), fresh)
	}
}

// inCRDs fits the crds folders of a chart and of those inside it.
var inCRDs = regexp.MustCompile(`^(charts/[^/]+/)*crds/`)

// split tells the CRDs of crds/ folders, which Helm neither templates nor
// post-renders, from everything else. chart is the path of the chart.
func split(objects []*object.Object, chart string) (crds, others []*object.Object) {
	for _, o := range objects {
		file := o.Source.File
		if chart != "." {
			file = strings.TrimPrefix(file, path.Clean(chart)+"/")
		}
		if o.GVK().Kind == "CustomResourceDefinition" && inCRDs.MatchString(file) {
			crds = append(crds, o)
			continue
		}
		others = append(others, o)
	}
	return crds, others
}

// wantsCRDs follows the policies of install and upgrade. Helm never updates
// CRDs by default, and tug has no state apart from what is declared: they are
// left out only where both policies say so.
func (it *item) wantsCRDs() bool {
	spec := it.release.Spec
	install, upgrade := helmv2.Create, helmv2.Skip
	if spec.Install != nil {
		if spec.Install.CRDs != "" {
			install = spec.Install.CRDs
		} else if spec.Install.SkipCRDs {
			install = helmv2.Skip
		}
	}
	if spec.Upgrade != nil && spec.Upgrade.CRDs != "" {
		upgrade = spec.Upgrade.CRDs
	}
	return install != helmv2.Skip || upgrade != helmv2.Skip
}

// withoutHooks leaves out Helm hooks where they are switched off.
func (it *item) withoutHooks(objects []*object.Object, upgrade bool) []*object.Object {
	spec := it.release.Spec
	off := spec.Install != nil && spec.Install.DisableHooks
	if upgrade {
		off = spec.Upgrade != nil && spec.Upgrade.DisableHooks
	}
	if !off {
		return objects
	}
	return slices.DeleteFunc(objects, isHook)
}

func isHook(o *object.Object) bool { return o.Annotation(object.AnnotationHook) != "" }
