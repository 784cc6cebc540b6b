package inventory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// orphanAge is how old a chunk that nothing references must be before it is
// collected, when the head did not reference it before either.
const orphanAge = time.Hour

// WriteSnapshot stores the snapshot of a release in chunks, under the epoch of
// the writer's Lease, and gives their names. The head that names them must be
// saved next.
func (s *Store) WriteSnapshot(ctx context.Context, plain []byte, epoch int64) ([]string, error) {
	return s.write(ctx, plain, epoch)
}

// Save stores r: chunks first, then the head by compare-and-swap on the
// resourceVersion it was read with ("" creates it), then chunks that are no
// longer referenced are collected. epoch is that of the writer's Lease; a
// record that a later epoch has written is not touched.
//
// r is updated to what is stored. A head that another writer changed is a
// fault.Conflict; one of which only labels or annotations changed is not.
func (s *Store) Save(ctx context.Context, r *Record, epoch int64) error {
	if r.Head.Epoch > epoch {
		return s.overtaken(r.Head.Epoch, epoch)
	}
	plain, err := encodeItems(r.Items)
	if err != nil {
		return err
	}
	names, err := s.write(ctx, plain, epoch)
	if err != nil {
		return fmt.Errorf("write inventory: %w", err)
	}
	next := r.Head
	next.Items, next.Epoch = names, epoch
	if err := s.flip(ctx, &next); err != nil {
		return fmt.Errorf("write record of %s: %w", s.key(), err)
	}
	// What the head referenced before stands in its stored form: the releases
	// of r may have been trimmed since.
	before, err := decodeHead(r.Head.stored)
	if err != nil {
		before = Head{}
	}
	r.Head = next
	s.collect(ctx, before, next)
	return nil
}

// flip writes the head. The answer to a write can be lost although the write
// was not, so a conflict is looked at before it is believed.
func (s *Store) flip(ctx context.Context, next *Head) error {
	data, err := encodeHead(*next)
	if err != nil {
		return err
	}
	for attempt := 0; ; attempt++ {
		o, err := s.put(ctx, newHead(*next, data))
		if err == nil {
			next.ResourceVersion, next.Annotations, next.stored = o.ResourceVersion(), annotations(o), data
			return nil
		}
		gone := fault.Is(err, fault.NotFound) && next.ResourceVersion != ""
		if !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.Exists) && !gone {
			return err
		}
		live, readErr := s.LoadHead(ctx)
		switch {
		case readErr != nil:
			return readErr
		case live == nil:
			return fault.New(fault.Conflict, "the record was removed by someone else").Hint("run it again")
		case bytes.Equal(live.stored, data):
			next.ResourceVersion, next.Annotations, next.stored = live.ResourceVersion, live.Annotations, data
			return nil
		case live.Epoch > next.Epoch:
			return s.overtaken(live.Epoch, next.Epoch)
		case !bytes.Equal(live.stored, next.stored) || attempt == 3:
			return fault.New(fault.Conflict, "the record was changed by another writer").Hint("run it again")
		}
		next.ResourceVersion, next.Annotations = live.ResourceVersion, live.Annotations
	}
}

func (s *Store) put(ctx context.Context, o *object.Object) (*object.Object, error) {
	if o.ResourceVersion() == "" {
		return s.objects.Create(ctx, o)
	}
	return s.objects.Update(ctx, o)
}

func (s *Store) overtaken(live, ours int64) error {
	return fault.New(fault.Conflict, "the record was written by a later writer (epoch %d, ours is %d)", live, ours).
		Hint("run it again; the other writer holds or held the lock after us")
}

// write stores plain in chunks and gives their names.
func (s *Store) write(ctx context.Context, plain []byte, epoch int64) ([]string, error) {
	chunks, err := pack(plain)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(chunks))
	for _, c := range chunks {
		o := newChunk(s.namespace, s.app, c, epoch)
		if err := s.putChunk(ctx, o, c, epoch); err != nil {
			return nil, fmt.Errorf("chunk %s: %w", o.Name(), err)
		}
		names = append(names, o.Name())
	}
	return names, nil
}

// putChunk creates a chunk. One that exists already is fine when it has the
// same content; it is then stamped with our epoch, so that no writer before us
// collects it under our hands.
func (s *Store) putChunk(ctx context.Context, o *object.Object, want []byte, epoch int64) error {
	for attempt := 0; ; attempt++ {
		_, err := s.objects.Create(ctx, o)
		if !fault.Is(err, fault.Exists) {
			return err
		}
		live, err := s.objects.Get(ctx, SecretGVK(), s.namespace, o.Name())
		if fault.Is(err, fault.NotFound) && attempt < 3 {
			continue
		}
		if err != nil {
			return err
		}
		have, err := content(live)
		if err != nil {
			return err
		}
		if !bytes.Equal(have, want) {
			return fault.New(fault.Conflict, "exists with other content").
				Hint("delete Secret %s in namespace %s if nothing else needs it", o.Name(), s.namespace)
		}
		if epochOf(annotations(live)) >= epoch {
			return nil
		}
		live.SetAnnotation(annotationEpoch, strconv.FormatInt(epoch, 10))
		_, err = s.objects.Update(ctx, live)
		if (fault.Is(err, fault.Conflict) || fault.Is(err, fault.NotFound)) && attempt < 3 {
			continue
		}
		return err
	}
}

// collect deletes chunks that nothing references any more. Failing to is not
// a failure of the write: they are collected another time.
//
// Only chunks of our own or an earlier epoch go, at the resourceVersion they
// were listed with: a later writer stamps what it uses (putChunk).
func (s *Store) collect(ctx context.Context, before, now Head) {
	used := references(now)
	dropped := references(before)
	list, err := s.objects.ListLive(ctx, SecretGVK(), s.namespace, s.chunkSelector())
	if err != nil {
		return
	}
	for _, l := range list {
		old := dropped[l.Ref.Name] || time.Since(l.Created) > orphanAge
		if used[l.Ref.Name] || !old || epochOf(l.Annotations) > now.Epoch {
			continue
		}
		err := s.objects.Delete(ctx, SecretGVK(), s.namespace, l.Ref.Name,
			object.Write{UID: l.UID, ResourceVersion: l.ResourceVersion})
		if err != nil && ctx.Err() != nil {
			return
		}
	}
}

// Remove deletes the record: the head first, if it is still the one that was
// read, then every chunk. It is done when all are gone.
func (s *Store) Remove(ctx context.Context, r *Record) error {
	if r.Head.ResourceVersion != "" {
		err := s.objects.Delete(ctx, SecretGVK(), s.namespace, HeadName(s.app),
			object.Write{ResourceVersion: r.Head.ResourceVersion})
		if err != nil && !fault.Is(err, fault.NotFound) {
			return fmt.Errorf("delete record of %s: %w", s.key(), err)
		}
	}
	list, err := s.objects.ListLive(ctx, SecretGVK(), s.namespace, s.chunkSelector())
	if err != nil {
		return fmt.Errorf("list chunks of %s: %w", s.key(), err)
	}
	var errs []error
	for _, l := range list {
		err := s.objects.Delete(ctx, SecretGVK(), s.namespace, l.Ref.Name, object.Write{UID: l.UID})
		if err != nil && !fault.Is(err, fault.NotFound) {
			errs = append(errs, fmt.Errorf("delete chunk %s: %w", l.Ref.Name, err))
		}
	}
	return errors.Join(errs...)
}

// Chunks counts the chunks of the app, referenced or not: with no head, they
// say that there was a record once.
func (s *Store) Chunks(ctx context.Context) (int, error) {
	list, err := s.objects.ListLive(ctx, SecretGVK(), s.namespace, s.chunkSelector())
	return len(list), err
}

func (s *Store) chunkSelector() string {
	return LabelRecord + "=" + roleChunk + "," + LabelRecordApp + "=" + object.AppHash(s.key())
}

// references are the names of all chunks that a head needs.
func references(h Head) map[string]bool {
	used := map[string]bool{}
	for _, n := range h.Items {
		used[n] = true
	}
	for _, r := range h.Releases {
		for _, n := range r.Snapshot {
			used[n] = true
		}
	}
	return used
}
