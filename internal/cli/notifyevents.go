package cli

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/kube"
	"github.com/tugops/tug/internal/notify/service"
	"github.com/tugops/tug/internal/object"
)

// clusterEvents writes Kubernetes Events: about the object of a fact, or about
// the record of the app, so that kubectl shows them without tug.
type clusterEvents struct{ client *kube.Client }

var _ service.Events = clusterEvents{}

// Record implements service.Events. An Event that is there already was written
// by an attempt before.
func (c clusterEvents) Record(ctx context.Context, h service.Happening) error {
	about, err := c.about(ctx, h)
	if err != nil {
		return err
	}
	kind := "Normal"
	if h.Warning {
		kind = "Warning"
	}
	now := time.Now().UTC().Format(time.RFC3339)
	namespace, _ := about["namespace"].(string)
	if namespace == "" {
		namespace = "default" // of cluster-scoped objects
	}
	_, err = c.client.Create(ctx, &object.Object{Fields: map[string]any{
		"apiVersion": "v1", "kind": "Event",
		"metadata":       map[string]any{"name": inventory.HeadName(h.App) + "." + h.Key, "namespace": namespace},
		"involvedObject": about, "reason": h.Reason, "message": h.Note, "type": kind, "count": int64(1),
		"firstTimestamp": now, "lastTimestamp": now, "source": map[string]any{"component": "tug"},
	}})
	if fault.Is(err, fault.Exists) {
		return nil
	}
	return err
}

// about is the reference to the object, with its UID where it exists:
// kubectl describe looks for Events by it.
func (c clusterEvents) about(ctx context.Context, h service.Happening) (map[string]any, error) {
	ref, version := h.About, ""
	if ref.Kind == "" {
		ref, version = object.Ref{Kind: "Secret", Namespace: h.Namespace, Name: inventory.HeadName(h.App)}, "v1"
	}
	if version == "" {
		served, err := c.client.Serves(ctx, schema.GroupKind{Group: ref.Group, Kind: ref.Kind})
		if err != nil {
			return nil, err
		}
		if len(served) > 0 {
			version = served[0]
		}
	}
	gvk := schema.GroupVersionKind{Group: ref.Group, Version: version, Kind: ref.Kind}
	about := map[string]any{"apiVersion": gvk.GroupVersion().String(), "kind": ref.Kind, "namespace": ref.Namespace, "name": ref.Name}
	if live, err := c.client.GetLive(ctx, gvk, ref.Namespace, ref.Name); err == nil {
		about["uid"] = string(live.UID)
	}
	return about, nil
}
