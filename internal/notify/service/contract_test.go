package service_test

import (
	"context"
	"crypto/tls"
	"flag"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/notify"
	"github.com/tugops/tug/internal/notify/notifytest"
	"github.com/tugops/tug/internal/notify/service"
)

var update = flag.Bool("update", false, "rewrite the recorded requests")

func deps() service.Deps {
	return service.Deps{
		HTTP: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		Dial: (&net.Dialer{}).DialContext,
		TLS:  func(string) (*tls.Config, error) { return &tls.Config{MinVersion: tls.VersionTLS12}, nil },
		Now:  func() time.Time { return time.Date(2026, 11, 30, 12, 0, 1, 0, time.UTC) },
	}
}

func secretPath(url, rest string) service.Secret { return service.Hide(url + rest) }

// under makes the notifiers under test, by type.
func under() map[string]func(t *testing.T) (notify.Notifier, notifytest.Mock) {
	hook := func(typ, path string, replies map[notifytest.Answer]notifytest.Reply) func(t *testing.T) (notify.Notifier, notifytest.Mock) {
		return func(t *testing.T) (notify.Notifier, notifytest.Mock) {
			mock := notifytest.NewHTTP(t, replies, "Content-Type")
			return made(t, service.Settings{Type: typ, URL: secretPath(mock.URL, path)}, deps()), mock
		}
	}
	api := func(s service.Settings, replies map[notifytest.Answer]notifytest.Reply, headers ...string) func(t *testing.T) (notify.Notifier, notifytest.Mock) {
		return func(t *testing.T) (notify.Notifier, notifytest.Mock) {
			mock := notifytest.NewHTTP(t, replies, append(headers, "Content-Type")...)
			s := s
			s.Server, s.Token = mock.URL, service.Hide(notifytest.Token)
			return made(t, s, deps()), mock
		}
	}
	return map[string]func(t *testing.T) (notify.Notifier, notifytest.Mock){
		service.TypeSlack:      hook(service.TypeSlack, "/services/T00000000/B00000000/"+notifytest.Token, notifytest.Slack()),
		service.TypeTeams:      hook(service.TypeTeams, "/workflows/0123/triggers/manual/paths/invoke?sig="+notifytest.Token, notifytest.Teams()),
		service.TypeDiscord:    hook(service.TypeDiscord, "/api/webhooks/123456789/"+notifytest.Token, notifytest.Discord()),
		service.TypeMattermost: hook(service.TypeMattermost, "/hooks/"+notifytest.Token, notifytest.Mattermost()),
		service.TypeTelegram:   api(service.Settings{Type: service.TypeTelegram, Room: "-100123"}, notifytest.Telegram()),
		service.TypeMatrix:     api(service.Settings{Type: service.TypeMatrix, Room: "!room:example.com"}, notifytest.Matrix(), "Authorization"),
		service.TypePagerDuty:  api(service.Settings{Type: service.TypePagerDuty}, notifytest.PagerDuty()),
		service.TypeWebhook: func(t *testing.T) (notify.Notifier, notifytest.Mock) {
			mock := notifytest.NewHTTP(t, notifytest.Webhook(), "Content-Type", "webhook-id", "webhook-timestamp", "webhook-signature")
			return made(t, service.Settings{Type: service.TypeWebhook, URL: secretPath(mock.URL, "/tug?key="+notifytest.Token), Signing: service.Hide("signing-" + notifytest.Token)}, deps()), mock
		},
		service.TypeEmail: func(t *testing.T) (notify.Notifier, notifytest.Mock) {
			mock := notifytest.NewSMTP(t)
			return made(t, service.Settings{
				Type: service.TypeEmail, Server: mock.Address, From: "tug <tug@example.com>", To: []string{"ops@example.com", "Dev <dev@example.com>"},
				User: service.Hide("tug"), Password: service.Hide(notifytest.Token),
			}, deps()), mock
		},
		service.TypeStatus: func(t *testing.T) (notify.Notifier, notifytest.Mock) {
			mock := &port{}
			d := deps()
			d.Statuses = mock
			return made(t, service.Settings{Type: service.TypeStatus}, d), mock
		},
		service.TypeEvents: func(t *testing.T) (notify.Notifier, notifytest.Mock) {
			mock := &port{}
			d := deps()
			d.Events = mock
			return made(t, service.Settings{Type: service.TypeEvents}, d), mock
		},
	}
}

func made(t *testing.T, s service.Settings, d service.Deps) notify.Notifier {
	t.Helper()
	n, err := service.New(s, d)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestContract(t *testing.T) {
	t.Parallel()
	for typ, start := range under() {
		t.Run(typ, func(t *testing.T) {
			t.Parallel()
			s := notifytest.Subject{Start: start}
			switch typ {
			case service.TypeEmail, service.TypeEvents:
				s.Silent = true
			case service.TypeStatus:
				s.Silent, s.Kinds = true, []event.Kind{event.KindDegraded, event.KindRecovered, event.KindRolledBack}
			}
			notifytest.Run(t, s)
		})
	}
}

// TestRequests holds what is sent against testdata/requests, for people to read
// and to compare with the documentation of the services.
func TestRequests(t *testing.T) {
	t.Parallel()
	for typ, start := range under() {
		t.Run(typ, func(t *testing.T) {
			t.Parallel()
			n, mock := start(t)
			for _, fact := range notifytest.Facts() {
				if err := n.Send(t.Context(), notifytest.Compose(fact)); err != nil {
					t.Fatal(err)
				}
			}
			got := strings.Join(mock.Got(), "----\n")
			file := filepath.Join("testdata", "requests", typ+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Error(d)
			}
		})
	}
}

// port stands for a forge and for a cluster.
type port struct {
	mu     sync.Mutex
	answer notifytest.Answer
	got    []string
}

func (p *port) SetStatus(ctx context.Context, s service.Status) error {
	return p.take(ctx, strings.Join([]string{s.Repository, s.Commit, s.State, s.Context, s.Description}, "\n"))
}

func (p *port) Record(ctx context.Context, h service.Happening) error {
	kind := "Normal"
	if h.Warning {
		kind = "Warning"
	}
	return p.take(ctx, strings.Join([]string{h.About.String(), h.App, h.Namespace, kind, h.Reason, h.Note, h.Key}, "\n"))
}

func (p *port) take(ctx context.Context, text string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = append(p.got, text+"\n")
	switch p.answer {
	case notifytest.Later, notifytest.Broken:
		return fault.New(fault.Unavailable, "not now")
	case notifytest.Denies:
		return fault.New(fault.Denied, "you may not")
	case notifytest.Hangs:
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

func (p *port) Answer(a notifytest.Answer) { p.mu.Lock(); p.answer = a; p.mu.Unlock() }
func (p *port) Got() []string              { p.mu.Lock(); defer p.mu.Unlock(); return p.got }
func (p *port) Knows(a notifytest.Answer) bool {
	return a != notifytest.Leads && a != notifytest.Endless
}
