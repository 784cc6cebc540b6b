package kustomize

import (
	"maps"
	"slices"

	"sigs.k8s.io/kustomize/api/types"
)

// modernize writes old fields as new ones, where both mean the same: the
// library would print a warning on standard error for each of them.
func modernize(n *node, _ inherited) error {
	if len(n.k.CommonLabels) > 0 && len(n.configurations) == 0 {
		n.k.Labels = append(slices.Clip(n.k.Labels), types.Label{Pairs: n.k.CommonLabels, IncludeSelectors: true})
		n.k.CommonLabels, n.changed = nil, true
	}
	if len(n.k.PatchesStrategicMerge) > 0 {
		var patches []types.Patch
		for _, p := range n.k.PatchesStrategicMerge {
			if inline(string(p)) {
				patches = append(patches, types.Patch{Patch: string(p)})
			} else {
				patches = append(patches, types.Patch{Path: string(p)})
			}
		}
		n.k.Patches = append(patches, n.k.Patches...)
		n.k.PatchesStrategicMerge, n.changed = nil, true
	}
	return nil
}

// markSources makes generators note where their objects come from.
func (n *node) markSources() {
	if len(n.k.ConfigMapGenerator) == 0 && len(n.k.SecretGenerator) == 0 {
		return
	}
	mark := func(g *types.GeneratorArgs) {
		options := types.GeneratorOptions{}
		if g.Options != nil {
			options = *g.Options
		}
		options.Annotations = maps.Clone(options.Annotations)
		if options.Annotations == nil {
			options.Annotations = map[string]string{}
		}
		options.Annotations[sourceMark] = "0 " + n.file.String()
		g.Options = &options
	}
	for i := range n.k.ConfigMapGenerator {
		mark(&n.k.ConfigMapGenerator[i].GeneratorArgs)
	}
	for i := range n.k.SecretGenerator {
		mark(&n.k.SecretGenerator[i].GeneratorArgs)
	}
	n.changed = true
}
