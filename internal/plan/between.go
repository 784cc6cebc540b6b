package plan

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/tugops/tug/internal/object"
)

// Between compares what two revisions render of one app, without a cluster:
// deletions first, then changes, then new objects, each in order of identity.
// Values of Secrets, ciphertext and what hide holds are masked; equal masks mean
// equal values within the result. Objects that only one side gives a namespace are the same
// when it is the app's.
//
// Hooks are compared like other objects. Of objects that repeat under one
// identity (hooks may) each is compared with the one in the same place.
func Between(namespace string, from, to []*object.Object, hide *object.Sensitive) []Change {
	b := between{namespace: namespace, masker: masker{s: Sensitive{Now: hide}}}
	before, after := b.index(from), b.index(to)
	for k, old := range before {
		if _, stays := after[k]; !stays {
			b.changes = append(b.changes, change(Delete, old))
		}
	}
	for k, now := range after {
		old, was := before[k]
		if !was {
			b.changes = append(b.changes, change(Create, now))
			continue
		}
		b.update(old, now)
	}
	slices.SortFunc(b.changes, func(x, y Change) int {
		return cmp.Or(cmp.Compare(danger(x.Action), danger(y.Action)), x.Ref.Compare(y.Ref), cmp.Compare(x.Source.String(), y.Source.String()))
	})
	for i := range b.changes {
		ch := &b.changes[i]
		ch.Fields = b.masker.fields(ch)
		hideCiphertext(ch.Fields)
	}
	return b.changes
}

type between struct {
	namespace string
	masker    masker
	changes   []Change
}

func (b *between) index(objects []*object.Object) map[string]*object.Object {
	index := make(map[string]*object.Object, len(objects))
	for _, o := range objects {
		ref := o.Ref()
		if ref.Namespace == "" {
			ref.Namespace = b.namespace
		}
		k := ref.Group + "\x00" + ref.Kind + "\x00" + ref.Namespace + "\x00" + ref.Name
		name := k
		for n := 2; index[name] != nil; n++ {
			name = k + "\x00" + strconv.Itoa(n)
		}
		index[name] = o
	}
	return index
}

func (b *between) update(old, now *object.Object) {
	if old.Namespace() != now.Namespace() {
		old = old.Copy()
		old.SetNamespace(now.Namespace())
	}
	diffs := diffObjects(old, now, nil)
	// SOPS metadata changes with every encryption and is not deployed.
	diffs = slices.DeleteFunc(diffs, func(d difference) bool { return len(d.path) > 0 && d.path[0] == "sops" })
	if len(diffs) == 0 {
		return
	}
	sortDiffs(diffs)
	ch := change(Update, now)
	ch.diffs, ch.hidden = diffs, old.Hidden || now.Hidden
	b.changes = append(b.changes, ch)
}

func change(a Action, o *object.Object) Change {
	gvk := o.GVK()
	ch := Change{Action: a, Ref: o.Ref(), Version: gvk.Version, Stage: StageOf(gvk.GroupKind()), Source: o.Source}
	if hook := HookOf(o); hook != nil {
		ch.Hook = hook
	}
	return ch
}

// danger orders actions for a reader: what goes first.
func danger(a Action) int {
	return slices.Index([]Action{Delete, Update, Create}, a)
}

// ciphertext begins a value that SOPS encrypted.
const ciphertext = "ENC[AES256_GCM,"

const encrypted = "(encrypted)"

// hideCiphertext shows that an encrypted value changed, and not its noise.
func hideCiphertext(fields []Field) {
	for i := range fields {
		fields[i].From, fields[i].To = withoutCiphertext(fields[i].From), withoutCiphertext(fields[i].To)
	}
}

func withoutCiphertext(v any) any {
	switch v := v.(type) {
	case string:
		if strings.Contains(v, ciphertext) {
			return encrypted
		}
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			out[key] = withoutCiphertext(item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = withoutCiphertext(item)
		}
		return out
	}
	return v
}
