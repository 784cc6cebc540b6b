package forge

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/fault"
)

// Written is a comment as a forge has it.
type Written struct {
	ID                int64
	Text, URL, Author string
}

// Thread is the comments of one pull request, as an adapter reaches them.
type Thread interface {
	List(ctx context.Context) ([]Written, error)
	Write(ctx context.Context, text string) (Written, error)
	Edit(ctx context.Context, id int64, text string) (Written, error)
	Remove(ctx context.Context, id int64) error
}

// Upsert leaves exactly one comment of a name by this author, with text. me is
// the token's login, empty when the forge does not tell it: then it is learnt
// from the first comment that is written. Comments of others are never
// touched, whatever they say: who owns a comment can change it afterwards.
func Upsert(ctx context.Context, t Thread, name, text, me string) (Posted, error) {
	before, err := ours(ctx, t, name, me)
	if err != nil {
		return Posted{}, err
	}
	if len(before) > 0 {
		return keep(ctx, t, before, text)
	}
	made, err := t.Write(ctx, text)
	if err != nil {
		return Posted{}, err
	}
	now, err := ours(ctx, t, name, made.Author)
	if err != nil {
		return Posted{}, err
	}
	if len(now) > 0 && now[0].ID < made.ID { // somebody was faster, or me was unknown
		posted, err := keep(ctx, t, now[:1], text)
		if err != nil {
			return Posted{}, err
		}
		return posted, gone(t.Remove(ctx, made.ID))
	}
	return Posted{URL: made.URL, Changed: true}, nil
}

// keep writes text into the oldest and removes the others.
func keep(ctx context.Context, t Thread, found []Written, text string) (Posted, error) {
	oldest := found[0]
	posted := Posted{URL: oldest.URL}
	if plain(oldest.Text) != plain(text) {
		if _, err := t.Edit(ctx, oldest.ID, text); err != nil {
			if fault.Is(err, fault.NotFound) { // removed since it was listed
				return Posted{}, fault.New(fault.Unavailable, "%w", &Later{Err: err, Done: No})
			}
			return Posted{}, err
		}
		posted.Changed = true
	}
	for _, w := range found[1:] {
		if err := gone(t.Remove(ctx, w.ID)); err != nil {
			return posted, err
		}
		posted.Changed = true
	}
	return posted, nil
}

// ours are those of a name by an author, the oldest first.
func ours(ctx context.Context, t Thread, name, me string) ([]Written, error) {
	if me == "" {
		return nil, nil
	}
	all, err := t.List(ctx)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(w Written) bool { return !IsText(w.Text, name) || !strings.EqualFold(w.Author, me) })
	slices.SortFunc(all, func(a, b Written) int { return cmp.Compare(a.ID, b.ID) })
	return all, nil
}

// gone takes what is gone already for removed.
func gone(err error) error {
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// plain is a text without what forges change in it.
func plain(text string) string { return strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")) }
