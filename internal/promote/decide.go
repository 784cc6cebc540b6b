package promote

import (
	"fmt"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/imagelock"
)

// Action says what becomes of an intent.
type Action string

// The actions.
const (
	// Promoted: the files change.
	Promoted Action = "promoted"
	// Unchanged: it was carried out before, or everything is as it asks.
	Unchanged Action = "unchanged"
	// Superseded: a newer build is there.
	Superseded Action = "superseded"
)

// decide compares an intent with what the lock file says of the part; current
// is the version that other files say, empty when none does.
func decide(in Intent, was imagelock.Promotion, current string) (a Action, why string, err error) {
	known := was.Of != ""
	switch {
	case known && in.Key != "" && was.Key == in.Key:
		return Unchanged, "it was promoted before", nil
	case in.Rollback:
		return Promoted, "", nil
	case known && in.Sequence > 0 && was.Highest() > 0:
		if in.Sequence > was.Highest() {
			return Promoted, "", nil
		}
		return Superseded, supersededBy(in, was), nil
	case !known && in.Sequence > 0:
		return Promoted, "", nil
	}
	return decideByVersion(in, was, current)
}

func supersededBy(in Intent, was imagelock.Promotion) string {
	text := fmt.Sprintf("build %d is there", was.Sequence)
	if was.Version != "" {
		text += " (" + was.Version + ")"
	}
	if was.Newest > was.Sequence {
		text = fmt.Sprintf("build %d was rolled back to %d", was.Newest, was.Sequence)
	}
	return fmt.Sprintf("%s, and this is %d", text, in.Sequence)
}

// decideByVersion is for where there is no order of builds.
func decideByVersion(in Intent, was imagelock.Promotion, current string) (Action, string, error) {
	if was.Version != "" {
		current = was.Version
	}
	if in.Version == "" && in.Sequence == 0 && len(in.Images) == 0 {
		return Promoted, "", nil // values alone
	}
	switch order, comparable := compareVersions(in.version(), current); {
	case comparable && order >= 0:
		return Promoted, "", nil
	case comparable && in.Sequence > 0:
		return Superseded, fmt.Sprintf("version %s is there, and this is %s", current, in.Version), nil
	case comparable:
		return "", "", fault.New(fault.Conflict, "version %s is there, and %s is older", current, in.what()).
			Hint("to go back on purpose, say --rollback")
	case was.Highest() == 0:
		return Promoted, "", nil
	}
	return "", "", fault.New(fault.Conflict, "build %d is there, and nothing says whether %s is newer", was.Sequence, in.what()).
		Hint("give the number of the build: --sequence N").
		Hint("or say --rollback, if it may be an older one")
}

// compareVersions compares semantic versions; equal texts are equal whatever
// they are.
func compareVersions(a, b string) (order int, ok bool) {
	if a == b && a != "" {
		return 0, true
	}
	x, errX := semver.NewVersion(a)
	y, errY := semver.NewVersion(b)
	if errX != nil || errY != nil {
		return 0, false
	}
	return x.Compare(y), true
}

// recorded is what the lock file says of the part after an intent.
func recorded(in Intent, was imagelock.Promotion) imagelock.Promotion {
	p := imagelock.Promotion{
		Of: in.PartName(), Version: in.version(), Sequence: in.Sequence, Key: in.Key,
		Repository: in.Source.Repository, Commit: in.Source.Commit,
	}
	if p.Version == "" && len(in.Images) == 0 {
		p.Version = was.Version // values alone
	}
	for _, image := range in.Images {
		p.Images = append(p.Images, image.Name)
	}
	if len(p.Images) == 0 {
		p.Images = was.Images
	}
	if in.Sequence == 0 {
		p.Sequence = was.Sequence // a person does not know the number of the build
	}
	if was.Highest() > p.Sequence {
		p.Newest = was.Highest()
	}
	return p
}

// ofPart is what a lock file says of a part; the zero value when nothing.
func ofPart(list []imagelock.Promotion, part string) imagelock.Promotion {
	if i := slices.IndexFunc(list, func(p imagelock.Promotion) bool { return p.Of == part }); i >= 0 {
		return list[i]
	}
	return imagelock.Promotion{}
}

// withPart replaces what a lock file says of a part; parts are in order of
// name.
func withPart(list []imagelock.Promotion, p imagelock.Promotion) []imagelock.Promotion {
	list = slices.DeleteFunc(slices.Clone(list), func(o imagelock.Promotion) bool { return o.Of == p.Of })
	i, _ := slices.BinarySearchFunc(list, p.Of, func(o imagelock.Promotion, of string) int {
		return strings.Compare(o.Of, of)
	})
	return slices.Insert(list, i, p)
}
