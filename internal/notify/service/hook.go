package service

import (
	"context"
	"net/http"

	"github.com/tugops/tug/internal/notify"
)

// hook is a chat service that takes a JSON body at a secret address: Slack,
// Teams, Discord and Mattermost.
type hook struct {
	caller
	url  string
	body func(notify.Message) any
	wait pause
}

var _ notify.Notifier = (*hook)(nil)

func newHook(c caller, s Settings, body func(notify.Message) any) (*hook, error) {
	if _, err := address(c.name, s.URL.value); err != nil {
		return nil, err
	}
	h := &hook{caller: c, url: s.URL.value, body: body}
	if s.Type == TypeDiscord {
		h.wait = discordPause
	}
	return h, nil
}

// Send implements notify.Notifier.
func (h *hook) Send(ctx context.Context, m notify.Message) error {
	a, err := h.send(ctx, request{url: h.url, body: h.body(m)})
	if err != nil {
		return err
	}
	switch a.code {
	case http.StatusOK, http.StatusAccepted, http.StatusNoContent:
		return nil
	}
	return h.refused(a, h.wait)
}

// object and list are JSON.
type (
	block = map[string]any
	list  = []any
)
