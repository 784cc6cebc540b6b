package apply

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/tugops/tug/internal/health"
	"github.com/tugops/tug/internal/object"
)

// podPatience is how long a wait goes on before it looks at pods: most
// rollouts are done by then and never ask.
const podPatience = 2 * time.Second

// startPods watches the pods of namespaces in which workloads are still not
// ready after podPatience, so that the reason (an image that cannot be
// pulled, a crash) is shown while tug waits. One watch per namespace; without
// the permission for it the wait goes on with less to tell.
func (w *waiter) startPods(ctx context.Context) {
	namespaces := map[string]bool{}
	for ref := range w.states {
		if runsPods(ref) {
			namespaces[ref.Namespace] = true
		}
	}
	for ns := range namespaces {
		w.watches.Go(func() {
			if sleep(ctx, podPatience) != nil || len(w.unready(ns)) == 0 {
				return
			}
			pods := podNotes{w: w, namespace: ns, trouble: map[string]podNote{}}
			// An error means no live reasons; the verdict does not depend on it.
			_ = w.r.c.Watch(ctx, podKind, ns, "", func(c object.Change) bool {
				pods.change(c)
				return ctx.Err() == nil
			})
		})
	}
}

// unready lists the targets in a namespace that run pods and are not ready,
// with the selectors of their pods.
func (w *waiter) unready(namespace string) map[*waiting]labels.Selector {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := map[*waiting]labels.Selector{}
	for ref, s := range w.states {
		if !runsPods(ref) || ref.Namespace != namespace || s.state != health.Progressing || s.object == nil {
			continue
		}
		list[s] = selectorOf(s.object)
	}
	return list
}

// podNotes keeps one line per pod that is in trouble; nothing of the others.
type podNotes struct {
	w         *waiter
	namespace string
	trouble   map[string]podNote // by pod name
	synced    bool
}

type podNote struct {
	labels  labels.Set
	created string
	text    string
}

// change is called by one goroutine.
func (n *podNotes) change(c object.Change) {
	if c.Synced {
		n.synced = true
		n.publish(nil)
		return
	}
	name, set := c.Object.Name(), labelsOf(c.Object)
	text := ""
	if !c.Deleted {
		text = podTrouble(c.Object)
	}
	if n.trouble[name].text == text {
		return
	}
	delete(n.trouble, name)
	if text != "" {
		created, _ := c.Object.Meta()["creationTimestamp"].(string)
		n.trouble[name] = podNote{labels: set, created: created, text: text}
	}
	if n.synced {
		n.publish(set)
	}
}

// publish gives each workload that is not ready the note of its newest
// troubled pod; with labels of a pod only those that select it.
func (n *podNotes) publish(of labels.Set) {
	for s, selector := range n.w.unready(n.namespace) {
		if of != nil && !selector.Matches(of) {
			continue
		}
		newest := podNote{}
		for _, note := range n.trouble {
			if note.after(newest) && selector.Matches(note.labels) {
				newest = note
			}
		}
		n.w.note(s, newest.text)
	}
}

// after orders notes by the age of their pods.
func (n podNote) after(o podNote) bool {
	return n.created > o.created || n.created == o.created && n.text > o.text
}

// note sets what a pod says about a target.
func (w *waiter) note(s *waiting, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended || s.pod == text {
		return
	}
	s.pod = text
	w.tell(s)
}

func labelsOf(o *object.Object) labels.Set {
	set := labels.Set{}
	m, _ := o.Meta()["labels"].(map[string]any)
	for k, v := range m {
		set[k], _ = v.(string)
	}
	return set
}
