package service

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/tugops/tug/internal/notify"
)

// pagerDuty is an integration of a PagerDuty service. A trouble that begins
// triggers an incident, its end resolves it; what is neither becomes a change
// event, which wakes nobody (developer.pagerduty.com, Events API v2).
type pagerDuty struct {
	caller
	server, key string
}

var _ notify.Notifier = (*pagerDuty)(nil)

func newPagerDuty(c caller, s Settings) (*pagerDuty, error) {
	server, err := base(c.name, s.Server, "https://events.pagerduty.com")
	return &pagerDuty{caller: c, server: server, key: s.Token.value}, err
}

// Send implements notify.Notifier.
func (p *pagerDuty) Send(ctx context.Context, m notify.Message) error {
	url, body := p.server+"/v2/enqueue", p.event(m)
	if m.Phase == notify.Plain {
		url, body = p.server+"/v2/change/enqueue", p.change(m)
	}
	a, err := p.send(ctx, request{url: url, body: body})
	if err != nil {
		return err
	}
	if a.code == http.StatusAccepted {
		return nil
	}
	return p.refused(a, nil)
}

func (p *pagerDuty) event(m notify.Message) block {
	event := block{"routing_key": p.key, "dedup_key": dedupKey(m), "event_action": "resolve"}
	if m.Phase == notify.Begins {
		event["event_action"] = "trigger"
		event["payload"] = block{
			"summary": clip(summary(m), 1024), "source": source(m), "severity": string(m.Fact.Severity),
			"timestamp": m.Fact.Time.UTC().Format("2006-01-02T15:04:05.000Z"), "component": m.Fact.App,
			"group": cmp.Or(m.Fact.Env, m.Fact.Namespace), "class": string(m.Fact.Kind), "custom_details": details(m),
		}
		event["client"] = "tug"
	}
	return event
}

func (p *pagerDuty) change(m notify.Message) block {
	return block{"routing_key": p.key, "payload": block{
		"summary": clip(summary(m), 1024), "source": source(m),
		"timestamp": m.Fact.Time.UTC().Format("2006-01-02T15:04:05.000Z"), "custom_details": details(m),
	}}
}

// summary is the title with the first line of the text.
func summary(m notify.Message) string {
	if first, _, _ := strings.Cut(m.Text, "\n"); first != "" {
		return m.Title + ": " + first
	}
	return m.Title
}

func source(m notify.Message) string { return cmp.Or(m.Fact.Cluster, m.Fact.Namespace, "tug") }

func details(m notify.Message) block {
	all := block{"text": m.Text}
	for _, f := range m.Rows {
		all[f.Name] = f.Value
	}
	return all
}

// dedupKey names the trouble in at most 255 characters.
func dedupKey(m notify.Message) string {
	if len(m.Trouble) <= 255 {
		return m.Trouble
	}
	sum := sha256.Sum256([]byte(m.Trouble))
	return "tug/" + hex.EncodeToString(sum[:])
}
