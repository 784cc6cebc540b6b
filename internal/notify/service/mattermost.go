package service

import "github.com/tugops/tug/internal/notify"

// mattermostBody is an attachment for an incoming webhook
// (developers.mattermost.com/integrate/reference/message-attachments).
func mattermostBody(m notify.Message) any {
	var fields list
	for _, f := range m.Rows {
		fields = append(fields, block{"title": f.Name, "value": mattermostText(f.Value), "short": len(f.Value) < 40})
	}
	attachment := block{"fallback": symbol(m) + " " + unlinked(m.Title), "color": "#" + colour(m), "title": mattermostText(m.Title), "text": mattermostText(m.Text)}
	if fields != nil {
		attachment["fields"] = fields
	}
	return block{"attachments": list{attachment}}
}

// mattermostText keeps Markdown and mentions (@channel) from taking effect.
func mattermostText(text string) string { return unlinked(escape(text, "\\*_~`|>[]#")) }
