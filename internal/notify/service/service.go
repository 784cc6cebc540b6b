// Package service knows how the services want their messages: one file for
// each. It makes its own requests instead of using shoutrrr: docs/dev.md says
// why. Connections come from the caller, who bounds them (package outbound);
// addresses and tokens are secrets that no error tells.
package service

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/notify"
)

// Settings say where a channel leads. Which of them a type needs says Needs.
type Settings struct {
	Type string
	// URL, Token, Password and Signing are secrets.
	URL, Token, Password, Signing Secret
	// User is the name that goes with Password.
	User Secret
	// Server is scheme://host[:port] of the service, or host:port for e-mail;
	// empty for the usual one.
	Server string
	// Room is the room of Matrix, or the chat of Telegram.
	Room string
	From string
	To   []string
}

// Deps are what services work with.
type Deps struct {
	// HTTP makes requests; redirects must not be followed.
	HTTP interface {
		Do(r *http.Request) (*http.Response, error)
	}
	// Dial and TLS make the connections of e-mail.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	TLS  func(host string) (*tls.Config, error)
	// Statuses and Events are nil where they cannot be written.
	Statuses Statuses
	Events   Events
	Now      func() time.Time
}

// The types of channels.
const (
	TypeSlack      = "slack"
	TypeTeams      = "teams"
	TypeDiscord    = "discord"
	TypeMattermost = "mattermost"
	TypeTelegram   = "telegram"
	TypeMatrix     = "matrix"
	TypeEmail      = "email"
	TypePagerDuty  = "pagerduty"
	TypeWebhook    = "webhook"
	TypeStatus     = "commit-status"
	TypeEvents     = "kubernetes-events"
)

// New makes the notifier of a channel.
func New(s Settings, d Deps) (notify.Notifier, error) {
	c := caller{deps: d, name: s.Type, secrets: s.sensitive()}
	switch s.Type {
	case TypeSlack:
		return newHook(c, s, slackBody)
	case TypeTeams:
		return newHook(c, s, teamsBody)
	case TypeDiscord:
		return newHook(c, s, discordBody)
	case TypeMattermost:
		return newHook(c, s, mattermostBody)
	case TypeTelegram:
		return newTelegram(c, s)
	case TypeMatrix:
		return newMatrix(c, s)
	case TypeEmail:
		return newEmail(c, s)
	case TypePagerDuty:
		return newPagerDuty(c, s)
	case TypeWebhook:
		return newWebhook(c, s)
	case TypeStatus:
		return newStatus(d.Statuses)
	case TypeEvents:
		return newEvents(d.Events)
	}
	return nil, fault.New(fault.Invalid, "there is no type of channel %q", s.Type)
}
