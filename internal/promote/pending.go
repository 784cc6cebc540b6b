package promote

import (
	"encoding/json"
	"slices"

	"github.com/tugops/tug/internal/git"
	"github.com/tugops/tug/internal/imagelock"
)

// pending is what a machine's branch holds: the intents that wait for its pull
// request, and the versions that they took the place of.
type pending struct {
	intents    []Intent
	superseded []string
}

// lines are the trailers that keep it.
func (p pending) lines() ([]string, error) {
	var list []string
	for _, in := range p.intents {
		text, err := in.Encode()
		if err != nil {
			return nil, err
		}
		list = append(list, trailerPending+": "+text)
	}
	for _, s := range p.superseded {
		list = append(list, trailerSuperseded+": "+s)
	}
	return list, nil
}

// read takes it from the commit of a branch. It is not ours when somebody else
// made the commit, changed it, or moved it to another base.
func readPending(head *git.Tree) (p pending, ours bool) {
	t := trailersOf(head)
	if !slices.Equal(t[trailerTree], []string{head.Hash}) || !slices.Equal(t[trailerBase], head.Parents) {
		return pending{}, false
	}
	for _, text := range t[trailerPending] {
		var in Intent
		if json.Unmarshal([]byte(text), &in) != nil || in.check() != nil {
			return pending{}, false
		}
		p.intents = append(p.intents, in)
	}
	p.superseded = t[trailerSuperseded]
	return p, true
}

// add joins an intent with those that wait: the newer build of a part takes the
// place of the older one, and keeps its values unless it sets them itself.
func (p *pending) add(in Intent) (Action, string, error) {
	i := slices.IndexFunc(p.intents, func(o Intent) bool {
		return o.App == in.App && o.Environment == in.Environment && o.PartName() == in.PartName()
	})
	if i < 0 {
		p.intents = append(p.intents, in)
		return Promoted, "", nil
	}
	old := p.intents[i]
	if in.Version == "" && len(in.Images) == 0 { // values alone, for what waits
		old.Values = joinValues(old.Values, in.Values)
		p.intents[i] = old
		return Promoted, "", nil
	}
	action, why, err := decide(in, recorded(old, imagelock.Promotion{}), old.Version)
	if err != nil || action != Promoted {
		return action, why, err
	}
	in.Values = joinValues(old.Values, in.Values)
	p.intents[i] = in
	if was := old.App + " " + old.what(); old.what() != in.what() && !slices.Contains(p.superseded, was) {
		p.superseded = append(p.superseded, was)
	}
	return Promoted, "", nil
}

// joinValues are both, the later ones instead of earlier ones of the same path.
func joinValues(older, newer []Setting) []Setting {
	list := slices.DeleteFunc(slices.Clone(older), func(o Setting) bool {
		return slices.ContainsFunc(newer, func(n Setting) bool { return n.Path == o.Path })
	})
	return append(list, newer...)
}
