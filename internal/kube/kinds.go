package kube

import (
	"context"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Kinds are all kinds that the cluster serves, in their preferred version and
// sorted. Some of them cannot be listed (reviews, say).
func (c *Client) Kinds(ctx context.Context) ([]schema.GroupVersionKind, error) {
	known, err := c.catalogue(ctx, 0)
	if err != nil {
		return nil, err
	}
	var kinds []schema.GroupVersionKind
	for _, gk := range slices.SortedFunc(maps.Keys(known.kinds), func(a, b schema.GroupKind) int {
		return strings.Compare(a.String(), b.String())
	}) {
		kinds = append(kinds, gk.WithVersion(known.kinds[gk][0].version))
	}
	return kinds, nil
}
