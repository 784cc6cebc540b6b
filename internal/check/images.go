package check

import (
	"context"
	"fmt"
	"strings"

	"github.com/tugops/tug/internal/check/problem"
	"github.com/tugops/tug/internal/imagelock"
	"github.com/tugops/tug/internal/object"
)

// images reports images that may change without a commit.
func (l *look) images(context.Context) error {
	result, err := imagelock.Pin(l.app.Objects, l.app.Locks)
	if err != nil {
		return nil //nolint:nilerr // locks that need a registry are a matter of the render
	}
	byRef := map[object.Ref]*object.Object{}
	for _, o := range l.app.Objects {
		byRef[o.Ref()] = o
	}
	for _, u := range result.Unpinned {
		if o := byRef[u.Ref]; o != nil {
			l.report(o, problem.New(RuleUnpinned, problem.ParsePath(u.Path), "image %q has no lock and no digest, and may change without a commit", u.Image).
				WithHint("lock it: tug image lock"))
		}
	}
	return nil
}

// randoms reports template functions that give another value each time.
func (l *look) randoms(context.Context) error {
	for _, r := range l.app.Random {
		if r.Function == "now" || !l.wanted(RuleRandom) {
			continue // the time of the commit stands in for now
		}
		for _, file := range r.Templates {
			f := Finding{
				Rule: RuleRandom, File: file, App: l.app.Name, env: l.app.Env, stable: r.Function,
				Message: fmt.Sprintf("%s makes up a value that is in no commit", r.Function),
				Hint:    "give the value as an encrypted Secret (tug secret set), or keep the one that was made with lookup switched on",
			}
			if src := l.locators[l.app.Repository].open(file); src != nil {
				f.Line = lineWith(src.lines, r.Function)
			}
			l.add(l.app.Repository, nil, f)
		}
	}
	return nil
}

func lineWith(lines []string, word string) int {
	for i, line := range lines {
		if strings.Contains(line, word) {
			return i + 1
		}
	}
	return 0
}
