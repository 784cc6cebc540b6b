// Package contract is what every adapter of a forge has to do, as tests: Run
// holds an adapter against a forge, a real one or one that keeps its state in
// the process (World) and answers in the form of the published API.
//
// Faults go between the adapter and the forge: lost answers, rate limits,
// hangs, broken bodies. An adapter that passes here is as good as any other to
// the code above it.
package contract

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/tugops/tug/internal/forge"
)

// Canary is in every token of a Target; it may turn up nowhere.
const Canary = "c4n4ry"

// Dial is how to reach a forge in one test.
type Dial struct {
	Web, Token string
	Retry      forge.Retry
	// Silence is how long the forge may send nothing.
	Silence time.Duration
}

// Target is one repository on a forge, with the branch main, made for one test.
type Target struct {
	// Handler is the forge.
	Handler http.Handler
	Path    string
	// Open makes the adapter under test, without forge.Patient.
	Open func(d Dial) forge.Forge
	// Writer may write code, pull requests and statuses; Reader may read.
	Writer, Reader string
	// WriterName is the login of Writer.
	WriterName string

	// Branch makes a branch from main with one commit of its own, and gives
	// it; Push adds another; Tip is the last one.
	Branch func(t *testing.T, name string) string
	Push   func(t *testing.T, name string) string
	Tip    func(t *testing.T, name string) string
	// Clash makes a branch conflict with main.
	Clash func(t *testing.T, name string)
	// Protect lets nobody push to main, and merges wait for these checks.
	Protect func(t *testing.T, checks ...string)
	// Comment is written by another person; Comments are all, the oldest first.
	Comment  func(t *testing.T, number int, text string)
	Comments func(t *testing.T, number int) []string
	// Open pull requests there are.
	Count func(t *testing.T) int
	// Race makes the forge refuse the next merges as it does while the base
	// moves; nil where races are real.
	Race func(times int)
}

// Run is the suite. make makes a fresh repository.
func Run(t *testing.T, make func(t *testing.T) Target) {
	for name, test := range map[string]func(t *testing.T, s *suite){
		"life of a pull request": life, "duplicate": duplicate, "pages": pages, "comments": comments, "comments at once": commentsAtOnce,
		"foreign comment": foreignComment, "statuses": statuses, "merge": merge, "stale head": staleHead, "closed": closed,
		"conflict": conflicting, "merge race": race, "protected": protected, "permissions": permissions, "not there": notThere,
		"lost answers": lostAnswers, "server errors": serverErrors, "rate limits": rateLimits, "broken answers": brokenAnswers,
		"redirects": redirects, "token stays hidden": hidden,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newSuite(t, make(t)))
		})
	}
}

// suite is a target behind faults.
type suite struct {
	Target
	faults *Faults
	web    string
	forge  forge.Forge
}

func newSuite(t *testing.T, target Target) *suite {
	s := &suite{Target: target, faults: &Faults{next: target.Handler}}
	server := httptest.NewServer(s.faults)
	t.Cleanup(server.Close)
	s.web = server.URL
	s.forge = s.as(s.Writer, quick())
	return s
}

func quick() forge.Retry {
	return forge.Retry{Within: 30 * time.Second, Least: 2 * time.Millisecond, Most: 100 * time.Millisecond}
}

// as reaches the forge with a token.
func (s *suite) as(token string, r forge.Retry) forge.Forge {
	return forge.Patient{Forge: s.Target.Open(Dial{Web: s.web, Token: token, Retry: r, Silence: 10 * time.Second}), Retry: r}
}

// open opens a pull request of a new branch.
func (s *suite) open(t *testing.T, head string, labels ...string) forge.PullRequest {
	t.Helper()
	s.Branch(t, head)
	p, err := s.forge.OpenPullRequest(t.Context(), forge.NewPullRequest{Title: "Promote " + head, Body: "Body of " + head, Head: head, Base: "main", Labels: labels})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (s *suite) read(t *testing.T, number int) forge.PullRequest {
	t.Helper()
	p, err := s.forge.PullRequest(t.Context(), number)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
