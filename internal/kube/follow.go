package kube

import (
	"context"
	stdjson "encoding/json"
	"errors"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/json"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// Seconds after which the server is asked to end a watch, at least and at
// most; spread so that many clients do not come back at once.
const (
	watchLeast = 2 * 3600
	watchMost  = 4 * 3600
)

// relist reads everything anew and tells what differs from what is known.
func (w *watcher) relist(ctx context.Context) error {
	objects, version, err := w.client.list(ctx, w.gvk, w.namespace, w.selector)
	if err != nil {
		return err
	}
	gone := maps.Clone(w.known)
	for _, o := range objects {
		delete(gone, o.Namespace()+"/"+o.Name())
		if err := w.changed(o); err != nil {
			return err
		}
	}
	for _, key := range slices.Sorted(maps.Keys(gone)) {
		if err := w.deleted(gone[key]); err != nil {
			return err
		}
	}
	w.version = version
	if w.synced {
		return nil
	}
	w.synced = true
	return w.tell(object.Change{Synced: true})
}

// frame is one line of a watch.
type frame struct {
	Type   string             `json:"type"`
	Object stdjson.RawMessage `json:"object"`
}

// follow streams changes from the known position on. nil means that the
// stream ended in good order or was cut: the position still holds.
func (w *watcher) follow(ctx context.Context) error {
	what, path, err := w.client.collection(ctx, "watch", w.gvk, w.namespace)
	if err != nil {
		return err
	}
	r := call{method: http.MethodGet, path: path, params: w.watchParams(w.selector), what: what}
	body, err := w.client.open(ctx, r)
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

// frame takes one event of the stream and moves the position.
func (w *watcher) frame(ctx context.Context, what subject, f frame) error {
	if f.Type == "ERROR" {
		return w.failed(ctx, what, f.Object)
	}
	var fields map[string]any
	if err := json.Unmarshal(f.Object, &fields); err != nil {
		return badAnswer(what, err)
	}
	o := typed(what, fields)
	if version := o.ResourceVersion(); version != "" {
		w.version = version
	}
	switch f.Type {
	case "ADDED", "MODIFIED":
		return w.changed(o)
	case "DELETED":
		return w.deleted(o)
	default: // BOOKMARK moves the position only
		return nil
	}
}

// watchParams ask for changes from the known position on.
func (w *follower) watchParams(selector string) map[string]string {
	params := map[string]string{
		"watch":               "true",
		"allowWatchBookmarks": "true",
		"resourceVersion":     w.version,
		"timeoutSeconds":      strconv.Itoa(watchLeast + rand.IntN(watchMost-watchLeast)),
	}
	if selector != "" {
		params["labelSelector"] = selector
	}
	return params
}

// failed translates an ERROR event, which holds a Status.
func (w *follower) failed(ctx context.Context, what subject, raw []byte) error {
	var st v1.Status
	if err := stdjson.Unmarshal(raw, &st); err != nil {
		return badAnswer(what, err)
	}
	err := w.client.fault(ctx, what, &apierrors.StatusError{ErrStatus: st})
	if st.Code == http.StatusInternalServerError && !errors.Is(err, errExpired) {
		// A stream that broke inside the server: its position is in doubt.
		w.version = ""
	}
	if fault.Is(err, fault.Invalid) {
		return fault.New(fault.Unavailable, "%s: %w", what, err)
	}
	return err
}
