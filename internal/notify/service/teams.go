package service

import (
	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/notify"
)

// teamsBody is an Adaptive Card in the envelope that a workflow ("When a Teams
// webhook request is received") expects. Messages may have 28 KB.
func teamsBody(m notify.Message) any {
	body := list{block{"type": "TextBlock", "text": teamsText(m.Title), "weight": "Bolder", "size": "Medium", "wrap": true, "color": teamsColour(m)}}
	if m.Text != "" {
		body = append(body, block{"type": "TextBlock", "text": teamsText(m.Text), "wrap": true})
	}
	var facts list
	for _, f := range m.Rows {
		facts = append(facts, block{"title": f.Name, "value": teamsText(clip(f.Value, 300))})
	}
	if facts != nil {
		body = append(body, block{"type": "FactSet", "facts": facts})
	}
	return block{
		"type": "message",
		"attachments": list{block{
			"contentType": "application/vnd.microsoft.card.adaptive",
			"content": block{
				"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
				"msteams": block{"width": "Full"}, "body": body,
			},
		}},
	}
}

func teamsColour(m notify.Message) string {
	switch {
	case m.Phase == notify.Ends && m.Fact.Severity == event.SeverityInfo:
		return "Good"
	case m.Fact.Severity == event.SeverityError:
		return "Attention"
	case m.Fact.Severity == event.SeverityWarning:
		return "Warning"
	}
	return "Accent"
}

// teamsText escapes the Markdown that cards know; lines of it are joined
// unless there is an empty one between them.
func teamsText(text string) string { return doubled(escape(text, "\\*_[]`")) }
