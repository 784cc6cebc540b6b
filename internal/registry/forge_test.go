package registry_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/forgetest"
	"github.com/tugops/tug/internal/outbound"
	"github.com/tugops/tug/internal/registry"
)

// TestForge publishes to a real registry and chart repository, with a token
// that may do no more, and with one that may not.
func TestForge(t *testing.T) {
	t.Parallel()
	f := forgetest.New(t)
	ci := f.User("ci")
	team := f.Organization("team", ci)
	as := func(scope string) (*registry.Publisher, *registry.Charts) {
		login := ci.Login(scope)
		creds := outbound.Credentials{
			{Prefix: "oci://" + f.Registry + "/", User: login.User, Password: login.Token},
			{Prefix: f.ChartURL(team), User: login.User, Password: login.Token},
		}
		logins := []registry.Logins{registry.CredentialLogins(creds)}
		return publisher(t, registry.ImageOptions{Logins: logins}),
			registry.NewCharts(registry.ChartOptions{HTTP: outbound.New(outbound.Policy{Pause: time.Millisecond}, creds), Logins: logins})
	}
	images, charts := as("write:package")
	repository, img := f.Registry+"/"+team+"/shop", randomImage(t)
	for _, fresh := range []bool{true, false} {
		if _, was, err := images.Publish(t.Context(), repository, "1.2.3", img); err != nil || was != fresh {
			t.Errorf("image: %v, %v, want %v", was, err, fresh)
		}
	}
	if _, _, err := images.Publish(t.Context(), repository, "1.2.3", randomImage(t)); !fault.Is(err, fault.Exists) {
		t.Errorf("image with other content: %v", err)
	}
	for _, at := range []string{"oci://" + f.Registry + "/" + team + "/charts", f.ChartURL(team)} {
		for _, fresh := range []bool{true, false} {
			if _, was, err := charts.Publish(t.Context(), at, upload(t, "a: 1\n")); err != nil || was != fresh {
				t.Errorf("%s: %v, %v, want %v", at, was, err, fresh)
			}
		}
		if _, _, err := charts.Publish(t.Context(), at, upload(t, "a: 2\n")); !fault.Is(err, fault.Exists) {
			t.Errorf("%s with other content: %v", at, err)
		}
	}

	images, charts = as("read:package")
	if _, _, err := images.Publish(t.Context(), repository, "2.0.0", img); !fault.Is(err, fault.Denied) || !strings.Contains(err.Error(), "write") {
		t.Errorf("image with a reader's token: %v", err)
	}
	other := upload(t, "a: 3\n")
	other.Name = "other"
	for _, at := range []string{"oci://" + f.Registry + "/" + team + "/charts", f.ChartURL(team)} {
		if _, _, err := charts.Publish(t.Context(), at, other); !fault.Is(err, fault.Denied) {
			t.Errorf("%s with a reader's token: %v", at, err)
		}
	}
}
