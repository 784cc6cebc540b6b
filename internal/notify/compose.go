package notify

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/object"
)

// Limits of what is sent, in characters. Services have their own beside them.
const (
	maxTitle = 250
	maxText  = 3000
	maxValue = 500
)

// usualText is the text of a kind for which no template was written.
const usualText = "{{.message}}\n{{.changes}}\n{{.fields}}\n{{.cause}}"

// Compose makes the message about a fact for one channel. Templates are asked
// in order; what none of them words has the usual words. The values of s are
// taken out of every text of the fact before it is put together, and out of the
// results, so that a template does not piece a secret together either.
func Compose(channel string, f event.Fact, s *object.Sensitive, templates ...Templates) Message {
	f.Severity = cmp.Or(f.Severity, f.Kind.Severity())
	f = masked(f, s)
	words := Template{}
	for _, list := range templates {
		if found, ok := list.of(f.Kind); ok {
			words = found
			break
		}
	}
	values := placeholders(f)
	m := Message{
		ID: messageID(channel, f), Fact: f, Phase: PhaseOf(f.Kind), Trouble: trouble(f),
		Title: clip(oneLine(s.Mask(fill(cmp.Or(words.Title, title(f.Kind)), values))), maxTitle),
		Text:  clip(s.Mask(fill(cmp.Or(words.Text, usualText), values)), maxText),
	}
	if !words.NoRows {
		m.Rows = rows(f)
	}
	return m
}

// rows are those below a text.
func rows(f event.Fact) []Row {
	commit := short(f.Commit)
	if commit != "" && f.Subject != "" {
		commit += " " + f.Subject
	}
	values := placeholders(f)
	var list []Row
	for _, r := range []Row{
		{"App", f.App}, {"Environment", f.Env}, {"Namespace", f.Namespace}, {"Cluster", f.Cluster},
		{"Release", values["release"]}, {"Object", values["object"]}, {"Changed by", values["manager"]},
		{"Plan", f.Plan}, {"Repository", f.Repository}, {"Commit", commit}, {"Deployed by", f.Identity},
	} {
		if r.Value != "" {
			list = append(list, Row{r.Name, clip(oneLine(r.Value), maxValue)})
		}
	}
	return list
}

// Plain is a message as text alone: title, text and rows.
func (m Message) Plain() string {
	parts := []string{m.Title}
	if m.Text != "" {
		parts = append(parts, m.Text)
	}
	var lines []string
	for _, r := range m.Rows {
		lines = append(lines, r.Name+": "+r.Value)
	}
	if lines != nil {
		parts = append(parts, strings.Join(lines, "\n"))
	}
	return strings.Join(parts, "\n\n")
}

// messageID names a delivery: the same fact to the same channel has the same.
func messageID(channel string, f event.Fact) string {
	data, err := json.Marshal(f)
	if err != nil {
		data = []byte(name(f) + f.Time.String()) // a time beyond the year 9999
	}
	sum := sha256.Sum256(append([]byte(channel+"\x00"), data...))
	return hex.EncodeToString(sum[:12])
}

// oneLine joins lines and drops control characters.
func oneLine(text string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)), " ")
}

// clip shortens a text to some characters.
func clip(text string, limit int) string {
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	runes := []rune(text)
	return string(runes[:limit-1]) + "…"
}
