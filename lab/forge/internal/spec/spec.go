// Package spec is what a lab forge is furnished with, as a file, and makes it
// so: users, organisations, repositories, protection, webhooks. Applying the
// same file again changes nothing but what somebody changed in between.
package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Spec is the content of the file, YAML or JSON.
type Spec struct {
	Users         []User         `yaml:"users"`
	Organizations []Organization `yaml:"organizations"`
	Repositories  []Repository   `yaml:"repositories"`
}

// User is an account.
type User struct {
	Name     string `yaml:"name"`
	Password string `yaml:"password"` // default: a random one
	Admin    bool   `yaml:"admin"`    // site administrator
	// Tokens by name, with their scopes ("read:repository", "write:package").
	Tokens map[string][]string `yaml:"tokens"`
}

// Organization owns repositories and packages; its members are its owners.
type Organization struct {
	Name    string   `yaml:"name"`
	Owners  []string `yaml:"owners"`
	Private bool     `yaml:"private"`
}

// Repository is a Git repository.
type Repository struct {
	Name    string `yaml:"name"` // OWNER/NAME
	Private bool   `yaml:"private"`
	// From is a folder whose files make the first commit, relative to the
	// folder of the spec file; without it that is a README.
	From string `yaml:"from"`
	// Collaborators have "read", "write" or "admin".
	Collaborators map[string]string `yaml:"collaborators"`
	Protection    []Protection      `yaml:"protection"`
	Webhooks      []Webhook         `yaml:"webhooks"`
}

// Protection is what holds for branches that match a pattern.
type Protection struct {
	Pattern string `yaml:"pattern"` // "main", "release/*", "**"
	// Push are the users that may push directly; nobody else may.
	Push []string `yaml:"push"`
	// Merge are the users that may merge pull requests; empty: all with write.
	Merge []string `yaml:"merge"`
	// Statuses must be successful before a merge; patterns are allowed.
	Statuses []string `yaml:"statuses"`
	// Approvals is how many reviews must approve before a merge.
	Approvals int `yaml:"approvals"`
	// Strict binds site administrators too.
	Strict bool `yaml:"strict"`
	// DismissStale forgets approvals when new commits are pushed.
	DismissStale bool `yaml:"dismissStale"`
}

// Webhook is an address that is told of events.
type Webhook struct {
	URL    string   `yaml:"url"`
	Secret string   `yaml:"secret"` // key of the signatures
	Events []string `yaml:"events"` // default: all
}

// Parse reads a spec strictly: a key that does not exist is an error.
func Parse(data []byte) (Spec, error) {
	var s Spec
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(&s); err != nil && !errors.Is(err, io.EOF) {
		return Spec{}, err
	}
	return s, s.check()
}

func (s Spec) check() error {
	var problems []error
	report := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	for i, u := range s.Users {
		if u.Name == "" {
			report("users[%d]: no name", i)
		}
		for token, scopes := range u.Tokens {
			if len(scopes) == 0 {
				report("users[%d] %s: token %s has no scopes", i, u.Name, token)
			}
		}
	}
	for i, o := range s.Organizations {
		if o.Name == "" {
			report("organizations[%d]: no name", i)
		}
	}
	for i, r := range s.Repositories {
		if owner, name, ok := strings.Cut(r.Name, "/"); !ok || owner == "" || name == "" {
			report("repositories[%d]: name %q is not OWNER/NAME", i, r.Name)
		}
		for who, permission := range r.Collaborators {
			if permission != "read" && permission != "write" && permission != "admin" {
				report("repositories[%d] %s: collaborator %s: %q is not read, write or admin", i, r.Name, who, permission)
			}
		}
		for j, p := range r.Protection {
			if p.Pattern == "" {
				report("repositories[%d] %s: protection[%d]: no pattern", i, r.Name, j)
			}
		}
		for j, w := range r.Webhooks {
			if w.URL == "" {
				report("repositories[%d] %s: webhooks[%d]: no url", i, r.Name, j)
			}
		}
	}
	return errors.Join(problems...)
}
