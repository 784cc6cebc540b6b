package contract

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/forge"
)

// lostAnswers: the forge did it, and nobody heard. Nothing is done twice.
func lostAnswers(t *testing.T, s *suite) {
	mergeMethod := http.MethodPut
	if s.forge.Kind() == forge.Gitea {
		mergeMethod = http.MethodPost
	}
	for name, act := range map[string]func(http.ResponseWriter, *http.Request, http.Handler){"lost": lose, "cut": breakOff} {
		s.faults.on(http.MethodPost, s.pulls(), 1, act)
		p := s.open(t, "promote/"+name, "tug")
		if n := s.Count(t); n != 1 || len(p.Labels) != 1 {
			t.Errorf("%s: %d pull requests, %+v", name, n, p)
		}
		s.faults.on(http.MethodPost, s.notes(), 1, act)
		s.comment(t, p.Number, "preview", "one")
		if got := s.Comments(t, p.Number); len(got) != 1 {
			t.Errorf("%s: comments %q", name, got)
		}
		if name == "cut" && s.forge.Kind() == forge.Gitea {
			act = lose // there the answer to a merge has no body to cut
		}
		s.faults.on(mergeMethod, "/merge", 1, act)
		commit, err := s.forge.MergePullRequest(t.Context(), p.Number, p.HeadCommit, forge.MergeOptions{})
		if err != nil || commit != s.Tip(t, "main") {
			t.Errorf("%s: merge %q, %v", name, commit, err)
		}
		if n := s.faults.unused(); n != 0 {
			t.Errorf("%s: %d faults were not met", name, n)
		}
	}
}

// pulls and notes are ends of the paths where things are made.
func (s *suite) pulls() string {
	if s.forge.Kind() == forge.GitLab {
		return "/merge_requests"
	}
	return "/pulls"
}

func (s *suite) notes() string {
	if s.forge.Kind() == forge.GitLab {
		return "/notes"
	}
	return "/comments"
}

func serverErrors(t *testing.T, s *suite) {
	for _, code := range []int{500, 503} {
		s.faults.on(http.MethodPost, s.pulls(), 1, answer(code, "<html>bad gateway</html>"))
		s.faults.on(http.MethodGet, s.pulls(), 1, answer(code, ""))
		s.open(t, fmt.Sprintf("promote/%d", code))
	}
	if n := s.Count(t); n != 2 || s.faults.unused() != 0 {
		t.Errorf("%d pull requests, %d faults not met", n, s.faults.unused())
	}
	clock := &Clock{}
	s.faults.on("", "", 1000, answer(503, `{"message":"down"}`))
	_, err := s.as(s.Writer, forge.Retry{Clock: clock, Within: time.Minute}).PullRequest(t.Context(), 1)
	if !fault.Is(err, fault.Unavailable) || clock.Waited() > time.Minute || clock.Waited() < 30*time.Second {
		t.Errorf("down for good: %v after %s", err, clock.Waited())
	}
}

func rateLimits(t *testing.T, s *suite) {
	at, commit := epoch(), s.Branch(t, "promote/limits")
	for name, tc := range map[string]struct {
		act       func(http.ResponseWriter, *http.Request, http.Handler)
		least     time.Duration
		exhausted bool
	}{
		"429, seconds":   {answer(429, `{"message":"slow down"}`, "Retry-After", "7"), 7 * time.Second, false},
		"429, date":      {answer(429, `{}`, "Retry-After", at.Add(9*time.Second).Format(http.TimeFormat)), 9 * time.Second, false},
		"403, used up":   {answer(403, `{"message":"API rate limit exceeded"}`, "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", fmt.Sprint(at.Add(20*time.Second).Unix())), 20 * time.Second, false},
		"403, secondary": {answer(403, `{"message":"You have exceeded a secondary rate limit.","documentation_url":"https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"}`), time.Minute, false},
		"403, seconds":   {answer(403, `{}`, "Retry-After", "30"), 30 * time.Second, false},
		"too long":       {answer(429, `{}`, "Retry-After", "3600"), 0, true},
	} {
		clock := &Clock{}
		f := s.as(s.Writer, forge.Retry{Clock: clock})
		s.faults.on(http.MethodPost, "/statuses/"+commit, 1, tc.act)
		err := f.SetStatus(t.Context(), commit, forge.Status{Context: name, State: forge.Success})
		switch {
		case tc.exhausted && (!fault.Is(err, fault.Unavailable) || clock.Waited() > time.Second || !strings.Contains(strings.Join(fault.HintsOf(err), "\n"), "13:00")):
			t.Errorf("%s: %v %q after %s", name, err, fault.HintsOf(err), clock.Waited())
		case !tc.exhausted && (err != nil || clock.Waited() < tc.least || clock.Waited() > tc.least+2*time.Second):
			t.Errorf("%s: %v after %s", name, err, clock.Waited())
		}
		s.faults.clear()
	}
	list, err := s.forge.Statuses(t.Context(), commit)
	if err != nil || len(list) != 5 {
		t.Errorf("statuses: %v, %v", list, err)
	}
	s.faults.on(http.MethodPost, s.pulls(), 1, answer(429, `{}`, "Retry-After", "0"))
	s.open(t, "promote/refused")
	if n := s.Count(t); n != 1 || s.faults.unused() != 0 {
		t.Errorf("%d pull requests", n)
	}
	// By its code alone 403 is no limit.
	clock := &Clock{}
	s.faults.on(http.MethodGet, s.pulls(), 1, answer(403, `{"message":"Resource not accessible by integration"}`, "X-RateLimit-Remaining", "4999"))
	_, _, err = s.as(s.Writer, forge.Retry{Clock: clock}).FindPullRequest(t.Context(), "a", "main")
	if !fault.Is(err, fault.Denied) || clock.Waited() != 0 {
		t.Errorf("403: %v after %s", err, clock.Waited())
	}
}

func brokenAnswers(t *testing.T, s *suite) {
	p := s.open(t, "promote/prod/shop")
	for name, tc := range map[string]struct {
		act  func(http.ResponseWriter, *http.Request, http.Handler)
		kind fault.Kind
	}{
		"hang": {hang, fault.Unavailable}, "huge": {huge, fault.Invalid}, "cut": {breakOff, fault.Unavailable},
		"page": {answer(200, "<html>log in</html>"), fault.Unavailable}, "list": {answer(200, `[1,2]`), fault.Unavailable},
	} {
		clock := &Clock{}
		f := s.Target.Open(Dial{Web: s.web, Token: s.Writer, Silence: 200 * time.Millisecond, Retry: forge.Retry{Clock: clock, Within: time.Second}})
		s.faults.on(http.MethodGet, fmt.Sprintf("/%d", p.Number), 100, tc.act)
		if _, err := f.PullRequest(t.Context(), p.Number); !fault.Is(err, tc.kind) {
			t.Errorf("%s: %v", name, err)
		}
		s.faults.clear()
	}
}

// redirects to other places are not followed; no token goes there.
func redirects(t *testing.T, s *suite) {
	reached := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached++ }))
	defer other.Close()
	s.faults.on(http.MethodGet, "/1", 1, answer(307, "", "Location", other.URL+"/stolen"))
	if _, err := s.forge.PullRequest(t.Context(), 1); !fault.Is(err, fault.Invalid) {
		t.Errorf("redirect: %v", err)
	}
	s.Branch(t, "promote/prod/shop")
	s.faults.on(http.MethodPost, s.pulls(), 1, answer(302, "", "Location", "/elsewhere"))
	_, err := s.forge.OpenPullRequest(t.Context(), forge.NewPullRequest{Title: "x", Head: "promote/prod/shop", Base: "main"})
	if !fault.Is(err, fault.Invalid) || reached != 0 {
		t.Errorf("redirected post: %v, %d requests elsewhere", err, reached)
	}
}

// hidden: whatever a forge answers, the token is in no error and no log line.
func hidden(t *testing.T, s *suite) {
	var text strings.Builder
	log := slog.New(slog.NewJSONHandler(&text, nil))
	log.Info("forge", "forge", s.forge)
	fmt.Fprintf(&text, "%v %+v %#v\n", s.forge, s.forge, s.forge)
	for _, code := range []int{301, 400, 401, 403, 404, 405, 409, 422, 423, 429, 500, 503} {
		clock := &Clock{}
		f := s.as(s.Writer, forge.Retry{Clock: clock, Within: time.Second})
		s.faults.on("", "", 1000, answer(code, `{"message":"the token `+s.Writer+` is bad","errors":[{"message":"`+s.Writer+`"}]}`, "Retry-After", "1"))
		_, one := f.PullRequest(t.Context(), 1)
		_, two := f.OpenPullRequest(t.Context(), forge.NewPullRequest{Title: "x", Head: "a", Base: "main"})
		_, three := f.MergePullRequest(t.Context(), 1, "x", forge.MergeOptions{})
		_, four := f.UpsertComment(t.Context(), 1, forge.Comment{Name: "x", Body: "x"})
		_, five := f.Permissions(t.Context())
		for _, err := range []error{one, two, three, four, five} {
			if err == nil {
				t.Errorf("%d: no error", code)
				continue
			}
			fmt.Fprintf(&text, "%v %+v %q\n", err, err, fault.HintsOf(err))
			for e := err; e != nil; e = errors.Unwrap(e) {
				text.WriteString(e.Error() + "\n")
			}
			log.Error("failed", "error", err)
		}
		s.faults.clear()
	}
	if strings.Contains(text.String(), s.Writer) {
		t.Errorf("shown: %s", text.String()[strings.Index(text.String(), s.Writer)-80:][:200])
	}
	if !strings.Contains(text.String(), "(token)") {
		t.Error("no message of the forge was shown at all")
	}
}
