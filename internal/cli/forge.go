package cli

import (
	"cmp"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/forge"
	"github.com/tugops/tug/internal/forge/gitea"
	"github.com/tugops/tug/internal/forge/github"
	"github.com/tugops/tug/internal/forge/gitlab"
	"github.com/tugops/tug/internal/forge/rest"
)

// forge reaches the forge of a Git remote. Which kind it is says TUG_FORGE, a
// CI system's variables, or the host's name. It connects to nothing yet.
func (e *Env) forge(remote string) (forge.Forge, error) {
	setting, err := forge.ParseSetting(e.Getenv("TUG_FORGE"), "TUG_FORGE")
	if err != nil {
		return nil, err
	}
	at, err := forge.ParseRepository(remote)
	if err != nil {
		return nil, err
	}
	switch {
	case setting.Web == "":
		setting = e.forgeOfJob(at, setting)
	case strings.HasPrefix(remote, "http") && !sameHost(at.Web, setting.Web):
		setting = e.forgeOfJob(at, forge.Setting{}) // it is about another forge
	}
	kind, at, err := forge.Detect(at, setting)
	if err != nil {
		return nil, err
	}
	return e.forgeAt(kind, at)
}

// forgeAt makes the adapter.
func (e *Env) forgeAt(kind forge.Kind, at forge.Repository) (forge.Forge, error) {
	net, err := e.network()
	if err != nil {
		return nil, err
	}
	login, err := e.forgeLogin(kind, at, net)
	if err != nil {
		return nil, err
	}
	made := forge.Patient{}
	switch kind {
	case forge.GitHub:
		made.Forge = github.New(github.Options{Repository: at, HTTP: net.http, Login: login, Identity: e.workflowIdentity(login)})
	case forge.GitLab:
		made.Forge = gitlab.New(gitlab.Options{Repository: at, HTTP: net.http, Login: login})
	default:
		made.Forge = gitea.New(gitea.Options{Repository: at, HTTP: net.http, Login: login})
	}
	return made, nil
}

// forgeOfJob is what a CI system says of the forge that started the job, when
// the repository is on it.
func (e *Env) forgeOfJob(at forge.Repository, given forge.Setting) forge.Setting {
	actions := forge.GitHub
	if e.Getenv("GITEA_ACTIONS") != "" || e.Getenv("FORGEJO_ACTIONS") != "" {
		actions = forge.Gitea
	}
	for _, job := range []forge.Setting{{Kind: actions, Web: e.Getenv("GITHUB_SERVER_URL")}, {Kind: forge.GitLab, Web: e.Getenv("CI_SERVER_URL")}} {
		web := strings.TrimRight(job.Web, "/")
		if given.Kind != "" && given.Kind != job.Kind || web == "" || !sameHost(at.Web, web) {
			continue
		}
		if parsed, err := forge.ParseSetting(string(job.Kind)+"="+web, ""); err == nil {
			return parsed
		}
	}
	return given
}

// forgeLogin finds the token of a forge. A variable's token only goes to the
// hosts that it is for: the address of the repository may come from a file of
// the repository.
func (e *Env) forgeLogin(kind forge.Kind, at forge.Repository, net *network) (rest.Login, error) {
	trusted := slices.ContainsFunc(e.forgeHosts(kind), func(web string) bool { return sameHost(at.Web, web) })
	if app := e.Getenv("TUG_GITHUB_APP"); app != "" && kind == forge.GitHub && trusted {
		return e.githubApp(app, at, net)
	}
	var found string
	for _, name := range forgeTokens(kind) {
		token := strings.TrimSpace(e.Getenv(name))
		switch {
		case token == "":
		case !trusted:
			found = name
		case name == "CI_JOB_TOKEN":
			return gitlab.JobToken(token, name), nil
		default:
			return rest.Bearer(token, name), nil
		}
	}
	if u, err := url.Parse(at.URL()); err == nil {
		if c, ok := net.http.Credentials().For(u); ok && c.Token+c.Password != "" {
			return rest.Bearer(cmp.Or(c.Token, c.Password), c.From), nil
		}
	}
	if found != "" {
		return nil, fault.New(fault.Denied, "nothing says that the token in %s is for %s", found, at.Web).
			Hint("set TUG_FORGE=%s=%s if it is", kind, at.Web)
	}
	return nil, fault.New(fault.Denied, "there is no token for %s", at.Web).
		Hint("set TUG_FORGE_TOKEN or %s, and TUG_FORGE=%s=%s", forgeTokens(kind)[1], kind, at.Web)
}

// forgeTokens are the variables that may hold a token, the first wins.
func forgeTokens(kind forge.Kind) []string {
	switch kind {
	case forge.GitHub:
		return []string{"TUG_FORGE_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"}
	case forge.GitLab:
		return []string{"TUG_FORGE_TOKEN", "GITLAB_TOKEN", "CI_JOB_TOKEN"}
	}
	return []string{"TUG_FORGE_TOKEN", "GITEA_TOKEN", "FORGEJO_TOKEN"}
}

// forgeHosts are the addresses that tokens in variables are for: what TUG_FORGE
// names, the forge that started the job, what the forge's own tool is set to,
// and the public ones.
func (e *Env) forgeHosts(kind forge.Kind) []string {
	var hosts []string
	if s, err := forge.ParseSetting(e.Getenv("TUG_FORGE"), "TUG_FORGE"); err == nil && s.Kind == kind {
		hosts = append(hosts, s.Web)
	}
	switch kind {
	case forge.GitHub:
		hosts = append(hosts, "https://github.com", "https://"+e.Getenv("GH_HOST"), e.Getenv("GITHUB_SERVER_URL"))
	case forge.GitLab:
		hosts = append(hosts, "https://gitlab.com", "https://"+strings.TrimPrefix(e.Getenv("GITLAB_HOST"), "https://"), e.Getenv("CI_SERVER_URL"))
	default:
		hosts = append(hosts, "https://gitea.com", "https://codeberg.org", e.Getenv("GITEA_SERVER_URL"), e.Getenv("GITHUB_SERVER_URL"))
	}
	return slices.DeleteFunc(hosts, func(h string) bool { return h == "" || h == "https://" })
}

func (e *Env) githubApp(id string, at forge.Repository, net *network) (rest.Login, error) {
	key := []byte(e.Getenv("TUG_GITHUB_APP_KEY"))
	if file := e.Getenv("TUG_GITHUB_APP_KEY_FILE"); file != "" {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, fault.New(fault.Invalid, "TUG_GITHUB_APP_KEY_FILE: %w", err)
		}
		key = data
	}
	return github.NewApp(id, key, at, net.http, forge.Retry{})
}

// workflowIdentity is who the token of a GitHub workflow writes as; GitHub does
// not tell such tokens.
func (e *Env) workflowIdentity(login rest.Login) string {
	if p, ok := login.(rest.Proof); ok && e.Getenv("GITHUB_ACTIONS") == "true" && strings.HasPrefix(p.Secret, "ghs_") {
		return "github-actions[bot]"
	}
	return ""
}

// sameHost compares scheme, host and port of two addresses.
func sameHost(a, b string) bool {
	x, errX := url.Parse(a)
	y, errY := url.Parse(b)
	return errX == nil && errY == nil && x.Host != "" && x.Scheme == y.Scheme && strings.EqualFold(x.Host, y.Host)
}
