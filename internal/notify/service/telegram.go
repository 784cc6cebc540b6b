package service

import (
	"context"
	"encoding/json"
	"html"
	"net/http"
	"strings"

	"github.com/tugops/tug/internal/notify"
)

// telegram is a bot that writes into one chat. Its token is part of the
// address of every request (core.telegram.org/bots/api#sendmessage).
type telegram struct {
	caller
	url  string
	chat string
}

var _ notify.Notifier = (*telegram)(nil)

func newTelegram(c caller, s Settings) (*telegram, error) {
	server, err := base(c.name, s.Server, "https://api.telegram.org")
	if err != nil {
		return nil, err
	}
	return &telegram{caller: c, url: server + "/bot" + s.Token.value + "/sendMessage", chat: s.Room}, nil
}

// Send implements notify.Notifier.
func (t *telegram) Send(ctx context.Context, m notify.Message) error {
	a, err := t.send(ctx, request{url: t.url, body: block{
		"chat_id": t.chat, "text": telegramText(m), "parse_mode": "HTML", "link_preview_options": block{"is_disabled": true},
	}})
	if err != nil {
		return err
	}
	var reply struct {
		OK bool `json:"ok"`
	}
	if a.code == http.StatusOK && json.Unmarshal(a.body, &reply) == nil && reply.OK {
		return nil
	}
	return t.refused(a, telegramPause)
}

// telegramText has 4,096 characters at most once entities are read, and no tag
// that is not closed.
func telegramText(m notify.Message) string {
	text := symbol(m) + " <b>" + html.EscapeString(m.Title) + "</b>"
	if m.Text != "" {
		text += "\n\n" + html.EscapeString(clip(m.Text, 2800))
	}
	var rows []string
	for _, f := range m.Rows {
		rows = append(rows, "<b>"+html.EscapeString(f.Name)+"</b>: "+html.EscapeString(clip(f.Value, 100)))
	}
	if rows != nil {
		text += "\n\n" + strings.Join(rows, "\n")
	}
	return text
}
