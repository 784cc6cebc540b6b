package cli

import (
	"context"

	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/kube"
	"github.com/tugops/tug/internal/notify/service"
	"github.com/tugops/tug/internal/object"
)

// clusterEvents writes Kubernetes Events: about the object of a fact, or about
// the record of the app, so that kubectl shows them without tug.
type clusterEvents struct{ client *kube.Client }

var _ service.Events = clusterEvents{}

// Record implements service.Events.
func (c clusterEvents) Record(ctx context.Context, h service.Happening) error {
	about := h.About
	if about.Kind == "" {
		about = object.Ref{Kind: "Secret", Namespace: h.Namespace, Name: inventory.HeadName(h.App)}
	}
	return c.client.WriteEvent(ctx, kube.Happening{
		About: about, Name: inventory.HeadName(h.App) + "." + h.Key, Warning: h.Warning, Reason: h.Reason, Message: h.Note,
	})
}
