package plan

import (
	"slices"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
)

// ownership says whose a live object is.
type ownership struct {
	mine bool
	// app is the key of the app it belongs to when that is another one. Where
	// only the label tells, it is a description of it.
	app string
	// key says that app is a key.
	key bool
}

func (w ownership) nobody() bool { return !w.mine && w.app == "" }

// ownerOf reads the marks of a live object (cluster-semantics.md 2.1). Marks
// that were removed by hand do not make an object foreign as long as it is the
// very one that the inventory has, by UID.
func (c *computer) ownerOf(l object.Live, item inventory.Item) ownership {
	owner, label := l.Annotations[object.AnnotationOwner], l.Labels[object.LabelApp]
	switch {
	case owner != "" && owner != c.key:
		return ownership{app: owner, key: true}
	case label != "" && label != c.hash:
		return ownership{app: "another app of tug (" + object.LabelApp + ": " + label + ")"}
	case owner == c.key, label == c.hash:
		return ownership{mine: true}
	case item.UID != "" && item.UID == l.UID:
		return ownership{mine: true}
	}
	return ownership{}
}

// provenMine reports whether a live object that no inventory names is ours
// beyond doubt: both marks, an entry of our own applies, and no controller
// that made it. Controllers copy labels (EndpointSlices have those of their
// Service), people copy whole objects.
func (c *computer) provenMine(l object.Live) bool {
	if l.Annotations[object.AnnotationOwner] != c.key || l.Labels[object.LabelApp] != c.hash {
		return false
	}
	if slices.ContainsFunc(l.OwnerRefs, func(r object.OwnerRef) bool { return r.Controller }) {
		return false
	}
	return len(l.Managers) == 0 || slices.ContainsFunc(l.Managers, func(e object.ManagerEntry) bool {
		return e.Manager == object.Manager && e.Operation == "Apply"
	})
}

// mayWrite is nil when a live object may be written: it is ours, it is handed
// to us, or it is one of those that exist in every cluster and that nobody
// owns (shared).
func (c *computer) mayWrite(l object.Live, item inventory.Item) *fault.Error {
	w := c.ownerOf(l, item)
	switch {
	case w.mine, c.handed(l.Ref, w):
		return nil
	case !w.nobody():
		return belongs(w)
	case shared(l.Ref) && tool(l) == "":
		return nil
	case tool(l) != "":
		return fault.New(fault.Conflict, "exists and is managed by %s", tool(l)).
			Hint("remove it there and keep the object, then delete the marks of that tool, or give yours another name")
	}
	e := fault.New(fault.Conflict, "exists, and no app of tug owns it%s", lastWriter(l))
	return e.Hint("give yours another name, or delete the existing one if it is not needed")
}

func belongs(w ownership) *fault.Error {
	f := fault.New(fault.Conflict, "belongs to %s", w.app).
		Hint("declare it in one of the two apps only; when %s no longer declares it, its next deploy hands it over", w.app)
	if namespace, app, ok := strings.Cut(w.app, "/"); ok && w.key {
		f.Hint("if that app has another name now: `tug delete -a %s -n %s` removes it and what it owns", app, namespace)
	}
	return f
}

func (c *computer) handed(ref object.Ref, w ownership) bool {
	from, ok := c.in.HandedToUs[ref]
	return ok && w.key && w.app == from
}

// shared are objects that are there before any app is, so that everyone
// declares them without having made them.
func shared(ref object.Ref) bool {
	gk := ref.GroupKind()
	return gk == namespaceKind || gk == crdKind || gk == accountKind && ref.Name == "default"
}

// tool names the other deployment tool that marked a live object as its own.
func tool(l object.Live) string {
	if r := l.Annotations["meta.helm.sh/release-name"]; r != "" {
		return "Helm release " + l.Annotations["meta.helm.sh/release-namespace"] + "/" + r
	}
	for _, mark := range []struct{ key, name string }{
		{"kustomize.toolkit.fluxcd.io/name", "the Flux Kustomization"},
		{"helm.toolkit.fluxcd.io/name", "the Flux HelmRelease"},
		{"kapp.k14s.io/app", "the kapp app"},
		{"argocd.argoproj.io/instance", "the Argo CD application"},
	} {
		if v := l.Labels[mark.key]; v != "" {
			return mark.name + " " + v
		}
	}
	if id := l.Annotations["argocd.argoproj.io/tracking-id"]; id != "" {
		app, _, _ := strings.Cut(id, ":")
		return "the Argo CD application " + app
	}
	return ""
}

// lastWriter tells who wrote an object last, for a message.
func lastWriter(l object.Live) string {
	var last object.ManagerEntry
	for _, e := range l.Managers {
		if e.Subresource == "" && !e.Time.Before(last.Time) {
			last = e
		}
	}
	if last.Manager == "" {
		return ""
	}
	return " (last written by " + last.Manager + ")"
}
