package kube

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// subject is what a request is about, for its errors.
type subject struct {
	verb string // of the authorizer: get, list, watch, create, patch ...
	gvk  schema.GroupVersionKind
	ref  object.Ref // without a name for requests on a collection
	text string     // instead of a ref, for requests that are about no object
	res  resource
	sent *object.Object // what was sent, to keep its secrets out of errors
	// guarded marks a JSON patch with a "test": its refusal means that the
	// object is not as expected (the server does not say which operation failed).
	guarded bool
}

// String names the subject at the head of an error.
func (s subject) String() string {
	switch {
	case s.text != "":
		return s.text
	case s.ref.Name != "":
		return s.ref.String()
	case s.ref.Namespace != "":
		return s.verb + " " + s.gvk.Kind + " in namespace " + s.ref.Namespace
	default:
		return s.verb + " " + s.gvk.Kind
	}
}

// secret reports whether errors could quote a secret value.
func (s subject) secret() bool { return s.gvk.Group == "" && s.gvk.Kind == "Secret" }

// young reports whether the kind was learned so lately that a server may not
// route it yet.
func (s subject) young() bool {
	return !s.res.learned.IsZero() && time.Since(s.res.learned) < learnedGrace
}

// collection is the subject and path of all objects of a kind in a namespace
// ("" for every namespace and for cluster-scoped kinds).
func (c *Client) collection(ctx context.Context, verb string, gvk schema.GroupVersionKind, namespace string) (subject, string, error) {
	return c.target(ctx, verb, gvk, namespace, "")
}

// single is the subject and path of one object.
func (c *Client) single(ctx context.Context, verb string, gvk schema.GroupVersionKind, namespace, name string) (subject, string, error) {
	s, path, err := c.target(ctx, verb, gvk, namespace, name)
	if err != nil {
		return s, "", err
	}
	if s.res.namespaced && namespace == "" {
		return s, "", fault.New(fault.Invalid, "%s: a %s needs a namespace", s, gvk.Kind)
	}
	if err := checkSegment(s, "name", name); err != nil {
		return s, "", err
	}
	return s, path + "/" + name, nil
}

// target finds the collection; name is for errors only.
func (c *Client) target(ctx context.Context, verb string, gvk schema.GroupVersionKind, namespace, name string) (subject, string, error) {
	s := subject{verb: verb, gvk: gvk, ref: object.Ref{Group: gvk.Group, Kind: gvk.Kind, Namespace: namespace, Name: name}}
	res, err := c.find(ctx, s)
	if err != nil {
		return s, "", err
	}
	if !res.namespaced {
		s.ref.Namespace, namespace = "", ""
	}
	s.res, s.gvk.Version = res, res.version
	if namespace != "" {
		if err := checkSegment(s, "namespace", namespace); err != nil {
			return s, "", err
		}
	}
	return s, res.path(gvk.Group, namespace), nil
}

// checkSegment refuses texts that would lead to another path of the API.
func checkSegment(s subject, what, text string) error {
	if text == "" {
		return fault.New(fault.Invalid, "%s: empty %s", s, what)
	}
	if wrong := rest.IsValidPathSegmentName(text); len(wrong) > 0 {
		return fault.New(fault.Invalid, "%s: %s %q %s", s, what, text, wrong[0])
	}
	return nil
}
