package kube

import (
	"context"
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tugops/tug/internal/fault"
)

// errExpired marks a continue token or a resource version that the server
// does not know any more (410).
var errExpired = errors.New("too old for the server")

// fault translates what client-go returned for a request about s.
func (c *Client) fault(ctx context.Context, s subject, err error) error {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	if cause := ctx.Err(); cause != nil {
		if errors.Is(cause, context.DeadlineExceeded) {
			return fault.New(fault.Unavailable, "%s: no time left: %w", s, cause)
		}
		return fault.New(fault.Interrupted, "%s: %w", s, cause)
	}
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		return c.statusFault(s, status.Status(), err)
	}
	return c.networkFault(s, err)
}

// statusFault translates an answer of the API server.
func (c *Client) statusFault(s subject, st v1.Status, err error) error {
	switch {
	case isTypeMissing(err):
		return notServed(s, nil)
	case st.Code == 410:
		return fault.New(fault.Unavailable, "%s: %w", s, errExpired)
	case st.Reason == v1.StatusReasonAlreadyExists:
		return fault.New(fault.Exists, "%s already exists", s)
	case st.Code == 404:
		return notFoundFault(s, st)
	case st.Code == 401:
		return fault.New(fault.Denied, "%s: the cluster does not accept the credentials", s).
			Hint("log in again, or check the user of kubeconfig context %q: tokens and client certificates expire", c.context)
	case st.Code == 409:
		return conflictFault(s, st)
	case st.Code == 403:
		return deniedFault(s, st)
	case isWebhookFailure(st):
		return webhookFault(s, st)
	case st.Code == 429 || st.Code >= 500 && !isTypedPatch(st):
		return fault.New(fault.Unavailable, "%s: the API server says %s", s, s.message(st)).
			Hint("try again; if it persists, look at the API server and its webhooks")
	case st.Code == 400 && strings.Contains(st.Message, "is waiting to start"), strings.Contains(st.Message, "previous terminated container"):
		return fault.New(fault.NotReady, "%s: %s", s, s.message(st))
	case st.Code == 400 || st.Code == 422 || st.Code == 413 || isTypedPatch(st):
		return invalidFault(s, st)
	default:
		return fault.New(fault.Invalid, "%s: %s", s, s.message(st))
	}
}

// isTypeMissing reports a 404 of the path itself instead of an object: the
// router answers it in plain text, for which client-go makes up a cause.
func isTypeMissing(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Code != 404 {
		return false
	}
	d := status.Status().Details
	return d == nil || apierrors.HasStatusCause(err, v1.CauseTypeUnexpectedServerResponse) || d.Kind == "" && d.Name == ""
}

func notFoundFault(s subject, st v1.Status) error {
	if d := st.Details; d != nil && d.Kind == "namespaces" && s.gvk.Kind != "Namespace" {
		return fault.New(fault.NotFound, "%s: namespace %q does not exist", s, d.Name).
			Hint("create it, or let tug do so with --create-namespace")
	}
	return fault.New(fault.NotFound, "%s does not exist", s)
}

// conflictFault tells the three conflicts apart: fields of other managers,
// objects that changed, namespaces that go.
func conflictFault(s subject, st v1.Status) error {
	var fields []string
	for _, cause := range causes(st) {
		if cause.Type == v1.CauseTypeFieldManagerConflict {
			fields = append(fields, fmt.Sprintf("%s (%s)", fieldPath(cause.Field), managerOf(cause.Message)))
		}
	}
	if len(fields) > 0 {
		return fault.New(fault.Conflict, "%s: other managers own %s", s, list(fields)).
			Hint("leave these fields to them, or make them give the fields up")
	}
	return fault.New(fault.Conflict, "%s: %s", s, s.message(st)).
		Hint("somebody changed or replaced it meanwhile: try again")
}
