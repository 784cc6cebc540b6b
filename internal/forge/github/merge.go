package github

import (
	"context"
	"errors"
	"net/http"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/forge"
	"github.com/tugops/tug/internal/forge/rest"
)

// MergePullRequest implements forge.PullRequests.
func (f *Forge) MergePullRequest(ctx context.Context, number int, reviewed string, o forge.MergeOptions) (string, error) {
	method := o.Method
	if method == "" {
		method = forge.MergeCommit
	}
	body := map[string]string{"sha": reviewed, "merge_method": string(method)}
	if o.Title != "" {
		body["commit_title"] = o.Title
	}
	if o.Message != "" {
		body["commit_message"] = o.Message
	}
	var done struct {
		SHA    string `json:"sha"`
		Merged bool   `json:"merged"`
	}
	_, said := f.api.Do(ctx, rest.Call{Method: http.MethodPut, Path: f.pull(number) + "/merge", Body: body, Once: true}, &done)
	commit := done.SHA
	if said != nil || !done.Merged {
		var err error
		if commit, err = f.refused(ctx, number, reviewed, said); err != nil {
			return "", err
		}
	}
	if o.DeleteBranch {
		f.deleteHead(ctx, number, reviewed)
	}
	return commit, nil
}

// refused reads the pull request and decides.
func (f *Forge) refused(ctx context.Context, number int, reviewed string, said error) (string, error) {
	passing := errors.As(said, new(*forge.Later))
	if fault.Is(said, fault.Denied) || said != nil && rest.Code(said) == 0 && !passing {
		return "", said
	}
	p, err := f.read(ctx, number)
	if err != nil {
		return "", err
	}
	r := forge.Refusal{Now: p.word(), Reviewed: reviewed, Said: said}
	if !passing {
		r.Blocked = p.blocked()
	}
	return r.Decide()
}

// deleteHead removes the branch of a merged pull request, unless somebody
// pushed to it meanwhile. That it stays is no error, and one of a fork is not
// ours.
func (f *Forge) deleteHead(ctx context.Context, number int, reviewed string) {
	p, err := f.PullRequest(ctx, number)
	if err != nil || p.Fork(f.at) {
		return
	}
	var head struct {
		Object struct {
			SHA string `json:"sha"`
		} `json:"object"`
	}
	_, err = f.api.Get(ctx, f.repo+"/git/ref/heads/"+ref(p.Head), nil, &head)
	if err == nil && head.Object.SHA == reviewed {
		_ = f.send(ctx, http.MethodDelete, f.repo+"/git/refs/heads/"+ref(p.Head), nil, nil)
	}
}
