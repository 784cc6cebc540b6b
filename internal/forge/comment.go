package forge

import (
	"context"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/tugops/tug/internal/fault"
)

// Comment is one that is kept up to date: a pull request has at most one of
// each name.
type Comment struct {
	// Name tells comments of tug apart ("preview", "preview/prod"): letters,
	// digits and . _ / -. It is in the text, hidden from readers.
	Name string
	// Body is Markdown, without the marker.
	Body string
}

// Posted is where a comment is, and whether the call changed anything.
type Posted struct {
	URL     string
	Changed bool
}

// Comments are those of pull requests.
type Comments interface {
	// UpsertComment writes a comment, over the earlier one of that name if
	// there is one by the same author. It never leaves two. A body longer
	// than the forge takes is Invalid and nothing is written.
	UpsertComment(ctx context.Context, number int, c Comment) (Posted, error)
}

var commentName = regexp.MustCompile(`\A[A-Za-z0-9][A-Za-z0-9._/-]{0,99}\z`)

// Marker is the hidden first line of comments of a name.
func Marker(name string) string { return "<!-- tug:" + name + " -->" }

// Text is what is sent: the marker and the body.
func (c Comment) Text(k Kind) (string, error) {
	if !commentName.MatchString(c.Name) || strings.Contains(c.Name, "--") {
		return "", fault.New(fault.Invalid, "comment name %q: only letters, digits and single . _ / - are possible", c.Name)
	}
	text := Marker(c.Name) + "\n" + c.Body
	if n, limit := utf8.RuneCountInString(text), k.Limits().Comment; n > limit {
		return "", fault.New(fault.Invalid, "comment %s has %d characters, %s takes %d", c.Name, n, k, limit).
			Hint("shorten it, and put the full text into a file")
	}
	return text, nil
}

// IsText reports whether a comment's text begins with the marker of a name. A
// person who quotes one does not begin with it.
func IsText(text, name string) bool {
	return strings.HasPrefix(strings.TrimLeft(text, "\ufeff \r\n\t"), Marker(name))
}
