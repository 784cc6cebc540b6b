package inventory

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// Store reads and writes the record of one app.
type Store struct {
	objects        Objects
	namespace, app string
}

// NewStore is the store of an app whose record stands in namespace.
func NewStore(objects Objects, namespace, app string) *Store {
	return &Store{objects: objects, namespace: namespace, app: app}
}

// New is an empty record that is not in the cluster yet.
func (s *Store) New(env string) *Record {
	return &Record{Head: Head{App: s.app, Env: env, Namespace: s.namespace}}
}

// Load reads head and inventory, or gives nil when there is no head. It costs
// one read for the head and one for each chunk of the inventory.
//
// A head can vanish while its objects live on (somebody deleted the Secret):
// what the app owned is then found by label, see cluster-semantics.md 2.3.
func (s *Store) Load(ctx context.Context) (*Record, error) {
	// A writer may flip the head and collect the chunks of the old one between
	// our two reads; the second look then has a newer head.
	var last string
	for {
		h, err := s.LoadHead(ctx)
		if err != nil || h == nil {
			return nil, err
		}
		items, err := s.readItems(ctx, *h)
		if err == nil {
			return &Record{Head: *h, Items: items}, nil
		}
		if !fault.Is(err, fault.NotFound) || h.ResourceVersion == last {
			return nil, s.damaged(err)
		}
		last = h.ResourceVersion
	}
}

// LoadHead reads the head alone, or gives nil when there is none.
func (s *Store) LoadHead(ctx context.Context) (*Head, error) {
	o, err := s.objects.Get(ctx, SecretGVK(), s.namespace, HeadName(s.app))
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read record: %w", err)
	}
	h, err := headOf(o)
	if err != nil {
		return nil, s.damaged(err)
	}
	if h.App != s.app || h.Namespace != s.namespace {
		return nil, s.damaged(fault.New(fault.Invalid, "it is the record of %s", object.AppKey(h.Namespace, h.App)))
	}
	return &h, nil
}

func (s *Store) readItems(ctx context.Context, h Head) ([]Item, error) {
	plain, err := s.read(ctx, h.Items)
	if err != nil {
		return nil, err
	}
	return decodeItems(plain)
}

// ReadSnapshot reads what WriteSnapshot stored for a release.
func (s *Store) ReadSnapshot(ctx context.Context, r Release) ([]byte, error) {
	if len(r.Snapshot) == 0 {
		return nil, fault.New(fault.NotFound, "release %d of %s has no snapshot", r.Number, s.key())
	}
	plain, err := s.read(ctx, r.Snapshot)
	if err == nil {
		return plain, nil
	}
	err = fmt.Errorf("read snapshot of release %d of %s: %w", r.Number, s.key(), err)
	if !Damaged(err) {
		return nil, err
	}
	return nil, fault.New(fault.KindOf(err), "%w", err).
		Hint("restore the Secret, or use another release: `tug history -a %s -n %s` lists them", s.app, s.namespace)
}

// Damaged reports an error of Load or ReadSnapshot that says that something
// which was stored is missing or unreadable: trying again does not help.
func Damaged(err error) bool {
	return fault.Is(err, fault.NotFound) || fault.Is(err, fault.Invalid)
}

// read joins the chunks with the given names and checks their content against
// their names.
func (s *Store) read(ctx context.Context, names []string) ([]byte, error) {
	if len(names) > maxChunks {
		return nil, fault.New(fault.Invalid, "value of %d chunks, more than %d", len(names), maxChunks)
	}
	chunks := make([][]byte, 0, len(names))
	for _, name := range names {
		o, err := s.objects.Get(ctx, SecretGVK(), s.namespace, name)
		if err != nil {
			return nil, fmt.Errorf("read chunk %s: %w", name, err)
		}
		c, err := content(o)
		if err != nil {
			return nil, err
		}
		if chunkName(s.app, c) != name {
			return nil, fault.New(fault.Invalid, "chunk %s does not hold what its name says", name)
		}
		chunks = append(chunks, c)
	}
	return unpack(chunks)
}

// damaged says how to get out of a record that cannot be read.
func (s *Store) damaged(err error) error {
	if Damaged(err) {
		return fault.New(fault.Invalid, "record of %s: %w", s.key(), err).
			Hint("if it cannot be restored, delete Secret %s in namespace %s: tug then finds the objects of the app by their label, the history is lost",
				HeadName(s.app), s.namespace)
	}
	return fmt.Errorf("record of %s: %w", s.key(), err)
}

func (s *Store) key() string { return object.AppKey(s.namespace, s.app) }

// Heads reads the heads of all apps whose records stand in a namespace ("" for
// all), sorted by namespace and app. A head that cannot be read is a warning
// to the caller, not the end of the list.
func Heads(ctx context.Context, objects Objects, namespace string) (heads []Head, unreadable []error, err error) {
	list, err := objects.List(ctx, SecretGVK(), namespace, LabelRecord+"="+roleHead)
	if err != nil {
		return nil, nil, fmt.Errorf("list records: %w", err)
	}
	for _, o := range list {
		h, err := headOf(o)
		if err != nil {
			unreadable = append(unreadable, fmt.Errorf("%s: %w", o.Ref(), err))
			continue
		}
		heads = append(heads, h)
	}
	slices.SortFunc(heads, func(a, b Head) int {
		return cmp.Compare(object.AppKey(a.Namespace, a.App), object.AppKey(b.Namespace, b.App))
	})
	return heads, unreadable, nil
}

// HeadOf reads the head of a record from its Secret.
func HeadOf(o *object.Object) (Head, error) { return headOf(o) }

func headOf(o *object.Object) (Head, error) {
	raw, err := content(o)
	if err != nil {
		return Head{}, err
	}
	h, err := decodeHead(raw)
	if err != nil {
		return Head{}, err
	}
	h.ResourceVersion = o.ResourceVersion()
	h.Annotations = annotations(o)
	return h, nil
}
