package outbound_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/outbound"
)

func TestParseNetrc(t *testing.T) {
	t.Parallel()
	got, err := outbound.ParseNetrc([]byte("machine charts.example.com login ci password p#1\nmachine 127.0.0.1:80 login a password b\nmachine evil/../x login a password b\ndefault login x password y\n"), "netrc")
	want := outbound.Credentials{
		{Prefix: "https://charts.example.com", User: "ci", Password: "p#1", From: "netrc"},
		{Prefix: "https://127.0.0.1:80", User: "a", Password: "b", From: "netrc"},
		{Prefix: "http://127.0.0.1:80", User: "a", Password: "b", From: "netrc"},
	}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Error(d, err)
	}
}

func TestParseDockerConfig(t *testing.T) {
	t.Parallel()
	auth := base64.StdEncoding.EncodeToString([]byte("ci:pass:word"))
	got, err := outbound.ParseDockerConfig([]byte(`{"auths":{
		"registry.example.com":{"auth":"`+auth+`"},
		"registry.example.com/team":{"username":"team","password":"x"},
		"https://index.docker.io/v1/":{"auth":"`+auth+`"},
		"token.example.com":{"registrytoken":"t"},
		"identity.example.com":{"auth":"`+base64.StdEncoding.EncodeToString([]byte("<token>:"))+`","identitytoken":"i"},
		"helper.example.com":{}
	},"credsStore":"desktop"}`), "config.json")
	slices.SortFunc(got, func(a, b outbound.Credential) int { return strings.Compare(a.Prefix, b.Prefix) })
	want := outbound.Credentials{
		{Prefix: "oci://identity.example.com", User: "00000000-0000-0000-0000-000000000000", Token: "i", From: "config.json"},
		{Prefix: "oci://index.docker.io", User: "ci", Password: "pass:word", From: "config.json"},
		{Prefix: "oci://registry.example.com", User: "ci", Password: "pass:word", From: "config.json"},
		{Prefix: "oci://registry.example.com/team", User: "team", Password: "x", From: "config.json"},
		{Prefix: "oci://token.example.com", Token: "t", From: "config.json"},
	}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Error(d, err)
	}
	if _, err := outbound.ParseDockerConfig([]byte(`{"auths": "`+secret), "config.json"); err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("broken: %v", err)
	}
}

func TestParseHelmRepositories(t *testing.T) {
	t.Parallel()
	list, err := outbound.ParseHelmRepositories([]byte("apiVersion: \"\"\nrepositories:\n- name: team\n  url: https://charts.example.com/team\n  username: ci\n  password: p\n  caFile: ca.pem\n  pass_credentials_all: true\n- {name: open, url: https://open.example.com}\n"), "x")
	if err != nil || len(list) != 2 || list[0].CAFile != "ca.pem" {
		t.Fatalf("%v, %v", list, err)
	}
	c, ok := list[0].Credential("x")
	if want := (outbound.Credential{Prefix: "https://charts.example.com/team", User: "ci", Password: "p", From: "x"}); !ok || c != want {
		t.Errorf("%s, %v", c, ok)
	}
	if _, ok := list[1].Credential("x"); ok {
		t.Error("a credential of nothing")
	}
	if _, err := outbound.ParseHelmRepositories([]byte("repositories: [{password: "+secret), "x"); err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("broken: %v", err)
	}
}

func TestParseCredentials(t *testing.T) {
	t.Parallel()
	got, err := outbound.ParseCredentials("# comment\nhttps://ci:p%40ss@charts.example.com/team https://:t0ken@api.example.com\noci://a:b@registry:5000\n", "TUG_CREDENTIALS")
	want := outbound.Credentials{
		{Prefix: "https://charts.example.com/team", User: "ci", Password: "p@ss", From: "TUG_CREDENTIALS"},
		{Prefix: "https://api.example.com", Token: "t0ken", From: "TUG_CREDENTIALS"},
		{Prefix: "oci://registry:5000", User: "a", Password: "b", From: "TUG_CREDENTIALS"},
	}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Error(d, err)
	}
	for _, text := range []string{secret, "https://charts.example.com/" + secret, "https://ci:" + secret + "%zz@x"} {
		if _, err := outbound.ParseCredentials(text, "TUG_CREDENTIALS"); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("machine x login y password z\nmacdef a\n\n"))
	f.Add([]byte(`{"auths":{"x":{"auth":"YTpi"}}}`))
	f.Add([]byte("repositories:\n- {name: a, url: 'https://x'}\n"))
	f.Add([]byte("https://a:b@c/d"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		_, _ = outbound.ParseNetrc(data, "x")
		_, _ = outbound.ParseDockerConfig(data, "x")
		_, _ = outbound.ParseHelmRepositories(data, "x")
		_, _ = outbound.ParseCredentials(string(data), "x")
	})
}
