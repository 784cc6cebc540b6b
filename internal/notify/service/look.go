package service

import (
	"strings"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/notify"
)

// colour is the colour of a message, as RRGGBB.
func colour(m notify.Message) string {
	switch {
	case m.Phase == notify.Ends && m.Fact.Severity == event.SeverityInfo:
		return "2EB67D"
	case m.Fact.Severity == event.SeverityError:
		return "E01E5A"
	case m.Fact.Severity == event.SeverityWarning:
		return "ECB22E"
	}
	return "36C5F0"
}

// symbol stands in front of a title where there is no colour.
func symbol(m notify.Message) string {
	switch {
	case m.Phase == notify.Ends && m.Fact.Severity == event.SeverityInfo:
		return "✅"
	case m.Fact.Severity == event.SeverityError:
		return "🔴"
	case m.Fact.Severity == event.SeverityWarning:
		return "⚠️"
	}
	return "ℹ️"
}

// unlinked keeps services from taking words for mentions of people.
func unlinked(text string) string { return strings.ReplaceAll(text, "@", "@\u200b") }

// escape puts a backslash before each of some characters.
func escape(text, special string) string {
	var b strings.Builder
	for _, r := range text {
		if strings.ContainsRune(special, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// clip shortens a text to some bytes, at the end of a character.
func clip(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	cut := limit - len("…")
	for cut > 0 && text[cut]&0xC0 == 0x80 {
		cut--
	}
	return text[:cut] + "…"
}
