package service

import (
	"strings"

	"github.com/tugops/tug/internal/notify"
)

// slackBody is a message for an incoming webhook: blocks with a colour, and a
// text for devices that show none. A section takes ten fields, a text of 3,000
// characters (docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).
func slackBody(m notify.Message) any {
	blocks := list{block{"type": "section", "text": mrkdwn("*" + slackText(m.Title) + "*")}}
	if m.Text != "" {
		blocks = append(blocks, block{"type": "section", "text": mrkdwn(slackText(m.Text))})
	}
	var fields list
	for _, f := range m.Rows[:min(len(m.Rows), 10)] {
		fields = append(fields, mrkdwn("*"+f.Name+"*\n"+slackText(f.Value)))
	}
	if fields != nil {
		blocks = append(blocks, block{"type": "section", "fields": fields})
	}
	return block{
		"text":        symbol(m) + " " + slackText(m.Title),
		"attachments": list{block{"color": "#" + colour(m), "blocks": blocks}},
	}
}

func mrkdwn(text string) block { return block{"type": "mrkdwn", "text": clip(text, 2900)} }

// slackText escapes what Slack reads as links and mentions.
func slackText(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}
