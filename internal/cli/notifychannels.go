package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/kube"
	"github.com/tugops/tug/internal/notify"
	"github.com/tugops/tug/internal/notify/service"
	"github.com/tugops/tug/internal/outbound"
	"github.com/tugops/tug/internal/project"
)

// maxSecretFile bounds the file of a secret, in bytes.
const maxSecretFile = 64 << 10

// channel is a channel of tug.yaml, ready to send, or why it is not.
type channel struct {
	notify.Channel
	kind string
	err  error
}

// channels makes the channels of a project, in the order of their names. The
// client is for Kubernetes Events; nil where there is none.
func (e *Env) channels(n project.Notify, client *kube.Client) ([]channel, error) {
	if len(n.Channels) == 0 {
		return nil, nil
	}
	deps, err := e.serviceDeps(client)
	if err != nil {
		return nil, err
	}
	var list []channel
	for _, name := range slices.Sorted(maps.Keys(n.Channels)) {
		declared := n.Channels[name]
		c := channel{kind: declared.Type, Channel: notify.Channel{Name: name, PerMinute: declared.PerMinute, Templates: templates(declared.Templates)}}
		var s service.Settings
		if s, c.err = e.settings(declared); c.err == nil {
			c.Notifier, c.err = service.New(s, deps)
		}
		list = append(list, c)
	}
	return list, nil
}

// serviceDeps are the connections of notifications. They carry no credentials
// but those of the channel, and follow no redirect.
func (e *Env) serviceDeps(client *kube.Client) (service.Deps, error) {
	policy, err := e.outboundPolicy()
	if err != nil {
		return service.Deps{}, err
	}
	bare := *outbound.New(policy, nil).HTTP()
	bare.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	d := service.Deps{
		HTTP: &bare, Dial: policy.Dial, Now: time.Now,
		TLS: policy.TLS, Statuses: forgeStatuses{e},
	}
	if client != nil {
		d.Events = clusterEvents{client}
	}
	return d, nil
}

// settings are those of a channel with its secrets looked up.
func (e *Env) settings(c project.Channel) (service.Settings, error) {
	s := service.Settings{Type: c.Type, Server: c.Server, Room: c.Room, From: c.From, To: c.To}
	for _, one := range []struct {
		ref  project.Secret
		into *service.Secret
	}{{c.URL, &s.URL}, {c.Token, &s.Token}, {c.Signing, &s.Signing}, {c.User, &s.User}, {c.Password, &s.Password}} {
		value, err := e.notifySecret(one.ref)
		if err != nil {
			return s, err
		}
		if one.into != &s.User {
			e.sensitive.Value(value)
		}
		*one.into = service.Hide(value)
	}
	return s, nil
}

// notifySecret reads a secret that tug.yaml names.
func (e *Env) notifySecret(ref project.Secret) (string, error) {
	switch {
	case ref.Env != "":
		if value := e.Getenv(ref.Env); value != "" {
			return value, nil
		}
		return "", fault.New(fault.Invalid, "variable %s is not set", ref.Env).Hint("it holds the secret that tug.yaml names")
	case ref.File != "":
		value, err := readNotifyFile(e.Getenv(project.SecretPrefix+"DIR"), ref.File)
		if err != nil {
			return "", fault.New(fault.Invalid, "secret file %s: %w", ref.File, err).
				Hint("it lies in the folder that %sDIR names", project.SecretPrefix)
		}
		return value, nil
	}
	return "", nil
}

func readNotifyFile(dir, name string) (string, error) {
	if dir == "" {
		return "", fmt.Errorf("%sDIR is not set", project.SecretPrefix)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", reason(err)
	}
	defer root.Close()
	f, err := root.Open(name)
	if err != nil {
		return "", reason(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err != nil {
		return "", reason(err)
	}
	value := strings.TrimSpace(string(data))
	if value == "" || len(data) > maxSecretFile {
		return "", errors.New("it is empty or too large")
	}
	return value, nil
}

// templates are words of tug.yaml as package notify wants them.
func templates(words map[string]project.Wording) notify.Templates {
	t := notify.Templates{}
	for kind, w := range words {
		t[kind] = notify.Template{Title: w.Title, Text: w.Text, NoRows: w.Rows == project.RowsHidden}
	}
	return t
}

// routes are those of tug.yaml as package notify wants them.
func routes(n project.Notify) []notify.Route {
	var list []notify.Route
	for _, r := range n.Routes {
		route := notify.Route{To: r.To, Apps: r.Apps, Environments: r.Environments, Severity: event.Severity(cmp.Or(r.Severity, string(event.SeverityInfo)))}
		for _, k := range r.Events {
			route.Events = append(route.Events, event.Kind(k))
		}
		list = append(list, route)
	}
	return list
}

// dispatcher starts the delivery of facts by the routes of a project. Channels
// that cannot be used are told to report and left out.
func (e *Env) dispatcher(ctx context.Context, n project.Notify, client *kube.Client, report func(notify.Delivery)) (*notify.Dispatcher, error) {
	list, err := e.channels(n, client)
	if err != nil {
		return nil, err
	}
	c := notify.Config{Routes: routes(n), Templates: templates(n.Templates), Sensitive: e.sensitive, Report: report}
	for _, one := range list {
		if one.err != nil {
			report(notify.Delivery{Channel: one.Name, Err: one.err})
			continue
		}
		c.Channels = append(c.Channels, one.Channel)
	}
	return notify.Start(ctx, c), nil
}
