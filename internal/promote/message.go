package promote

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tugops/tug/internal/git"
)

// The trailers of commits. Those of a machine's branch say what it is built on
// and what it holds, so that a commit of somebody else is told apart.
const (
	trailerIntent     = "Tug-Intent"
	trailerApp        = "Tug-App"
	trailerPart       = "Tug-Part"
	trailerEnv        = "Tug-Environment"
	trailerVersion    = "Tug-Version"
	trailerSequence   = "Tug-Sequence"
	trailerRepository = "Source-Repository"
	trailerCommit     = "Source-Commit"
	trailerBase       = "Tug-Base"
	trailerTree       = "Tug-Tree"
	trailerPending    = "Tug-Pending"
	trailerSuperseded = "Tug-Superseded"
)

// title is the first line of a commit or pull request.
func title(outcomes []Outcome) string {
	if len(outcomes) != 1 {
		text := fmt.Sprintf("Promote %d apps", len(outcomes))
		if env := outcomes[0].Intent.Environment; env != "" {
			text += " to " + env
		}
		return text
	}
	in := outcomes[0].Intent
	verb, name := "Promote", in.App
	if in.Rollback {
		verb = "Roll back"
	}
	if in.Part != "" && in.Part != in.App {
		name += " (" + in.Part + ")"
	}
	text := verb + " " + name
	switch {
	case in.what() == "values":
		text = "Set values of " + name
		if in.Environment != "" {
			text += " in " + in.Environment
		}
		return cut(text)
	case in.Rollback:
		text += " to " + in.what()
		if in.Environment != "" {
			text += " in " + in.Environment
		}
		return cut(text)
	}
	text += " " + in.what()
	if in.Environment != "" {
		text += " to " + in.Environment
	}
	return cut(text)
}

func cut(text string) string {
	const width = 120
	if len(text) <= width {
		return text
	}
	return strings.ToValidUTF8(text[:width], "") + "…"
}

// message is that of a commit: what changes, and the trailers.
func message(outcomes []Outcome, more ...string) string {
	var b strings.Builder
	b.WriteString(title(outcomes) + "\n\n")
	lines := 0
	for _, o := range outcomes {
		for _, c := range o.Changes {
			if lines++; lines <= 60 {
				fmt.Fprintf(&b, "%s\n", c)
			}
		}
	}
	if lines > 60 {
		fmt.Fprintf(&b, "and %d more\n", lines-60)
	}
	if lines > 0 {
		b.WriteString("\n")
	}
	for _, o := range outcomes {
		trailers(&b, o.Intent)
	}
	for _, line := range more {
		b.WriteString(line + "\n")
	}
	return b.String()
}

// String is the change in one line.
func (c Change) String() string {
	if c.From == "" {
		return fmt.Sprintf("%s: %s: %s", c.File, c.What, quoted(c.To))
	}
	return fmt.Sprintf("%s: %s: %s -> %s", c.File, c.What, quoted(c.From), quoted(c.To))
}

// quoted keeps a value to one line.
func quoted(text string) string {
	if text == "" || strings.ContainsAny(text, "\n\r\t") || strings.TrimSpace(text) != text {
		return strconv.Quote(text)
	}
	return text
}

func trailers(b *strings.Builder, in Intent) {
	sequence := ""
	if in.Sequence > 0 {
		sequence = strconv.FormatInt(in.Sequence, 10)
	}
	for _, t := range [][2]string{
		{trailerIntent, in.Key}, {trailerApp, in.App}, {trailerPart, in.Part}, {trailerEnv, in.Environment}, {trailerVersion, in.version()},
		{trailerSequence, sequence}, {trailerRepository, git.WithoutCredentials(in.Source.Repository)}, {trailerCommit, in.Source.Commit},
	} {
		if t[1] != "" {
			fmt.Fprintf(b, "%s: %s\n", t[0], t[1])
		}
	}
}

// trailersOf are the values of the trailers of a message by name, in order.
func trailersOf(t *git.Tree) map[string][]string {
	found := map[string][]string{}
	for _, line := range t.Commit.Trailers {
		if name, value, ok := strings.Cut(line, ":"); ok {
			found[name] = append(found[name], strings.TrimSpace(value))
		}
	}
	return found
}
