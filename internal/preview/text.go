package preview

import (
	"fmt"
	"strings"
)

// String says how many objects, in words: "1 deleted, 2 changed".
func (c Counts) String() string {
	var parts []string
	for _, p := range []struct {
		n    int
		word string
	}{{c.Deleted, "deleted"}, {c.Changed, "changed"}, {c.Created, "new"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.word))
		}
	}
	if len(parts) == 0 {
		return "no objects"
	}
	return strings.Join(parts, ", ")
}

// Reach says how far a change reaches, its blast radius: "2 of 4 apps differ
// in dev, prod: 1 deleted".
func (r *Report) Reach() string {
	if len(r.Apps) == 0 {
		return "nothing differs in " + number(r.Compared(), "app")
	}
	verb := "differ"
	if len(r.Apps) == 1 {
		verb = "differs"
	}
	text := fmt.Sprintf("%d of %s %s", len(r.Apps), number(r.Checked, "app"), verb)
	if len(r.Environments) > 0 {
		text += " in " + strings.Join(r.Environments, ", ")
	}
	return text + ": " + r.Total.String()
}

// Title is the app with its environment: "web/prod".
func (a App) Title() string { return title(a.App, a.Env) }

// Title is the app with its environment; "the project" when no app could be
// read at all.
func (f Failure) Title() string {
	if f.App == "" && f.Env == "" {
		return "the project"
	}
	return title(f.App, f.Env)
}

func title(app, env string) string {
	if env == "" {
		return app
	}
	return app + "/" + env
}

func number(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
