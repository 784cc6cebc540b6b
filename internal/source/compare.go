package source

import "strings"

// Change is what became of one entry between two locks.
type Change struct {
	What         string // "chart … from …" or "repository …", without a version
	Version, Was string // or commits
	SHA256       string
	Action       string // added, updated, removed or kept
}

// Compare lists the entries of l and of a later lock.
func (l Lock) Compare(after Lock) []Change {
	l, after = l.sorted(), after.sorted()
	var list []Change
	for _, c := range after.Charts {
		ch := Change{What: title(c), Version: c.Version, SHA256: c.SHA256, Action: "added"}
		if was, ok := l.chart(c); ok {
			ch.Action, ch.Was = action(was.SHA256 == c.SHA256 && was.Version == c.Version), was.Version
		}
		list = append(list, ch)
	}
	for _, t := range after.Git {
		ch := Change{What: describeTree(t), Version: t.Commit, SHA256: t.SHA256, Action: "added"}
		if was, ok := l.tree(t); ok {
			ch.Action, ch.Was = action(was.SHA256 == t.SHA256 && was.Commit == t.Commit), was.Commit
		}
		list = append(list, ch)
	}
	for _, c := range l.Charts {
		if _, ok := after.chart(c); !ok {
			list = append(list, Change{What: title(c), Version: c.Version, SHA256: c.SHA256, Action: "removed"})
		}
	}
	for _, t := range l.Git {
		if _, ok := after.tree(t); !ok {
			list = append(list, Change{What: describeTree(t), Version: t.Commit, SHA256: t.SHA256, Action: "removed"})
		}
	}
	return list
}

func action(same bool) string {
	if same {
		return "kept"
	}
	return "updated"
}

// title names a chart and what was asked for.
func title(c LockedChart) string {
	name := c.Name
	if name == "" {
		name = c.Repository[strings.LastIndexByte(c.Repository, '/')+1:]
	}
	if c.Constraint != "" && c.Constraint != c.Version {
		name += " " + c.Constraint
	}
	return name + " from " + c.Repository + ":"
}

// Join is a lock with the entries of both.
func (l Lock) Join(other Lock) Lock {
	l = l.sorted()
	for _, c := range other.Charts {
		from := c.From
		l.addChart(c, "")
		for _, f := range from {
			l.addChart(c, f)
		}
	}
	for _, t := range other.Git {
		from := t.From
		l.addTree(t, "")
		for _, f := range from {
			l.addTree(t, f)
		}
	}
	for name, url := range other.Aliases {
		l.addAlias(name, url)
	}
	return l.sorted()
}
