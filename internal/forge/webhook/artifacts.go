package webhook

import "strings"

// harbor reads the events of a registry.
func harbor(data []byte) ([]Hint, error) {
	e, err := into[struct {
		Type string
		Data struct {
			Resources []struct {
				Digest, Tag string
				URL         string `json:"resource_url"`
			}
			Repository struct {
				FullName string `json:"repo_full_name"`
			}
		} `json:"event_data"`
	}](data)
	if err != nil {
		return nil, err
	}
	var hints []Hint
	for _, r := range e.Data.Resources {
		at := r.URL
		if i := strings.LastIndexAny(at, ":@"); i > strings.LastIndexByte(at, '/') {
			at = at[:i]
		}
		at = strings.TrimSuffix(at, "@sha256")
		if at == "" {
			at = e.Data.Repository.FullName
		}
		hints = append(hints, Hint{Kind: Artifact, Repository: at, Ref: r.Tag, Commit: r.Digest, Action: e.Type})
	}
	if len(hints) == 0 {
		hints = []Hint{{Kind: Other, Action: e.Type}}
	}
	return hints, nil
}

// nexus reads events about components and assets.
func nexus(data []byte) ([]Hint, error) {
	e, err := into[struct {
		Action     string
		Repository string `json:"repositoryName"`
		Component  struct{ Name, Version string }
	}](data)
	if err != nil {
		return nil, err
	}
	at := e.Repository
	if e.Component.Name != "" {
		at += "/" + e.Component.Name
	}
	return []Hint{{Kind: Artifact, Repository: at, Ref: e.Component.Version, Action: e.Action}}, nil
}

// generic is a form of our own, for whatever can send JSON: kind, repository,
// ref, commit, number, action.
func generic(data []byte) ([]Hint, error) {
	e, err := into[struct {
		Kind, Repository, Ref, Commit, Action string
		Number                                int
	}](data)
	if err != nil {
		return nil, err
	}
	x := Hint{Kind: Other, Repository: e.Repository, Ref: e.Ref, Commit: e.Commit, Number: e.Number, Action: e.Action}
	for _, k := range []Kind{Push, Delete, PullRequest, Comment, Status, Artifact, Ping} {
		if string(k) == e.Kind {
			x.Kind = k
		}
	}
	return []Hint{x}, nil
}
