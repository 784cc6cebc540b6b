package service

import (
	"context"
	"html"
	"net/http"
	"net/url"
	"strings"

	"github.com/tugops/tug/internal/notify"
)

// matrix sends notices into a room. The ID of the message is the transaction,
// so that the server drops a repetition (spec.matrix.org, client-server API,
// PUT /_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}).
type matrix struct {
	caller
	url, token string
}

var _ notify.Notifier = (*matrix)(nil)

func newMatrix(c caller, s Settings) (*matrix, error) {
	server, err := base(c.name, s.Server, "https://matrix.org")
	if err != nil {
		return nil, err
	}
	return &matrix{caller: c, token: s.Token.value, url: server + "/_matrix/client/v3/rooms/" + url.PathEscape(s.Room) + "/send/m.room.message/"}, nil
}

// Send implements notify.Notifier.
func (x *matrix) Send(ctx context.Context, m notify.Message) error {
	plain := m
	plain.Title = symbol(m) + " " + m.Title
	a, err := x.send(ctx, request{
		method: http.MethodPut, url: x.url + url.PathEscape(m.ID), header: map[string]string{"Authorization": "Bearer " + x.token},
		body: block{"msgtype": "m.notice", "body": plain.Plain(), "format": "org.matrix.custom.html", "formatted_body": matrixHTML(m)},
	})
	if err != nil {
		return err
	}
	if a.code == http.StatusOK {
		return nil
	}
	return x.refused(a, matrixPause)
}

func matrixHTML(m notify.Message) string {
	var b strings.Builder
	b.WriteString("<p>" + symbol(m) + " <strong>" + html.EscapeString(m.Title) + "</strong></p>")
	if m.Text != "" {
		b.WriteString("<p>" + strings.ReplaceAll(html.EscapeString(m.Text), "\n", "<br>") + "</p>")
	}
	if len(m.Rows) > 0 {
		b.WriteString("<ul>")
		for _, f := range m.Rows {
			b.WriteString("<li>" + html.EscapeString(f.Name) + ": " + html.EscapeString(f.Value) + "</li>")
		}
		b.WriteString("</ul>")
	}
	return b.String()
}
