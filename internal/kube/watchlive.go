package kube

import (
	"context"
	stdjson "encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tugops/tug/internal/object"
)

// WatchLive is Watch for metadata alone, managed fields included: what tells
// drift from metadata (cluster-semantics.md 3.2, 10.2). Of each object it keeps
// name, UID and resource version.
func (c *Client) WatchLive(ctx context.Context, gvk schema.GroupVersionKind, namespace, labelSelector string, handle func(object.LiveChange) bool) error {
	w := &liveWatcher{
		follower: follower{client: c}, gvk: gvk, namespace: namespace, selector: labelSelector,
		handle: handle, known: map[string]seen{},
	}
	w.list, w.stream = w.relist, w.follow
	return w.run(ctx)
}

// WatchOwned is WatchLive for the objects of one kind that carry the label of
// any app of tug.
func (c *Client) WatchOwned(ctx context.Context, gk schema.GroupKind, namespace string, handle func(object.LiveChange) bool) error {
	return c.WatchLive(ctx, gk.WithVersion(""), namespace, object.LabelApp, handle)
}

// Everywhere reports whether the identity may follow a kind in all namespaces,
// or at the cluster scope.
func (c *Client) Everywhere(ctx context.Context, gk schema.GroupKind) bool {
	r, err := c.Resource(ctx, gk)
	if err != nil {
		return false
	}
	denied, err := c.Denied(ctx, []object.Access{
		{Verb: "list", Group: r.Group, Resource: r.Resource}, {Verb: "watch", Group: r.Group, Resource: r.Resource},
	})
	return err == nil && len(denied) == 0
}

// seen is what is kept of an object.
type seen struct{ uid, version string }

// liveWatcher is the state of one WatchLive.
type liveWatcher struct {
	follower
	gvk       schema.GroupVersionKind
	namespace string
	selector  string
	handle    func(object.LiveChange) bool
	known     map[string]seen // by namespace/name
}

func (w *liveWatcher) relist(ctx context.Context) error {
	list, version, err := w.client.listLive(ctx, w.gvk, w.namespace, w.selector)
	if err != nil {
		return err
	}
	gone := maps.Clone(w.known)
	for _, l := range list {
		delete(gone, l.Ref.Namespace+"/"+l.Ref.Name)
		if err := w.changed(l); err != nil {
			return err
		}
	}
	for _, key := range slices.Sorted(maps.Keys(gone)) {
		namespace, name, _ := strings.Cut(key, "/")
		ref := object.Ref{Group: w.gvk.Group, Kind: w.gvk.Kind, Namespace: namespace, Name: name}
		if err := w.deleted(object.Live{Ref: ref, UID: gone[key].uid}); err != nil {
			return err
		}
	}
	w.version = version
	if w.synced {
		return nil
	}
	w.synced = true
	return w.tell(object.LiveChange{Synced: true})
}

func (w *liveWatcher) follow(ctx context.Context) error {
	what, path, err := w.client.collection(ctx, "watch", w.gvk, w.namespace)
	if err != nil {
		return err
	}
	body, err := w.client.open(ctx, call{
		method: http.MethodGet, path: path, params: w.watchParams(w.selector), what: what,
		accept: "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
	})
	if err != nil {
		return w.client.fault(ctx, what, err)
	}
	defer body.Close()
	frames := stdjson.NewDecoder(body)
	for {
		var f frame
		if err := frames.Decode(&f); err != nil {
			return ctx.Err()
		}
		if err := w.frame(ctx, what, f); err != nil {
			return err
		}
	}
}

func (w *liveWatcher) frame(ctx context.Context, what subject, f frame) error {
	if f.Type == "ERROR" {
		return w.failed(ctx, what, f.Object)
	}
	var meta v1.PartialObjectMetadata
	if err := stdjson.Unmarshal(f.Object, &meta); err != nil {
		return badAnswer(what, err)
	}
	if meta.ResourceVersion != "" {
		w.version = meta.ResourceVersion
	}
	pool := interner{texts: map[string]string{}, fields: map[string][]byte{}}
	switch f.Type {
	case "ADDED", "MODIFIED":
		return w.changed(pool.live(what, &meta.ObjectMeta))
	case "DELETED":
		return w.deleted(pool.live(what, &meta.ObjectMeta))
	default: // BOOKMARK moves the position only
		return nil
	}
}

func (w *liveWatcher) changed(l object.Live) error {
	key := l.Ref.Namespace + "/" + l.Ref.Name
	before, known := w.known[key]
	if known && before.uid == l.UID && before.version == l.ResourceVersion {
		return nil
	}
	w.known[key] = seen{l.UID, l.ResourceVersion}
	if known && before.uid != l.UID {
		if err := w.tell(object.LiveChange{Live: object.Live{Ref: l.Ref, UID: before.uid}, Deleted: true}); err != nil {
			return err
		}
	}
	return w.tell(object.LiveChange{Live: l})
}

func (w *liveWatcher) deleted(l object.Live) error {
	delete(w.known, l.Ref.Namespace+"/"+l.Ref.Name)
	return w.tell(object.LiveChange{Live: l, Deleted: true})
}

func (w *liveWatcher) tell(c object.LiveChange) error {
	if !w.handle(c) {
		return errHandled
	}
	return nil
}
