package gitlab

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/forge"
	"github.com/tugops/tug/internal/forge/rest"
)

// GitLab's roles.
const (
	reporter   = 20
	developer  = 30
	maintainer = 40
)

type level struct {
	Level int `json:"access_level"`
}

type project struct {
	OnlySuccessful bool `json:"only_allow_merge_if_pipeline_succeeds"`
	Permissions    struct {
		Project *level `json:"project_access"`
		Group   *level `json:"group_access"`
	} `json:"permissions"`
}

// role is the higher of those in the project and its groups.
func (p project) role() int {
	best := 0
	for _, l := range []*level{p.Permissions.Project, p.Permissions.Group} {
		if l != nil {
			best = max(best, l.Level)
		}
	}
	return best
}

// Permissions implements forge.Access.
func (f *Forge) Permissions(ctx context.Context) (forge.Permissions, error) {
	var at project
	if _, err := f.api.Get(ctx, f.repo, nil, &at); err != nil {
		return forge.Permissions{}, err
	}
	me, err := f.identity(ctx)
	if err != nil {
		return forge.Permissions{}, err
	}
	p := forge.Permissions{Identity: me, Admin: forge.Of(at.role() >= maintainer), Everywhere: forge.Of(!strings.HasPrefix(me, "project_"))}
	var token struct {
		Scopes []string `json:"scopes"`
	}
	_, err = f.api.Get(ctx, "/personal_access_tokens/self", nil, &token)
	if fault.Is(err, fault.Denied) || fault.Is(err, fault.NotFound) {
		p.Admin, p.Everywhere = forge.No, forge.Unknown // the token of a job, or of OAuth
		return p, nil
	}
	if err != nil {
		return forge.Permissions{}, err
	}
	p.Scopes = slices.Sorted(slices.Values(token.Scopes))
	return rights(p, at.role()), nil
}

func rights(p forge.Permissions, role int) forge.Permissions {
	has := func(s string) bool { return slices.Contains(p.Scopes, s) }
	most := forge.None
	switch {
	case role >= developer:
		most = forge.Write
	case role >= reporter:
		most = forge.Read
	}
	calls, code := forge.None, forge.None
	switch {
	case has("api"):
		calls, code = forge.Write, forge.Write
	case has("read_api"):
		calls, code = forge.Read, forge.Read
	}
	if has("write_repository") {
		code = forge.Write
	} else if has("read_repository") {
		code = max(code, forge.Read)
	}
	p.Code, p.PullRequests, p.Statuses = min(most, code), min(most, calls), min(most, calls)
	if calls != forge.Write {
		p.Admin = forge.No
	}
	return p
}

// Protection implements forge.Access. Where only merge requests with a
// successful pipeline may be merged, every status counts: Checks is "*".
func (f *Forge) Protection(ctx context.Context, branch string) (forge.Protection, error) {
	var at project
	if _, err := f.api.Get(ctx, f.repo, nil, &at); err != nil {
		return forge.Protection{}, err
	}
	p := forge.Protection{Branch: branch}
	if at.OnlySuccessful {
		p.Checks = []string{"*"}
	}
	var b struct {
		Protected bool  `json:"protected"`
		Push      *bool `json:"can_push"`
	}
	_, err := f.api.Get(ctx, f.repo+"/repository/branches/"+url.PathEscape(branch), nil, &b)
	if fault.Is(err, fault.NotFound) {
		return p, nil
	}
	if err != nil {
		return forge.Protection{}, err
	}
	p.Exists, p.Protected = true, forge.Of(b.Protected)
	if b.Push != nil {
		p.Push = forge.Of(*b.Push)
	}
	p.Approvals, err = f.approvals(ctx, branch)
	return p, err
}

// approvals are of the rules for every branch, and for this one by name. The
// free edition has none, and not every token may see them.
func (f *Forge) approvals(ctx context.Context, branch string) (int, error) {
	type rule struct {
		Required int  `json:"approvals_required"`
		All      bool `json:"applies_to_all_protected_branches"`
		Branches []struct {
			Name string `json:"name"`
		} `json:"protected_branches"`
	}
	most := 0
	err := rest.List(ctx, f.api, f.repo+"/approval_rules", url.Values{"per_page": {"100"}}, func(r rule) bool {
		if len(r.Branches) == 0 {
			most = max(most, r.Required)
		}
		for _, b := range r.Branches {
			if b.Name == branch {
				most = max(most, r.Required)
			}
		}
		return true
	})
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Denied) {
		return 0, nil
	}
	return most, err
}
