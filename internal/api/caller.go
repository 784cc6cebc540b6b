package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// caller is one request's view: it asks the cluster what its token may see,
// and remembers the answers as long as the request lasts.
type caller struct {
	callers Callers
	token   string
	known   map[object.Access]bool
}

// errToken is the error of a token that the cluster does not take.
var errToken = errors.New("the cluster does not take this token")

// bearer is the token of a request; "" when there is none.
func bearer(r *http.Request) string {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || strings.ContainsAny(token, " \r\n") {
		return ""
	}
	return token
}

// may answers accesses, all of them with as few reviews as can be.
func (c *caller) may(ctx context.Context, wanted []object.Access) error {
	var unknown []object.Access
	for _, a := range wanted {
		if _, ok := c.known[a]; !ok {
			unknown = append(unknown, a)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	denied, err := c.callers.Denied(ctx, c.token, unknown)
	if fault.Is(err, fault.Denied) {
		return errToken // without its text, which is about the caller
	}
	if err != nil {
		return err
	}
	for _, a := range unknown {
		c.known[a] = true
	}
	for _, a := range denied {
		c.known[a] = false
	}
	return nil
}

// pods is the right that shows the apps of a namespace.
func pods(namespace string) object.Access {
	return object.Access{Verb: "list", Resource: "pods", Namespace: namespace}
}

// sees reports whether the apps of a namespace are shown: to those who may
// list the pods in it.
func (c *caller) sees(ctx context.Context, namespace string) (bool, error) {
	a := pods(namespace)
	if err := c.may(ctx, []object.Access{a}); err != nil {
		return false, err
	}
	return c.known[a], nil
}

// objects says which objects are shown: those that the caller may get. What
// has no resource in this cluster (any more) is not shown.
func (c *caller) objects(ctx context.Context, refs []object.Ref) (map[object.Ref]bool, error) {
	access := map[object.Ref]object.Access{}
	var wanted []object.Access
	for _, ref := range refs {
		resource, err := c.callers.Resource(ctx, ref)
		if err != nil {
			return nil, err
		}
		if resource == "" {
			continue
		}
		access[ref] = object.Access{Verb: "get", Group: ref.Group, Resource: resource, Namespace: ref.Namespace, Name: ref.Name}
		wanted = append(wanted, access[ref])
	}
	if err := c.may(ctx, wanted); err != nil {
		return nil, err
	}
	shown := map[object.Ref]bool{}
	for ref, a := range access {
		shown[ref] = c.known[a]
	}
	return shown, nil
}

// filter leaves the items whose object the caller may see, and counts the rest.
func filter[T any](ctx context.Context, c *caller, list []T, ref func(T) object.Ref) ([]T, int, error) {
	refs := make([]object.Ref, len(list))
	for i, item := range list {
		refs[i] = ref(item)
	}
	shown, err := c.objects(ctx, refs)
	if err != nil {
		return nil, 0, err
	}
	out := []T{}
	for i, item := range list {
		if shown[refs[i]] {
			out = append(out, item)
		}
	}
	return out, len(list) - len(out), nil
}

// nodes filters a tree. A node that is hidden hides what it owns.
func (c *caller) nodes(ctx context.Context, nodes []Node) ([]Node, int, error) {
	var refs []object.Ref
	var collect func([]Node)
	collect = func(list []Node) {
		for _, n := range list {
			refs = append(refs, n.Ref)
			collect(n.Children)
		}
	}
	collect(nodes)
	shown, err := c.objects(ctx, refs)
	if err != nil {
		return nil, 0, err
	}
	kept := 0
	var prune func([]Node) []Node
	prune = func(list []Node) []Node {
		var out []Node
		for _, n := range list {
			if shown[n.Ref] {
				kept++
				n.Children = prune(n.Children)
				out = append(out, n)
			}
		}
		return out
	}
	return append([]Node{}, prune(nodes)...), len(refs) - kept, nil
}
