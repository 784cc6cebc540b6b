package cli

import (
	"net/url"
	"strings"

	"github.com/tugops/tug/internal/forge"
	"github.com/tugops/tug/internal/outbound"
)

// tokenUser goes with a token over Git; forges look at the token alone.
const tokenUser = "x-access-token"

// forgeCredentials let Git read and push with TUG_FORGE_TOKEN, at the forge that
// TUG_FORGE names or that started the job, else at the public one that has the
// config repository. They come last: what names an address itself wins.
func (e *Env) forgeCredentials() outbound.Credentials {
	token := strings.TrimSpace(e.Getenv("TUG_FORGE_TOKEN"))
	if token == "" {
		return nil
	}
	var list outbound.Credentials
	for _, web := range e.tokenHosts() {
		u, err := url.Parse(web)
		if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !outbound.IsLoopback(u.Hostname())) {
			continue // a token does not go over a line that others read
		}
		list = append(list, outbound.Credential{Prefix: u.Scheme + "://" + u.Host, User: tokenUser, Password: token, From: "TUG_FORGE_TOKEN"})
	}
	return list
}

func (e *Env) tokenHosts() []string {
	if s, err := forge.ParseSetting(e.Getenv("TUG_FORGE"), "TUG_FORGE"); err == nil && s.Web != "" {
		return []string{s.Web}
	}
	if job := strings.TrimSpace(e.Getenv("GITHUB_SERVER_URL") + " " + e.Getenv("CI_SERVER_URL")); job != "" {
		return strings.Fields(job)
	}
	var hosts []string
	for _, public := range []string{"https://github.com", "https://gitlab.com", "https://gitea.com", "https://codeberg.org"} {
		if sameHost(e.Getenv("TUG_CONFIG_REPOSITORY"), public) {
			hosts = append(hosts, public)
		}
	}
	return hosts
}
