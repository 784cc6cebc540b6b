package cli

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/mail"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/forge"
	"github.com/tugops/tug/internal/git"
	"github.com/tugops/tug/internal/project"
	"github.com/tugops/tug/internal/promote"
)

// writing are intents that share a branch, and so a push.
type writing struct {
	spot
	// pull is the branch of the pull request; empty for a commit.
	pull    string
	intents []promote.Intent
}

// groups puts intents together that share a branch, in the order in which they
// came.
func (p *promotion) groups(ctx context.Context, intents []promote.Intent) ([]*writing, error) {
	var list []*writing
	byBranch := map[[3]string]*writing{}
	for _, in := range intents {
		at, _, env, err := p.environment(ctx, in.Environment)
		if err != nil {
			return nil, err
		}
		pull := ""
		if p.o.pr || env.Promotion == project.PullRequest {
			pull = promote.Branch(in.Environment, cmp.Or(p.o.group, in.App))
		}
		key := [3]string{at.url, at.branch, pull}
		g := byBranch[key]
		if g == nil {
			g = &writing{spot: at, pull: pull}
			byBranch[key] = g
			list = append(list, g)
		}
		g.intents = append(g.intents, in)
	}
	return list, nil
}

// write carries out one group.
func (p *promotion) write(ctx context.Context, g *writing) (promoted, error) {
	u, err := p.upstream(g.url)
	if err != nil {
		return promoted{}, err
	}
	w, err := p.writer(u)
	if err != nil {
		return promoted{}, err
	}
	done := promoted{writing: g, repository: u.String()}
	if g.pull == "" {
		direct := func(ctx context.Context, intents []promote.Intent) (promote.Result, error) {
			return w.Direct(ctx, g.branch, intents)
		}
		if p.o.dryRun {
			done.result, err = direct(ctx, g.intents)
			return done, err
		}
		done.result, err = p.queue(g, w).Run(ctx, g.intents, direct)
		return done, err
	}
	// A token that is missing is an error before anything is pushed.
	var pulls forge.Forge
	if !p.o.dryRun {
		if pulls, err = p.env.forge(g.url); err != nil {
			return done, err
		}
	}
	if done.result, err = w.Propose(ctx, g.branch, g.pull, g.intents); err != nil || p.o.dryRun {
		return done, err
	}
	done.pull, done.open, err = promote.Publish(ctx, pulls, done.result)
	if err != nil {
		return done, fmt.Errorf("branch %s is pushed, its pull request is not there yet: %w", g.pull, err)
	}
	return done, nil
}

// queue joins processes of this user that would write the same commits: same
// branch, same credential, same author.
func (p *promotion) queue(g *writing, w *promote.Writer) *promote.Queue {
	h := sha256.New()
	for _, part := range []string{g.url, g.branch, p.url, p.branch, p.below, w.Author.Name, w.Author.Email, w.Committer.Name, w.Committer.Email, Release, p.identity(g.url)} {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return &promote.Queue{
		Dir:  filepath.Join(p.env.cacheFolder(), "promote", hex.EncodeToString(h.Sum(nil)[:16])),
		Poll: func(ctx context.Context) error { return wait(ctx, shortestPause) },
	}
}

// identity is what proves who pushes.
func (p *promotion) identity(address string) string {
	u, err := url.Parse(address)
	if n, netErr := p.env.network(); err == nil && netErr == nil {
		if c, ok := n.http.Credentials().For(u); ok {
			return c.User + "\x00" + c.Password + "\x00" + c.Token
		}
	}
	var parts []string
	for _, name := range []string{"SSH_AUTH_SOCK", "TUG_SSH_KEY", "HOME"} {
		parts = append(parts, p.env.Getenv(name))
	}
	return strings.Join(parts, "\x00")
}

func (p *promotion) writer(u *git.Upstream) (*promote.Writer, error) {
	committer, err := p.signature("TUG_GIT_COMMITTER", "GIT_COMMITTER")
	if err != nil {
		return nil, err
	}
	author, err := p.signature("TUG_GIT_AUTHOR", "GIT_AUTHOR")
	if err != nil {
		return nil, err
	}
	return &promote.Writer{
		Repository: u, Target: p.target, Author: author, Committer: committer, Now: time.Now, Pause: pause,
		Deadline: time.Now().Add(p.o.timeout), DryRun: p.o.dryRun,
	}, nil
}

// signature is who writes commits: "Name <email>" of our variable, else what
// Git itself would take from the environment, else tug.
func (p *promotion) signature(ours, gits string) (git.Signature, error) {
	if text := p.env.Getenv(ours); text != "" {
		a, err := mail.ParseAddress(text)
		if err != nil {
			return git.Signature{}, fault.New(fault.Usage, "%s %q is not of the form Name <email>", ours, text)
		}
		return git.Signature{Name: a.Name, Email: a.Address}, nil
	}
	return git.Signature{
		Name: cmp.Or(p.env.Getenv(gits+"_NAME"), "tug"), Email: cmp.Or(p.env.Getenv(gits+"_EMAIL"), "tug@localhost"),
	}, nil
}

// The pauses between attempts of many writers: full jitter, from a range that
// grows with the attempts and with how long one takes, since a server that is
// slow is so because of them.
const (
	shortestPause = 50 * time.Millisecond
	longestPause  = 2 * time.Second
	slowestPause  = 30 * time.Second
)

func pause(ctx context.Context, attempt int, took time.Duration) error {
	top := min(shortestPause<<min(attempt, 6), longestPause)
	top = max(top, min(took<<min(attempt, 4), slowestPause))
	return wait(ctx, shortestPause+rand.N(top-shortestPause+1))
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
