package forge_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/forge"
)

// steps is a clock that notes how long was waited each time.
type steps struct {
	now   time.Time
	waits []time.Duration
}

func (s *steps) Now() time.Time { return s.now }

func (s *steps) Wait(ctx context.Context, d time.Duration) error {
	s.now, s.waits = s.now.Add(d), append(s.waits, d)
	return context.Cause(ctx)
}

func later(done forge.Answer, after time.Duration) error {
	return fault.New(fault.Unavailable, "%w", &forge.Later{Err: errors.New("busy"), After: after, Done: done})
}

func TestRetryPauses(t *testing.T) {
	t.Parallel()
	clock := &steps{}
	r := forge.Retry{Clock: clock, Within: 10 * time.Second, Least: time.Second, Most: 4 * time.Second, Random: func() float64 { return 0.5 }}
	err := r.Do(t.Context(), forge.Always, func() error { return later(forge.Unknown, 0) })
	ms := time.Millisecond
	if d := cmp.Diff([]time.Duration{500 * ms, 1000 * ms, 2000 * ms, 2000 * ms, 2000 * ms, 2000 * ms}, clock.waits); d != "" {
		t.Errorf("pauses: %s", d)
	}
	if !fault.Is(err, fault.Unavailable) || !strings.Contains(strings.Join(fault.HintsOf(err), ""), "10s") {
		t.Errorf("%v, %q", err, fault.HintsOf(err))
	}
}

func TestRetryDecides(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		again func(*forge.Later) bool
		err   error
		calls int
	}{
		"success":           {forge.Always, nil, 1},
		"for good":          {forge.Always, fault.New(fault.Denied, "no"), 1},
		"refused":           {forge.Refused, later(forge.No, 0), 4},
		"lost, made once":   {forge.Refused, later(forge.Unknown, 0), 1},
		"lost, made twice":  {forge.Always, later(forge.Unknown, 0), 4},
		"asks for too much": {forge.Always, later(forge.No, time.Hour), 1},
		"asks for some":     {forge.Always, later(forge.No, 6*time.Second), 2},
	} {
		calls := 0
		r := forge.Retry{Clock: &steps{}, Within: 10 * time.Second, Least: 3 * time.Second, Most: 3 * time.Second, Random: func() float64 { return 0.999 }}
		err := r.Do(t.Context(), tc.again, func() error { calls++; return tc.err })
		if calls != tc.calls || (err == nil) != (tc.err == nil) || err != nil && fault.KindOf(err) != fault.KindOf(tc.err) {
			t.Errorf("%s: %d calls, %v", name, calls, err)
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("stopped")
	cancel(why)
	if err := (forge.Retry{Clock: &steps{}}).Do(ctx, forge.Always, func() error { return later(forge.No, 0) }); !errors.Is(err, why) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestRefusal(t *testing.T) {
	t.Parallel()
	said := errors.New("405 whatever")
	open := forge.PullRequest{Number: 7, State: forge.Open, HeadCommit: "aaa", Head: "x", Base: "main"}
	change := func(f func(*forge.PullRequest)) forge.PullRequest { p := open; f(&p); return p }
	merged := change(func(p *forge.PullRequest) { p.State, p.MergeCommit = forge.Merged, "mmm" })
	for name, tc := range map[string]struct {
		r      forge.Refusal
		commit string
		kind   fault.Kind
		is     error
		again  bool
	}{
		"merged after all":   {forge.Refusal{Now: merged, Reviewed: "aaa"}, "mmm", "", nil, false},
		"merged with others": {forge.Refusal{Now: merged, Reviewed: "bbb"}, "", fault.Conflict, forge.ErrNotOpen, false},
		"closed":             {forge.Refusal{Now: change(func(p *forge.PullRequest) { p.State = forge.Closed }), Reviewed: "aaa"}, "", fault.Conflict, forge.ErrNotOpen, false},
		"moved":              {forge.Refusal{Now: open, Reviewed: "bbb", Blocked: "x"}, "", fault.Conflict, forge.ErrHeadMoved, false},
		"conflict":           {forge.Refusal{Now: change(func(p *forge.PullRequest) { p.Mergeable = forge.No }), Reviewed: "aaa"}, "", fault.Conflict, forge.ErrConflicts, false},
		"blocked":            {forge.Refusal{Now: open, Reviewed: "aaa", Blocked: "a check"}, "", fault.NotReady, nil, false},
		"race":               {forge.Refusal{Now: change(func(p *forge.PullRequest) { p.Mergeable = forge.Yes }), Reviewed: "aaa", Said: said}, "", fault.NotReady, said, true},
		"not known yet":      {forge.Refusal{Now: open, Reviewed: "aaa", Said: said}, "", fault.Conflict, forge.ErrConflicts, true},
		"said yes":           {forge.Refusal{Now: open, Reviewed: "aaa"}, "", fault.Conflict, nil, true},
	} {
		commit, err := tc.r.Decide()
		_, again := forge.AsLater(err)
		if commit != tc.commit || (err != nil) != (tc.kind != "") || err != nil && fault.KindOf(err) != tc.kind || tc.is != nil && !errors.Is(err, tc.is) || again != tc.again {
			t.Errorf("%s: %q, %v (again: %v)", name, commit, err, again)
		}
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	have := []forge.Status{{Context: "tug/check", State: forge.Success}, {Context: "tug/preview", State: forge.Pending}, {Context: "ci/a", State: forge.Success}}
	for pattern, want := range map[string][]string{
		"tug/check": nil, "tug/preview": {"tug/preview"}, "none": {"none"}, "ci/*": nil, "tug/*": {"tug/preview"}, "*": {"tug/preview"}, "x*": {"x*"}, "*/*k": nil,
	} {
		if d := cmp.Diff(want, forge.Missing([]string{pattern}, have)); d != "" {
			t.Errorf("%s: %s", pattern, d)
		}
	}
}
