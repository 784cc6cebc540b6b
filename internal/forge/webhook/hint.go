package webhook

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/tugops/tug/internal/fault"
)

// Kind is what happened.
type Kind string

// The kinds. Other is anything else that was sent.
const (
	Push        Kind = "push"
	Delete      Kind = "delete" // of a branch or tag
	PullRequest Kind = "pull_request"
	Comment     Kind = "comment" // on a pull request
	Status      Kind = "status"  // of a commit, or a pipeline
	Artifact    Kind = "artifact"
	Ping        Kind = "ping"
	Other       Kind = "other"
)

// Hint is what a sender says. Empty is what it did not say, or said in a form
// that it cannot have.
type Hint struct {
	Kind Kind
	// Repository is a URL without credentials; of artifacts their name.
	Repository string
	// Ref is refs/heads/NAME or refs/tags/NAME; of artifacts the tag.
	Ref string
	// Commit is of the push or of the head; of artifacts the digest.
	Commit string
	// Number is of the pull request.
	Number int
	// Action is the sender's word: "opened", "closed".
	Action string
}

// maxHints bounds what one delivery may say.
const maxHints = 100

// Parse reads a body whose proof was checked.
func Parse(s Scheme, h http.Header, body []byte) ([]Hint, error) {
	data, err := payload(h, body)
	if err != nil {
		return nil, err
	}
	var hints []Hint
	switch s {
	case GitHub, Gitea:
		hints, err = hub(h, data)
	case GitLab, Standard:
		hints, err = gitlab(data)
	case Bitbucket:
		hints, err = bitbucket(h, data)
	case Azure:
		hints, err = azure(data)
	case Harbor:
		hints, err = harbor(data)
	case Nexus:
		hints, err = nexus(data)
	default:
		hints, err = generic(data)
	}
	if err != nil {
		return nil, fault.New(fault.Invalid, "webhook of %s: the body cannot be read", s)
	}
	if len(hints) > maxHints {
		hints = hints[:maxHints]
	}
	for i, x := range hints {
		hints[i] = x.clean()
	}
	return hints, nil
}

// payload is the JSON, also out of a form, as old webhooks send it.
func payload(h http.Header, body []byte) ([]byte, error) {
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	if !strings.EqualFold(strings.TrimSpace(kind), "application/x-www-form-urlencoded") {
		return body, nil
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, fault.New(fault.Invalid, "webhook: the form cannot be read")
	}
	return []byte(form.Get("payload")), nil
}

var (
	commit = regexp.MustCompile(`\A([0-9a-f]{40}|[0-9a-f]{64}|sha256:[0-9a-f]{64})\z`)
	zero   = regexp.MustCompile(`\A0+\z`)
	name   = regexp.MustCompile(`\A[A-Za-z0-9][A-Za-z0-9_:+.-]{0,99}\z`)
)

// clean leaves out what is not of the form that it should have. Hints go into
// logs, commands and addresses.
func (h Hint) clean() Hint {
	if !commit.MatchString(h.Commit) {
		h.Commit = ""
	}
	if zero.MatchString(h.Commit) {
		h.Commit, h.Kind = "", Delete
	}
	if h.Ref != printable(h.Ref, 500) || strings.HasPrefix(h.Ref, "-") || strings.Contains(h.Ref, "..") {
		h.Ref = ""
	}
	if !name.MatchString(h.Action) {
		h.Action = ""
	}
	h.Number = max(h.Number, 0)
	h.Repository = address(h.Repository)
	return h
}

// address is a URL without credentials, or the name of an artifact.
func address(text string) string {
	if text != printable(text, 500) || strings.HasPrefix(text, "-") || strings.Contains(text, "..") {
		return ""
	}
	if !strings.Contains(text, "://") {
		if strings.Contains(text, "@") {
			return ""
		}
		return text
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" && u.Scheme != "ssh" {
		return ""
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// printable is text without what is no visible ASCII, cut to limit.
func printable(text string, limit int) string {
	var b strings.Builder
	for _, r := range text {
		if r > ' ' && r <= '~' && b.Len() < limit {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// into decodes a body.
func into[T any](data []byte) (T, error) {
	var v T
	err := json.Unmarshal(data, &v)
	return v, err
}

// branch is the full name of a branch.
func branch(name string) string {
	if name == "" || strings.HasPrefix(name, "refs/") {
		return name
	}
	return "refs/heads/" + name
}

func tag(name string) string {
	if name == "" {
		return ""
	}
	return "refs/tags/" + name
}
