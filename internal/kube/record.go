package kube

import (
	"cmp"
	"context"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// Happening is an Event to be written.
type Happening struct {
	// About is the object; it need not exist any more.
	About object.Ref
	// Name is that of the Event. Writing it twice is the same as once.
	Name string
	// Warning says that something is wrong.
	Warning bool
	// Reason is one word in upper camel case, Message has 1,024 bytes at most.
	Reason, Message string
}

// WriteEvent writes a v1 Event beside the object that it is about; Events of
// cluster-scoped objects stand in the namespace default.
func (c *Client) WriteEvent(ctx context.Context, h Happening) error {
	about, err := c.involved(ctx, h.About)
	if err != nil {
		return err
	}
	kind := "Normal"
	if h.Warning {
		kind = "Warning"
	}
	now := time.Now().UTC().Format(time.RFC3339)
	_, err = c.Create(ctx, &object.Object{Fields: map[string]any{
		"apiVersion": "v1", "kind": "Event",
		"metadata":       map[string]any{"name": h.Name, "namespace": cmp.Or(h.About.Namespace, "default")},
		"involvedObject": about, "reason": h.Reason, "message": h.Message, "type": kind, "count": int64(1),
		"firstTimestamp": now, "lastTimestamp": now, "source": map[string]any{"component": "tug"},
	}})
	if fault.Is(err, fault.Exists) {
		return nil
	}
	return err
}

// involved is the reference to an object, with its UID where it exists: kubectl
// describe looks for Events by it.
func (c *Client) involved(ctx context.Context, ref object.Ref) (map[string]any, error) {
	served, err := c.Serves(ctx, schema.GroupKind{Group: ref.Group, Kind: ref.Kind})
	if err != nil {
		return nil, err
	}
	gvk := schema.GroupVersionKind{Group: ref.Group, Kind: ref.Kind}
	if len(served) > 0 {
		gvk.Version = served[0]
	}
	about := map[string]any{"apiVersion": gvk.GroupVersion().String(), "kind": ref.Kind, "name": ref.Name}
	if ref.Namespace != "" {
		about["namespace"] = ref.Namespace
	}
	if live, err := c.GetLive(ctx, gvk, ref.Namespace, ref.Name); err == nil {
		about["uid"] = string(live.UID)
	}
	return about, nil
}
