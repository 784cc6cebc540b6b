package webhook

import (
	"cmp"
	"net/http"
	"strings"
)

// hub reads events of GitHub, Gitea and Forgejo, which have one form.
func hub(h http.Header, data []byte) ([]Hint, error) {
	e, err := into[struct {
		Action, Ref, After, SHA string
		Deleted                 bool
		Number                  int
		Repository              struct {
			CloneURL string `json:"clone_url"`
			URL      string `json:"html_url"`
		}
		PullRequest *struct {
			Number int
			Head   struct{ SHA, Ref string }
		} `json:"pull_request"`
		Issue struct {
			Number      int
			PullRequest any `json:"pull_request"`
		}
		Commit any // of a status an object, of others the hash
	}](data)
	if err != nil {
		return nil, err
	}
	x := Hint{Kind: Other, Repository: cmp.Or(e.Repository.CloneURL, e.Repository.URL), Action: e.Action}
	switch cmp.Or(h.Get("X-GitHub-Event"), h.Get("X-Gitea-Event"), h.Get("X-Forgejo-Event")) {
	case "ping":
		x.Kind = Ping
	case "push":
		x.Kind, x.Ref, x.Commit = Push, e.Ref, e.After
		if e.Deleted {
			x.Kind, x.Commit = Delete, ""
		}
	case "delete":
		x.Kind, x.Ref = Delete, e.Ref
	case "status":
		x.Kind, x.Commit = Status, e.SHA
	case "issue_comment":
		x.Kind, x.Number = Comment, e.Issue.Number
		if e.Issue.PullRequest == nil {
			x.Kind = Other
		}
	case "package", "registry_package":
		x.Kind = Artifact
	}
	if e.PullRequest != nil {
		if x.Kind == Other {
			x.Kind = PullRequest
		}
		x.Number, x.Commit, x.Ref = cmp.Or(e.PullRequest.Number, e.Number), e.PullRequest.Head.SHA, branch(e.PullRequest.Head.Ref)
	}
	return []Hint{x}, nil
}

func gitlab(data []byte) ([]Hint, error) {
	e, err := into[struct {
		Kind    string `json:"object_kind"`
		Ref     string
		After   string
		Project struct {
			URL string `json:"git_http_url"`
			Web string `json:"web_url"`
		}
		Attributes struct {
			IID        int
			Action     string
			Source     string `json:"source_branch"`
			Ref        string
			SHA        string
			LastCommit struct{ ID string } `json:"last_commit"`
		} `json:"object_attributes"`
		Request *struct {
			IID        int
			Source     string              `json:"source_branch"`
			LastCommit struct{ ID string } `json:"last_commit"`
		} `json:"merge_request"`
	}](data)
	if err != nil {
		return nil, err
	}
	x := Hint{Kind: Other, Repository: cmp.Or(e.Project.URL, e.Project.Web), Action: e.Attributes.Action}
	switch e.Kind {
	case "push", "tag_push":
		x.Kind, x.Ref, x.Commit = Push, e.Ref, e.After
	case "merge_request":
		x.Kind, x.Number, x.Ref, x.Commit = PullRequest, e.Attributes.IID, branch(e.Attributes.Source), e.Attributes.LastCommit.ID
	case "note":
		if e.Request != nil {
			x.Kind, x.Number, x.Ref, x.Commit = Comment, e.Request.IID, branch(e.Request.Source), e.Request.LastCommit.ID
		}
	case "pipeline":
		x.Kind, x.Ref, x.Commit = Status, branch(e.Attributes.Ref), e.Attributes.SHA
	}
	return []Hint{x}, nil
}

// bitbucket reads events of Cloud and of Data Center.
func bitbucket(h http.Header, data []byte) ([]Hint, error) {
	type link struct{ Href, Name string }
	type repository struct {
		Links struct {
			HTML  link
			Clone []link
		}
	}
	type change struct {
		New *struct {
			Type, Name string
			Target     struct{ Hash string }
		}
		Old    *struct{ Type, Name string }
		Ref    struct{ ID string }
		ToHash string
	}
	e, err := into[struct {
		Repository  repository
		Push        struct{ Changes []change }
		Changes     []change
		PullRequest *struct {
			ID     int
			Source struct {
				Branch struct{ Name string }
				Commit struct{ Hash string }
			}
			FromRef struct{ ID, LatestCommit string }
			ToRef   struct{ Repository repository }
		} `json:"pullrequest"`
	}](data)
	if err != nil {
		return nil, err
	}
	where := func(r repository) string {
		for _, l := range r.Links.Clone {
			if strings.HasPrefix(l.Name, "http") {
				return l.Href
			}
		}
		return r.Links.HTML.Href
	}
	event, at := h.Get("X-Event-Key"), where(e.Repository)
	if p := e.PullRequest; p != nil {
		x := Hint{Kind: PullRequest, Repository: cmp.Or(at, where(p.ToRef.Repository)), Number: p.ID, Action: event}
		x.Ref, x.Commit = branch(cmp.Or(p.Source.Branch.Name, p.FromRef.ID)), cmp.Or(p.Source.Commit.Hash, p.FromRef.LatestCommit)
		if strings.Contains(event, "comment") {
			x.Kind = Comment
		}
		return []Hint{x}, nil
	}
	var hints []Hint
	for _, c := range append(e.Push.Changes, e.Changes...) {
		x := Hint{Kind: Push, Repository: at, Ref: c.Ref.ID, Commit: c.ToHash}
		switch {
		case c.New != nil && c.New.Type == "tag":
			x.Ref, x.Commit = tag(c.New.Name), c.New.Target.Hash
		case c.New != nil:
			x.Ref, x.Commit = branch(c.New.Name), c.New.Target.Hash
		case c.Old != nil && c.Old.Type == "tag":
			x.Kind, x.Ref = Delete, tag(c.Old.Name)
		case c.Old != nil:
			x.Kind, x.Ref = Delete, branch(c.Old.Name)
		}
		hints = append(hints, x)
	}
	if len(hints) == 0 {
		kind := Other
		if event == "diagnostics:ping" {
			kind = Ping
		}
		hints = []Hint{{Kind: kind, Repository: at}}
	}
	return hints, nil
}

func azure(data []byte) ([]Hint, error) {
	e, err := into[struct {
		Type     string `json:"eventType"`
		Resource struct {
			Updates []struct{ Name, NewObjectID string } `json:"refUpdates"`
			Number  int                                  `json:"pullRequestId"`
			Source  string                               `json:"sourceRefName"`
			Commit  struct {
				ID string `json:"commitId"`
			} `json:"lastMergeSourceCommit"`
			Repository struct {
				URL string `json:"remoteUrl"`
			}
		}
	}](data)
	if err != nil {
		return nil, err
	}
	at := e.Resource.Repository.URL
	if strings.HasPrefix(e.Type, "git.pullrequest.") {
		return []Hint{{Kind: PullRequest, Repository: at, Number: e.Resource.Number, Ref: branch(e.Resource.Source), Commit: e.Resource.Commit.ID, Action: strings.TrimPrefix(e.Type, "git.pullrequest.")}}, nil
	}
	var hints []Hint
	if e.Type == "git.push" {
		for _, u := range e.Resource.Updates {
			hints = append(hints, Hint{Kind: Push, Repository: at, Ref: u.Name, Commit: u.NewObjectID})
		}
	}
	if len(hints) == 0 {
		hints = []Hint{{Kind: Other, Repository: at}}
	}
	return hints, nil
}
