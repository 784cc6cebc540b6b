package github

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/forge"
	"github.com/tugops/tug/internal/forge/rest"
)

// Permissions implements forge.Access. Classic tokens name their scopes in a
// header and an App its rights; of fine-grained tokens GitHub only tells what
// their user may.
func (f *Forge) Permissions(ctx context.Context) (forge.Permissions, error) {
	var repo struct {
		Private     bool `json:"private"`
		Permissions struct {
			Admin bool `json:"admin"`
			Push  bool `json:"push"`
			Pull  bool `json:"pull"`
		} `json:"permissions"`
	}
	answer, err := f.api.Get(ctx, f.repo, nil, &repo)
	if err != nil {
		return forge.Permissions{}, err
	}
	me, err := f.identity(ctx)
	if err != nil {
		return forge.Permissions{}, err
	}
	p := forge.Permissions{Identity: me}
	if f.app != nil {
		return f.app.rights(ctx, p)
	}
	role := forge.None
	switch {
	case repo.Permissions.Push:
		role = forge.Write
	case repo.Permissions.Pull:
		role = forge.Read
	}
	scopes, classic := answer.Header[http.CanonicalHeaderKey("X-OAuth-Scopes")]
	if !classic {
		return limited(p, role), nil
	}
	for _, s := range strings.Split(strings.Join(scopes, ","), ",") {
		if s = strings.TrimSpace(s); s != "" {
			p.Scopes = append(p.Scopes, s)
		}
	}
	slices.Sort(p.Scopes)
	return classicRights(p, role, repo.Private, repo.Permissions.Admin), nil
}

// limited is what is known of a token whose own rights GitHub does not tell:
// no more than its user has.
func limited(p forge.Permissions, role forge.Right) forge.Permissions {
	if role != forge.Write {
		p.Code, p.PullRequests, p.Statuses, p.Admin = role, role, role, forge.No
	}
	return p
}

func classicRights(p forge.Permissions, role forge.Right, private, admin bool) forge.Permissions {
	has := func(s string) bool { return slices.Contains(p.Scopes, s) }
	all := has("repo") || has("public_repo") && !private
	most, statuses := forge.Write, forge.Write
	if !all {
		most = forge.Read // of public repositories
		if private {
			most = forge.None
		}
		if statuses = most; has("repo:status") {
			statuses = forge.Write
		}
	}
	p.Code, p.PullRequests, p.Statuses = min(role, most), min(role, most), min(role, statuses)
	p.Admin, p.Everywhere = forge.Of(admin && all), forge.Yes
	return p
}

// Protection implements forge.Access: rulesets, which every reader may see,
// and the older branch protection, of which only administrators see more than
// the checks.
func (f *Forge) Protection(ctx context.Context, branch string) (forge.Protection, error) {
	var b struct {
		Protected  bool `json:"protected"`
		Protection struct {
			Enabled bool     `json:"enabled"`
			Checks  required `json:"required_status_checks"`
		} `json:"protection"`
	}
	p := forge.Protection{Branch: branch, Exists: true}
	_, err := f.api.Get(ctx, f.repo+"/branches/"+ref(branch), nil, &b)
	if fault.Is(err, fault.NotFound) {
		p.Exists = false
		_, err = f.api.Get(ctx, f.repo, nil, nil) // no such branch, or no such repository
	}
	if err != nil {
		return forge.Protection{}, err
	}
	p.Protected, p.Push = forge.Of(b.Protected), forge.Yes
	p.Checks = append(p.Checks, b.Protection.Checks.Contexts...)
	if b.Protection.Enabled {
		if err := f.details(ctx, branch, &p); err != nil {
			return forge.Protection{}, err
		}
	}
	if err := f.rulesets(ctx, branch, &p); err != nil {
		return forge.Protection{}, err
	}
	slices.Sort(p.Checks)
	p.Checks = slices.Compact(p.Checks)
	return p, nil
}

type required struct {
	Contexts []string `json:"contexts"`
}

// details are for administrators; for others, pushing stays unknown.
func (f *Forge) details(ctx context.Context, branch string, p *forge.Protection) error {
	var rules struct {
		Reviews *struct {
			Approvals int `json:"required_approving_review_count"`
		} `json:"required_pull_request_reviews"`
		Checks       *required `json:"required_status_checks"`
		Restrictions *struct{} `json:"restrictions"`
		Lock         struct {
			Enabled bool `json:"enabled"`
		} `json:"lock_branch"`
	}
	_, err := f.api.Get(ctx, f.repo+"/branches/"+ref(branch)+"/protection", nil, &rules)
	if fault.Is(err, fault.Denied) || fault.Is(err, fault.NotFound) {
		p.Push = forge.Unknown
		return nil
	}
	if err != nil {
		return err
	}
	if rules.Reviews != nil {
		p.Approvals = rules.Reviews.Approvals
	}
	switch {
	case rules.Reviews != nil, rules.Checks != nil, rules.Lock.Enabled:
		p.Push = forge.No
	case rules.Restrictions != nil:
		p.Push = forge.Unknown
	}
	return nil
}

// rulesets are active rules of a branch. Whether this token may bypass them is
// not said; it is taken to not.
func (f *Forge) rulesets(ctx context.Context, branch string, p *forge.Protection) error {
	type rule struct {
		Type       string `json:"type"`
		Parameters struct {
			Approvals int `json:"required_approving_review_count"`
			Checks    []struct {
				Context string `json:"context"`
			} `json:"required_status_checks"`
		} `json:"parameters"`
	}
	err := rest.List(ctx, f.api, f.repo+"/rules/branches/"+ref(branch), url.Values{"per_page": {"100"}}, func(r rule) bool {
		p.Protected = forge.Yes
		switch r.Type {
		case "pull_request":
			p.Approvals = max(p.Approvals, r.Parameters.Approvals)
			p.Push = forge.No
		case "update", "merge_queue":
			p.Push = forge.No
		case "required_status_checks":
			p.Push = forge.No
			for _, c := range r.Parameters.Checks {
				p.Checks = append(p.Checks, c.Context)
			}
		}
		return true
	})
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Denied) {
		return nil // Enterprise before 3.11 has none
	}
	return err
}
