package flux

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// postRender runs the kustomize post-renderers of a HelmRelease over what its
// chart gave, then sets its common metadata. Helm hooks are post-rendered with
// the rest, on their own, or not at all.
func (r *run) postRender(ctx context.Context, it *item, objects []*object.Object) ([]*object.Object, error) {
	var plain, hooks []*object.Object
	switch it.release.Spec.PostRenderStrategy {
	case "", "combined":
		plain = objects
	case "separate", "nohooks":
		for _, o := range objects {
			if isHook(o) {
				hooks = append(hooks, o)
				continue
			}
			plain = append(plain, o)
		}
	default:
		return nil, fault.New(fault.Invalid, "postRenderStrategy %q is not known", it.release.Spec.PostRenderStrategy).
			Hint("it is combined, separate or nohooks")
	}
	plain, err := r.postRenderAll(ctx, it, plain)
	if err != nil {
		return nil, err
	}
	if it.release.Spec.PostRenderStrategy == "separate" {
		if hooks, err = r.postRenderAll(ctx, it, hooks); err != nil {
			return nil, err
		}
	}
	return slices.Concat(plain, hooks), nil
}

func (r *run) postRenderAll(ctx context.Context, it *item, objects []*object.Object) ([]*object.Object, error) {
	var err error
	for i, p := range it.release.Spec.PostRenderers {
		if p.Kustomize == nil {
			continue
		}
		if objects, err = r.kustomizeOver(ctx, p.Kustomize, objects); err != nil {
			return nil, fmt.Errorf("postRenderers.%d: %w", i, err)
		}
	}
	if common := it.release.Spec.CommonMetadata; common != nil {
		for _, o := range objects {
			setMetadata(o, common.Labels, common.Annotations)
		}
	}
	return objects, nil
}

// objectFolder holds the objects of a post-renderer, one file each, so that
// the result tells which is which.
const objectFolder = "rendered"

// kustomizeOver runs patches and images over objects, which keep their
// sources.
func (r *run) kustomizeOver(ctx context.Context, k *helmv2.Kustomize, objects []*object.Object) ([]*object.Object, error) {
	if len(objects) == 0 || len(k.Patches) == 0 && len(k.Images) == 0 {
		return objects, nil
	}
	files := map[string]content{}
	var resources []string
	for i, o := range objects {
		var text bytes.Buffer
		if err := object.WriteYAML(&text, []*object.Object{{Fields: o.Fields}}); err != nil {
			return nil, fmt.Errorf("write %s: %w", o.Ref(), err)
		}
		name := path.Join(objectFolder, strconv.Itoa(i)+".yaml")
		files[name] = content{data: text.Bytes()}
		resources = append(resources, name)
	}
	kustomization, err := json.Marshal(map[string]any{
		"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
		"resources": resources, "patches": patchList(k.Patches), "images": imageList(k.Images),
	})
	if err != nil {
		return nil, fmt.Errorf("write the kustomization: %w", err)
	}
	files[kustomizationNames()[0]] = content{data: kustomization}
	request := r.request
	request.Files, request.Path = overlay{files: files}, "."
	result, err := r.engines.Kustomize.Render(ctx, request)
	if err != nil {
		return nil, err
	}
	for _, o := range result.Objects {
		base := strings.TrimSuffix(path.Base(o.Source.File), ".yaml")
		if i, err := strconv.Atoi(base); err == nil && i < len(objects) {
			o.Source = objects[i].Source
		}
	}
	return result.Objects, nil
}
