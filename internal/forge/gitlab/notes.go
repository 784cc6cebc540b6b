package gitlab

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/tugops/tug/internal/forge"
	"github.com/tugops/tug/internal/forge/rest"
)

// UpsertComment implements forge.Comments with the notes of a merge request.
func (f *Forge) UpsertComment(ctx context.Context, number int, c forge.Comment) (forge.Posted, error) {
	text, err := c.Text(forge.GitLab)
	if err != nil {
		return forge.Posted{}, err
	}
	me, err := f.identity(ctx)
	if err != nil {
		return forge.Posted{}, err
	}
	return forge.Upsert(ctx, thread{f, number}, c.Name, text, me)
}

type thread struct {
	f      *Forge
	number int
}

var _ forge.Thread = thread{}

type note struct {
	ID     int64  `json:"id"`
	Body   string `json:"body"`
	System bool   `json:"system"`
	Author struct {
		Username string `json:"username"`
	} `json:"author"`
}

// word translates; notes have no address of their own.
func (t thread) word(n note) forge.Written {
	page := t.f.at.URL() + "/-/merge_requests/" + strconv.Itoa(t.number) + "#note_" + strconv.FormatInt(n.ID, 10)
	return forge.Written{ID: n.ID, URL: page, Text: n.Body, Author: n.Author.Username}
}

// List implements forge.Thread.
func (t thread) List(ctx context.Context) ([]forge.Written, error) {
	var list []forge.Written
	query := url.Values{"sort": {"asc"}, "order_by": {"created_at"}, "per_page": {"100"}}
	err := rest.List(ctx, t.f.api, t.path(), query, func(n note) bool {
		if !n.System {
			list = append(list, t.word(n))
		}
		return true
	})
	return list, err
}

func (t thread) path() string { return t.f.request(t.number) + "/notes" }

// Write implements forge.Thread.
func (t thread) Write(ctx context.Context, text string) (forge.Written, error) {
	var n note
	err := t.f.send(ctx, http.MethodPost, t.path(), map[string]string{"body": text}, &n)
	return t.word(n), err
}

// Edit implements forge.Thread.
func (t thread) Edit(ctx context.Context, id int64, text string) (forge.Written, error) {
	var n note
	err := t.f.send(ctx, http.MethodPut, t.one(id), map[string]string{"body": text}, &n)
	return t.word(n), err
}

// Remove implements forge.Thread.
func (t thread) Remove(ctx context.Context, id int64) error {
	return t.f.send(ctx, http.MethodDelete, t.one(id), nil, nil)
}

func (t thread) one(id int64) string { return t.path() + "/" + strconv.FormatInt(id, 10) }
