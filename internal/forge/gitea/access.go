package gitea

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/forge"
	"github.com/tugops/tug/internal/forge/rest"
)

// Permissions implements forge.Access. The API does not list a token's scopes,
// but names them when it refuses a call for want of one; the call to the
// site's administration, which every well-made token is refused, tells them.
func (f *Forge) Permissions(ctx context.Context) (forge.Permissions, error) {
	var repo struct {
		Permissions struct {
			Admin bool `json:"admin"`
			Push  bool `json:"push"`
			Pull  bool `json:"pull"`
		} `json:"permissions"`
	}
	if _, err := f.api.Get(ctx, f.repo, nil, &repo); err != nil {
		return forge.Permissions{}, err
	}
	me, err := f.identity(ctx)
	if err != nil {
		return forge.Permissions{}, err
	}
	role := forge.None
	switch {
	case repo.Permissions.Push:
		role = forge.Write
	case repo.Permissions.Pull:
		role = forge.Read
	}
	p := forge.Permissions{Identity: me, Code: role, PullRequests: role, Statuses: role, Admin: forge.Of(repo.Permissions.Admin), Everywhere: forge.Yes}
	scopes, err := f.scopes(ctx)
	if err != nil {
		return forge.Permissions{}, err
	}
	if len(scopes) == 0 {
		return p, nil // the token is not limited
	}
	p.Scopes = scopes
	code := scope(scopes, "repository")
	p.Code, p.Statuses = min(role, code), min(role, code)
	p.PullRequests = min(role, code, scope(scopes, "issue")) // comments and labels are the issue's
	if code != forge.Write {
		p.Admin = forge.No
	}
	return p, nil
}

var scopesNamed = regexp.MustCompile(`token scope=([a-z:,_-]+)`)

func (f *Forge) scopes(ctx context.Context) ([]string, error) {
	_, err := f.api.Get(ctx, "/admin/cron", nil, nil)
	if err == nil {
		return nil, nil
	}
	said, ok := errors.AsType[*rest.Status](err)
	if !ok || !fault.Is(err, fault.Denied) && !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	m := scopesNamed.FindStringSubmatch(said.Said)
	if m == nil {
		return nil, nil
	}
	scopes := strings.Split(m[1], ",")
	slices.Sort(scopes)
	return scopes, nil
}

// scope is the right that scopes give to a category of calls.
func scope(scopes []string, category string) forge.Right {
	switch {
	case slices.Contains(scopes, "all"), slices.Contains(scopes, "write:"+category):
		return forge.Write
	case slices.Contains(scopes, "read:"+category):
		return forge.Read
	}
	return forge.None
}

// Protection implements forge.Access.
func (f *Forge) Protection(ctx context.Context, branch string) (forge.Protection, error) {
	p, _, err := f.rules(ctx, branch)
	return p, err
}

// rules are those of a branch, and whether this token may merge into it.
func (f *Forge) rules(ctx context.Context, branch string) (forge.Protection, forge.Answer, error) {
	var b struct {
		Protected bool     `json:"protected"`
		Approvals int      `json:"required_approvals"`
		Enabled   bool     `json:"enable_status_check"`
		Contexts  []string `json:"status_check_contexts"`
		Push      bool     `json:"user_can_push"`
		Merge     bool     `json:"user_can_merge"`
	}
	_, err := f.api.Get(ctx, f.repo+"/branches/"+ref(branch), nil, &b)
	if fault.Is(err, fault.NotFound) {
		if _, repoErr := f.api.Get(ctx, f.repo, nil, nil); repoErr != nil {
			return forge.Protection{}, forge.Unknown, repoErr
		}
		return forge.Protection{Branch: branch}, forge.Unknown, nil
	}
	if err != nil {
		return forge.Protection{}, forge.Unknown, err
	}
	p := forge.Protection{Branch: branch, Exists: true, Protected: forge.Of(b.Protected), Push: forge.Of(b.Push), Approvals: b.Approvals}
	if b.Enabled {
		p.Checks = slices.Sorted(slices.Values(b.Contexts))
		if len(p.Checks) == 0 {
			p.Checks = []string{"*"}
		}
	}
	return p, forge.Of(b.Merge), nil
}
