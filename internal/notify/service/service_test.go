package service_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/notify/notifytest"
	"github.com/tugops/tug/internal/notify/service"
)

func TestBadSettings(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]service.Settings{
		"type":     {Type: "pigeon"},
		"no url":   {Type: service.TypeSlack, URL: service.Hide("hooks.example/" + notifytest.Token)},
		"http":     {Type: service.TypeSlack, URL: service.Hide("http://hooks.example/" + notifytest.Token)},
		"user":     {Type: service.TypeWebhook, URL: service.Hide("https://me:" + notifytest.Token + "@hooks.example/")},
		"base64":   {Type: service.TypeWebhook, URL: service.Hide("https://hooks.example/"), Signing: service.Hide("whsec_!" + notifytest.Token)},
		"weak":     {Type: service.TypeWebhook, URL: service.Hide("https://hooks.example/"), Signing: service.Hide("short")},
		"server":   {Type: service.TypeEmail, Server: "smtp.example.com", From: "a@example.com"},
		"from":     {Type: service.TypeEmail, Server: "smtp.example.com:25", From: "a@example.com\r\nBcc: x@example.com"},
		"to":       {Type: service.TypeEmail, Server: "smtp.example.com:25", From: "a@example.com", To: []string{"nobody"}},
		"matrix":   {Type: service.TypeMatrix, Server: "http://matrix.example"},
		"statuses": {Type: service.TypeStatus},
		"events":   {Type: service.TypeEvents},
	} {
		_, err := service.New(s, deps())
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if told := err.Error() + strings.Join(fault.HintsOf(err), ""); strings.Contains(told, notifytest.Token) {
			t.Errorf("%s: the error tells the token: %s", name, told)
		}
	}
	for _, address := range []string{"http://receiver.tools.svc/x", "http://receiver.tools.svc.cluster.local:8080/", "http://localhost:1/", "http://[::1]:1/"} {
		if _, err := service.New(service.Settings{Type: service.TypeWebhook, URL: service.Hide(address)}, deps()); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestSettingsHideSecrets(t *testing.T) {
	t.Parallel()
	s := service.Settings{URL: service.Hide(notifytest.Token), Token: service.Hide(notifytest.Token), Password: service.Hide(notifytest.Token)}
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprintf("%v %+v %#v %s %s", s, s, s, s.URL, data); strings.Contains(text, notifytest.Token) {
		t.Errorf("told: %s", text)
	}
}

// TestWebhookSignature is the example of the Standard Webhooks specification.
func TestWebhookSignature(t *testing.T) {
	t.Parallel()
	key, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	got := service.Sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if want := "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("signature %s, want %s", got, want)
	}
}

// TestLimitsOfServices: the longest message stays within what services take.
func TestLimitsOfServices(t *testing.T) {
	t.Parallel()
	n := notifytest.Facts()[0]
	long := strings.Repeat("<&*\U0001F6A2", 5000)
	n.Message, n.Subject, n.Cluster, n.Cause = long, long, long, long
	for typ, start := range under() {
		t.Run(typ, func(t *testing.T) {
			t.Parallel()
			notifier, mock := start(t)
			if err := notifier.Send(t.Context(), notifytest.Compose(n)); err != nil {
				t.Fatal(err)
			}
			checkLimits(t, typ, mock)
		})
	}
}

func checkLimits(t *testing.T, typ string, mock notifytest.Mock) {
	t.Helper()
	got := mock.Got()[0]
	_, body, _ := strings.Cut(got, "\n\n")
	switch typ {
	case service.TypeTeams:
		if len(body) > 28<<10 {
			t.Errorf("%d bytes", len(body))
		}
	case service.TypeTelegram:
		var m struct{ Text string }
		if err := json.Unmarshal([]byte(body), &m); err != nil {
			t.Fatal(err)
		}
		if n := len([]rune(unescaped(m.Text))); n > 4096 {
			t.Errorf("%d characters", n)
		}
	case service.TypePagerDuty:
		if len(body) > 512<<10 {
			t.Errorf("%d bytes", len(body))
		}
	case service.TypeStatus:
		if d := strings.Split(got, "\n")[4]; len(d) > 140 {
			t.Errorf("%d bytes", len(d))
		}
	case service.TypeEvents:
		if len(got) > 3<<10 {
			t.Errorf("%d bytes", len(got))
		}
	}
}

func unescaped(text string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&", "<b>", "", "</b>", "").Replace(text)
}
