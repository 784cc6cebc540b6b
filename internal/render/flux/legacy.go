package flux

import (
	"encoding/json"
	"maps"
)

// modernKustomization rewrites the keys that v1beta1 and v1beta2 had and v1
// has not.
func modernKustomization(spec map[string]any) map[string]any {
	spec = maps.Clone(spec)
	delete(spec, "validation")
	modernPatches(spec)
	return spec
}

// modernRelease does it for HelmReleases of v2beta1 and v2beta2.
func modernRelease(spec map[string]any) map[string]any {
	spec = maps.Clone(spec)
	if chart, ok := spec["chart"].(map[string]any); ok {
		chart = maps.Clone(chart)
		spec["chart"] = chart
		if inner, ok := chart["spec"].(map[string]any); ok {
			inner = maps.Clone(inner)
			chart["spec"] = inner
			// valuesFile came first, and valuesFiles over it.
			if file, ok := inner["valuesFile"].(string); ok && file != "" {
				rest, _ := inner["valuesFiles"].([]any)
				inner["valuesFiles"] = append([]any{file}, rest...)
			}
			delete(inner, "valuesFile")
		}
	}
	list, _ := spec["postRenderers"].([]any)
	renderers := make([]any, 0, len(list))
	for _, entry := range list {
		if m, ok := entry.(map[string]any); ok {
			m = maps.Clone(m)
			if k, ok := m["kustomize"].(map[string]any); ok {
				k = maps.Clone(k)
				modernPatches(k)
				m["kustomize"] = k
			}
			entry = m
		}
		renderers = append(renderers, entry)
	}
	if list != nil {
		spec["postRenderers"] = renderers
	}
	return spec
}

// modernPatches turns the two old kinds of patches into patches: merges run
// before the others and JSON patches after them, as in a kustomization.
func modernPatches(m map[string]any) {
	var patches []any
	merges, _ := m["patchesStrategicMerge"].([]any)
	for _, p := range merges {
		patches = append(patches, map[string]any{"patch": asText(p)})
	}
	plain, _ := m["patches"].([]any)
	patches = append(patches, plain...)
	steps, _ := m["patchesJson6902"].([]any)
	for _, p := range steps {
		entry, ok := p.(map[string]any)
		if !ok {
			continue
		}
		entry = maps.Clone(entry)
		entry["patch"] = asText(entry["patch"])
		patches = append(patches, entry)
	}
	if len(patches) > 0 {
		m["patches"] = patches
	}
	delete(m, "patchesStrategicMerge")
	delete(m, "patchesJson6902")
}

func asText(v any) string {
	if text, ok := v.(string); ok {
		return text
	}
	data, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(data)
}
