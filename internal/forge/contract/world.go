package contract

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tugops/tug/internal/forge"
)

// World is the state of a forge with one repository, for servers in the
// process that answer in the form of a forge's API. Lock it while using it.
type World struct {
	sync.Mutex
	Path     string
	Users    map[string]User // by token
	Branches map[string][]string
	Pulls    []*Pull
	Notes    []*Note
	Statuses map[string][]forge.Status // by commit, the newest last
	Checks   []string                  // that main waits for; nil when unprotected
	// Races are merges to refuse although nothing is wrong.
	Races int
	ids   int
}

// User is who a token belongs to.
type User struct {
	Name  string
	Write bool
}

// Pull is a pull request of a World.
type Pull struct {
	forge.PullRequest
	Clash bool
	// Looked is how often it was read since it changed: forges say only later
	// whether it is mergeable.
	Looked int
}

// Note is a comment.
type Note struct {
	ID, Pull int
	Author   string
	Text     string
}

// NewWorld has a branch main, a writer and a reader.
func NewWorld(path string) *World {
	w := &World{
		Path: path, Statuses: map[string][]forge.Status{}, Branches: map[string][]string{},
		Users: map[string]User{Canary + "-writer": {"tug-bot", true}, Canary + "-reader": {"reader", false}},
	}
	w.Branches["main"] = []string{w.commit()}
	return w
}

func (w *World) commit() string {
	w.ids++
	return fmt.Sprintf("%040x", 0xc0ffee0000+w.ids)
}

// Tip is the last commit of a branch; empty for none.
func (w *World) Tip(branch string) string {
	if c := w.Branches[branch]; len(c) > 0 {
		return c[len(c)-1]
	}
	return ""
}

// Known reports whether a commit is there.
func (w *World) Known(commit string) bool {
	for _, c := range w.Branches {
		if slices.Contains(c, commit) {
			return true
		}
	}
	return slices.ContainsFunc(w.Pulls, func(p *Pull) bool { return p.HeadCommit == commit })
}

// Pull finds a pull request.
func (w *World) Pull(number int) *Pull {
	for _, p := range w.Pulls {
		if p.Number == number {
			w.refresh(p)
			return p
		}
	}
	return nil
}

func (w *World) refresh(p *Pull) {
	if tip := w.Tip(p.Head); p.State == forge.Open && tip != "" && tip != p.HeadCommit {
		p.HeadCommit, p.Looked = tip, 0
	}
}

// OpenOf finds the open one of two branches.
func (w *World) OpenOf(head, base string) *Pull {
	for _, p := range w.Pulls {
		if p.State == forge.Open && p.Head == head && p.Base == base {
			w.refresh(p)
			return p
		}
	}
	return nil
}

// Newest are all pull requests, the newest first.
func (w *World) Newest() []*Pull {
	list := slices.Clone(w.Pulls)
	for _, p := range list {
		w.refresh(p)
	}
	slices.SortFunc(list, func(a, b *Pull) int { return cmp.Compare(b.Number, a.Number) })
	return list
}

// Add opens one.
func (w *World) Add(p forge.PullRequest) *Pull {
	p.Number, p.State, p.HeadCommit, p.HeadRepository = len(w.Pulls)+1, forge.Open, w.Tip(p.Head), w.Path
	made := &Pull{PullRequest: p}
	w.Pulls = append(w.Pulls, made)
	return made
}

// Missing are the checks of main that a pull request does not fulfil.
func (w *World) Missing(p *Pull) []string {
	if p.Base != "main" {
		return nil
	}
	return forge.Missing(w.Checks, w.Latest(p.HeadCommit))
}

// Latest are the newest statuses of a commit, by context.
func (w *World) Latest(commit string) []forge.Status {
	newest := map[string]forge.Status{}
	for _, s := range w.Statuses[commit] {
		newest[s.Context] = s
	}
	var list []forge.Status
	for _, s := range newest {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b forge.Status) int { return strings.Compare(a.Context, b.Context) })
	return list
}

// Merge merges a pull request that may be merged.
func (w *World) Merge(p *Pull, remove bool) string {
	made := w.commit()
	w.Branches[p.Base] = append(w.Branches[p.Base], made)
	p.State, p.MergeCommit = forge.Merged, made
	if remove {
		delete(w.Branches, p.Head)
	}
	return made
}

// Say adds a comment.
func (w *World) Say(pull int, author, text string) *Note {
	w.ids++
	n := &Note{ID: w.ids, Pull: pull, Author: author, Text: text}
	w.Notes = append(w.Notes, n)
	return n
}

// Target is the acts of the suite on a World; the caller adds Handler and Open.
func (w *World) Target() Target {
	return Target{
		Path: w.Path, Writer: Canary + "-writer", Reader: Canary + "-reader", WriterName: "tug-bot",
		Branch: func(t *testing.T, name string) string {
			w.Lock()
			defer w.Unlock()
			w.Branches[name] = append(slices.Clone(w.Branches["main"]), w.commit())
			return w.Tip(name)
		},
		Push: func(t *testing.T, name string) string {
			w.Lock()
			defer w.Unlock()
			w.Branches[name] = append(w.Branches[name], w.commit())
			return w.Tip(name)
		},
		Tip: func(t *testing.T, name string) string {
			w.Lock()
			defer w.Unlock()
			return w.Tip(name)
		},
		Clash: func(t *testing.T, name string) {
			w.Lock()
			defer w.Unlock()
			w.OpenOf(name, "main").Clash = true
			w.Branches["main"] = append(w.Branches["main"], w.commit())
		},
		Protect: func(t *testing.T, checks ...string) {
			w.Lock()
			defer w.Unlock()
			w.Checks = checks
		},
		Comment: func(t *testing.T, number int, text string) {
			w.Lock()
			defer w.Unlock()
			w.Say(number, "somebody", text)
		},
		Comments: func(t *testing.T, number int) []string {
			w.Lock()
			defer w.Unlock()
			var texts []string
			for _, n := range w.Notes {
				if n.Pull == number {
					texts = append(texts, n.Text)
				}
			}
			return texts
		},
		Count: func(t *testing.T) int {
			w.Lock()
			defer w.Unlock()
			n := 0
			for _, p := range w.Pulls {
				if p.State == forge.Open {
					n++
				}
			}
			return n
		},
		Race: func(times int) {
			w.Lock()
			defer w.Unlock()
			w.Races = times
		},
	}
}
