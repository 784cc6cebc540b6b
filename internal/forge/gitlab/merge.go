package gitlab

import (
	"context"
	"errors"
	"net/http"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/forge"
	"github.com/tugops/tug/internal/forge/rest"
)

// MergePullRequest implements forge.PullRequests. Whether branches are merged
// or moved is a setting of the project; squashing is chosen here.
func (f *Forge) MergePullRequest(ctx context.Context, number int, reviewed string, o forge.MergeOptions) (string, error) {
	if o.Method == forge.Rebase {
		return "", fault.New(fault.Invalid, "merge request !%d: GitLab rebases where the settings of the project say so", number).
			Hint("leave the method out")
	}
	message := o.Title
	if o.Message != "" {
		message += "\n\n" + o.Message
	}
	body := map[string]any{"sha": reviewed, "squash": o.Method == forge.Squash, "should_remove_source_branch": o.DeleteBranch}
	if o.Title != "" {
		name := "merge_commit_message"
		if o.Method == forge.Squash {
			name = "squash_commit_message"
		}
		body[name] = message
	}
	var done request
	_, said := f.api.Do(ctx, rest.Call{Method: http.MethodPut, Path: f.request(number) + "/merge", Body: body, Once: true}, &done)
	if said == nil && done.State == "merged" {
		return done.merged(), nil
	}
	passing := errors.As(said, new(*forge.Later))
	if fault.Is(said, fault.Denied) || said != nil && rest.Code(said) == 0 && !passing {
		return "", said
	}
	now, err := f.read(ctx, number)
	if err != nil {
		return "", err
	}
	r := forge.Refusal{Now: now.word(f.at), Reviewed: reviewed, Said: said}
	if !passing {
		r.Blocked = now.blocked()
	}
	return r.Decide()
}
