package gitea

import (
	"context"
	"net/http"
	"strconv"

	"github.com/tugops/tug/internal/forge"
	"github.com/tugops/tug/internal/forge/rest"
)

// UpsertComment implements forge.Comments.
func (f *Forge) UpsertComment(ctx context.Context, number int, c forge.Comment) (forge.Posted, error) {
	text, err := c.Text(forge.Gitea)
	if err != nil {
		return forge.Posted{}, err
	}
	// The list of comments of a pull request that is not there is an internal
	// error of the API, which would be waited for.
	if _, err := f.PullRequest(ctx, number); err != nil {
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

type comment struct {
	ID   int64  `json:"id"`
	URL  string `json:"html_url"`
	Body string `json:"body"`
	User struct {
		Login string `json:"login"`
	} `json:"user"`
}

func (c comment) word() forge.Written {
	return forge.Written{ID: c.ID, URL: c.URL, Text: c.Body, Author: c.User.Login}
}

// List implements forge.Thread. The API does not page it.
func (t thread) List(ctx context.Context) ([]forge.Written, error) {
	var list []forge.Written
	err := rest.List(ctx, t.f.api, t.path(), nil, func(c comment) bool { list = append(list, c.word()); return true })
	return list, err
}

func (t thread) path() string {
	return t.f.repo + "/issues/" + strconv.Itoa(t.number) + "/comments"
}

// Write implements forge.Thread.
func (t thread) Write(ctx context.Context, text string) (forge.Written, error) {
	var c comment
	_, err := t.f.api.Do(ctx, rest.Call{Method: http.MethodPost, Path: t.path(), Body: map[string]string{"body": text}, Once: true}, &c)
	return c.word(), err
}

// Edit implements forge.Thread.
func (t thread) Edit(ctx context.Context, id int64, text string) (forge.Written, error) {
	var c comment
	_, err := t.f.api.Do(ctx, rest.Call{Method: http.MethodPatch, Path: t.one(id), Body: map[string]string{"body": text}}, &c)
	return c.word(), err
}

// Remove implements forge.Thread.
func (t thread) Remove(ctx context.Context, id int64) error {
	_, err := t.f.api.Do(ctx, rest.Call{Method: http.MethodDelete, Path: t.one(id)}, nil)
	return err
}

func (t thread) one(id int64) string {
	return t.f.repo + "/issues/comments/" + strconv.FormatInt(id, 10)
}
