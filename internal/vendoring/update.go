package vendoring

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/tugops/tug/internal/fault"
)

// UpdateOptions say how to update.
type UpdateOptions struct {
	Dir string
	// Version is the new ref or version; empty for the recorded one, which may
	// have moved (a branch) or be a range.
	Version string
	// From is another place to update from; the recorded one when it is empty.
	From Source
	// Strategy replaces the recorded one when it is set.
	Strategy string
	Policy   Policy
	// Force goes on although files are not committed, so that there is no way
	// back.
	Force bool
}

// Update is what an update of one package changes.
type Update struct {
	Dir       string     `json:"dir"`
	Source    Source     `json:"source"`
	From      Resolved   `json:"from"`
	To        Resolved   `json:"to"`
	Strategy  string     `json:"strategy"`
	UpToDate  bool       `json:"upToDate"`
	Changes   []Change   `json:"changes"`
	Conflicts []Conflict `json:"conflicts"`
	Notes     []string   `json:"notes,omitempty"`

	before, after Tree
	rewritten     bool // the record changes
	done          *swap
}

// Plan works out the update of a package and of those inside it that come from
// the same place. It writes nothing; Apply does.
func (v Vendor) Plan(ctx context.Context, o UpdateOptions) ([]Update, error) {
	p, err := v.open(o.Dir)
	if err != nil {
		return nil, err
	}
	if err := v.wayBack(o); err != nil {
		return nil, err
	}
	if o.Strategy != "" {
		if err := checkStrategy(o.Strategy); err != nil {
			return nil, err
		}
	}
	first, inside, err := v.plan(ctx, p, o)
	if err != nil {
		return nil, err
	}
	updates := []Update{first}
	for _, dir := range inside {
		sub, err := packOf(filepath.Join(o.Dir, filepath.FromSlash(dir)), p.tree.Below(dir))
		if err != nil {
			return nil, err
		}
		if !follows(sub.source, p.source) {
			continue
		}
		next := o
		next.Dir = sub.dir
		u, _, err := v.plan(ctx, sub, next)
		if err != nil {
			return nil, err
		}
		updates = append(updates, u)
	}
	return updates, nil
}

// follows reports whether a package inside another moves on with it: kpt's
// rule is the same repository and ref, and a folder below.
func follows(inner, outer Source) bool {
	if inner.Type != Git || outer.Type != Git || inner.URL != outer.URL || inner.Ref != outer.Ref {
		return false
	}
	return outer.Directory == "." || inner.Directory == outer.Directory || strings.HasPrefix(inner.Directory, outer.Directory+"/")
}

// wayBack wants everything to be committed.
func (v Vendor) wayBack(o UpdateOptions) error {
	if o.Force {
		return nil
	}
	if v.Changed == nil {
		return fault.New(fault.Conflict, "%s is in no Git repository, so there is no way back from an update", o.Dir).
			Hint("commit it, or add --force")
	}
	changed, err := v.Changed(o.Dir)
	if err != nil {
		return err
	}
	if len(changed) > 0 {
		return fault.New(fault.Conflict, "%s has changes that are not committed: %s", o.Dir, some(changed)).
			Hint("commit them, so that nothing can be lost, or add --force")
	}
	return nil
}

// some names a few of a list.
func some(list []string) string {
	const most = 3
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return strings.Join(list[:most], ", ") + " and more"
}

// plan works out the update of one package. inside are the packages in it that
// have a life of their own.
func (v Vendor) plan(ctx context.Context, p *pack, o UpdateOptions) (_ Update, inside []string, _ error) {
	u := Update{Dir: p.dir, Source: p.source.with(o.Version), From: p.resolved, Strategy: p.strategy, before: p.tree}
	if o.Strategy != "" {
		u.Strategy = o.Strategy
	}
	if err := u.from(p, o); err != nil {
		return Update{}, nil, err
	}
	theirs, err := v.Fetch.Fetch(ctx, u.Source)
	if err != nil {
		return Update{}, nil, err
	}
	u.To = theirs.Resolved
	if u.UpToDate = p.upToDate(u.Source, theirs); u.UpToDate {
		u.after = p.tree
		return u, nested(p.tree, p.holds), nil
	}
	origin, err := v.origin(ctx, p)
	if err != nil {
		return Update{}, nil, err
	}
	inside = nested(p.tree, p.shares(origin.Tree))
	return u, inside, u.merge(p, origin, theirs, o.Policy, inside)
}

// from takes another place to update from, or another version.
func (u *Update) from(p *pack, o UpdateOptions) error {
	switch {
	case o.From.URL != "" && o.From.Type != p.source.Type:
		return fault.New(fault.Usage, "%s comes from %s, not from %s", p.dir, p.source.Type, o.From.Type).Hint("fetch it anew into another folder")
	case o.From.URL != "":
		u.Source = o.From
	case p.source.Type == HTTP && o.Version != "":
		return fault.New(fault.Usage, "%s comes from an archive, which has no versions", p.dir).Hint("give the new archive with --from URL")
	}
	return nil
}

// upToDate reports whether upstream has nothing new.
func (p *pack) upToDate(s Source, f Fetched) bool {
	return p.record != nil && !p.stale() && p.source == s && p.resolved == f.Resolved && p.record.Content == f.Tree.Hash()
}

// origin is what the package was when it was fetched, proven by its hash.
func (v Vendor) origin(ctx context.Context, p *pack) (Fetched, error) {
	if p.resolved == (Resolved{}) {
		return Fetched{}, fault.New(fault.Invalid, "%s does not say which commit it was fetched at", filepath.Join(p.dir, KptfileName)).
			Hint("without upstreamLock an update cannot tell our changes from upstream's; fetch the package again with tug vendor get")
	}
	f, err := v.Fetch.Fetch(ctx, p.source.at(p.resolved))
	if err != nil {
		return Fetched{}, err
	}
	if p.record != nil && !p.stale() && f.Tree.Hash() != p.record.Content {
		return Fetched{}, fault.New(fault.Conflict, "%s: upstream has other content than it had when it was recorded (%s, recorded %s)", p.source.at(p.resolved), f.Tree.Hash(), p.record.Content).
			Hint("somebody replaced a released version; compare the two before you go on").
			Hint("to take what upstream has now: tug vendor update --strategy %s --force", ForceDeleteReplace)
	}
	return f, nil
}
