package kube

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/tugops/tug/internal/object"
)

// parallelReviews bounds the access reviews under way.
const parallelReviews = 16

// Denied answers which of the accesses the identity does not have, in the
// order in which they were asked, each once. One SelfSubjectRulesReview per
// namespace answers most; a SelfSubjectAccessReview is asked only for what
// the rules leave open: cluster scope (the rules of a namespace mix both
// scopes), and namespaces for which an authorizer cannot list its rules.
func (c *Client) Denied(ctx context.Context, wanted []object.Access) ([]object.Access, error) {
	unique := distinct(wanted)
	reviews, err := c.rulesReviews(ctx, unique)
	if err != nil {
		return nil, err
	}
	allowed := make([]bool, len(unique))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(parallelReviews)
	for i, a := range unique {
		if review, ok := reviews[a.Namespace]; ok {
			if allowed[i] = review.allows(a); allowed[i] || !review.open() {
				continue
			}
		}
		g.Go(func() (err error) {
			allowed[i], err = c.accessReview(gctx, a)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var denied []object.Access
	for i, a := range unique {
		if !allowed[i] {
			denied = append(denied, a)
		}
	}
	return denied, nil
}

func distinct(wanted []object.Access) []object.Access {
	seen := map[object.Access]bool{}
	return slices.DeleteFunc(slices.Clone(wanted), func(a object.Access) bool {
		again := seen[a]
		seen[a] = true
		return again
	})
}

// rulesReviews asks for the rules of every namespace that is named.
func (c *Client) rulesReviews(ctx context.Context, wanted []object.Access) (map[string]*rules, error) {
	out := map[string]*rules{}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(parallelReviews)
	for _, a := range wanted {
		if a.Namespace == "" || out[a.Namespace] != nil {
			continue
		}
		var answer struct{ Status *rules }
		answer.Status = &rules{}
		out[a.Namespace] = answer.Status
		g.Go(func() error {
			spec := map[string]string{"namespace": a.Namespace}
			return c.review(gctx, "authorization.k8s.io/v1", "SelfSubjectRulesReview", "selfsubjectrulesreviews", spec, &answer)
		})
	}
	return out, g.Wait()
}

// accessReview asks one question.
func (c *Client) accessReview(ctx context.Context, a object.Access) (bool, error) {
	attributes := map[string]string{"verb": a.Verb, "group": a.Group, "resource": a.Resource,
		"subresource": a.Subresource, "namespace": a.Namespace, "name": a.Name}
	var answer struct{ Status struct{ Allowed bool } }
	spec := map[string]any{"resourceAttributes": attributes}
	err := c.review(ctx, "authorization.k8s.io/v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews", spec, &answer)
	return answer.Status.Allowed, err
}
