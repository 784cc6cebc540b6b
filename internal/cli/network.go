package cli

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/git"
	"github.com/tugops/tug/internal/outbound"
	"github.com/tugops/tug/internal/registry"
	sources "github.com/tugops/tug/internal/source"
)

// network are the clients that fetch charts, trees and packages: one of each
// for a command, so that an index is read and a branch resolved once.
type network struct {
	http    *outbound.Client
	charts  *registry.Charts
	git     *git.Remotes
	offline *git.Remotes // over the same cache
	aliases map[string]string
}

// network reads the places where people and jobs keep credentials, known hosts
// and certificates (docs/sources.md), the first time that it is needed.
func (e *Env) network() (*network, error) {
	e.networkOnce.Do(func() { e.networkMade, e.networkErr = e.newNetwork() })
	return e.networkMade, e.networkErr
}

func (e *Env) newNetwork() (*network, error) {
	policy, err := e.outboundPolicy()
	if err != nil {
		return nil, err
	}
	repositories, from, err := e.helmRepositories()
	if err != nil {
		return nil, err
	}
	aliases := map[string]string{}
	for _, r := range repositories {
		aliases[r.Name] = r.URL
		if err := useRepository(&policy, r, from); err != nil {
			return nil, err
		}
	}
	creds, err := e.credentials(repositories, from)
	if err != nil {
		return nil, err
	}
	logins, err := e.registryLogins()
	if err != nil {
		return nil, err
	}
	client := outbound.New(policy, creds)
	options := registry.ChartOptions{HTTP: client, Dir: e.cacheFolder(), Logins: []registry.Logins{logins}, PlainHTTP: words(e.Getenv("TUG_PLAIN_HTTP"))}
	if e.allowed("TUG_CREDENTIAL_HELPERS") {
		options.Logins = append(options.Logins, registry.DockerLogins{})
	}
	remotes := &git.Remotes{
		Dir: e.cacheFolder(), HTTP: client.HTTP(), SSH: e.ssh(policy), Local: e.allowed("TUG_ALLOW_LOCAL"),
		Progress: func(url, ref string) { e.fetching("repository "+url, ref) },
	}
	return &network{http: client, charts: registry.NewCharts(options), aliases: aliases, git: remotes, offline: remotes.AsOffline()}, nil
}

// allowed reads a switch.
func (e *Env) allowed(name string) bool {
	on, err := strconv.ParseBool(e.Getenv(name))
	return err == nil && on
}

// words splits a list at commas and spaces.
func words(text string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		set[w] = true
	}
	return set
}

// contentCache is the one of this command.
func (e *Env) contentCache() (*sources.Cache, error) {
	e.contentOnce.Do(func() { e.content, e.contentErr = e.newContentCache() })
	return e.content, e.contentErr
}

func (e *Env) newContentCache() (*sources.Cache, error) {
	c := &sources.Cache{Dir: e.cacheFolder()}
	if text := e.Getenv("TUG_CACHE_SIZE"); text != "" {
		mib, err := strconv.ParseInt(text, 10, 32)
		if err != nil || mib < 1 {
			return nil, fault.New(fault.Usage, "TUG_CACHE_SIZE %q is no number of MiB", text).Hint("for example TUG_CACHE_SIZE=512")
		}
		c.Limit = mib << 20
	}
	return c, nil
}

// outboundPolicy is what the environment says of connections.
func (e *Env) outboundPolicy() (outbound.Policy, error) {
	p := outbound.Policy{
		LinkLocal: e.allowed("TUG_ALLOW_LINK_LOCAL"), Proxy: http.ProxyFromEnvironment, UserAgent: "tug/" + Release,
		HostRoots: map[string][]byte{}, Certificates: map[string]tls.Certificate{}, Unverified: map[string]bool{},
	}
	for _, name := range []string{"SSL_CERT_FILE", "TUG_CA_FILE"} {
		file := e.Getenv(name)
		if file == "" {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return p, fault.New(fault.Invalid, "%s: %w", name, err).Hint("give a file with certificates in PEM form")
		}
		p.Roots = append(append(p.Roots, data...), '\n')
	}
	for host, file := range pairs(e.Getenv("TUG_HOST_CA")) {
		data, err := os.ReadFile(file)
		if err != nil {
			return p, fault.New(fault.Invalid, "TUG_HOST_CA: %w", err).Hint("the form is host=file,host:port=file")
		}
		p.HostRoots[host] = data
	}
	for host, files := range pairs(e.Getenv("TUG_CLIENT_CERT")) {
		cert, key, _ := strings.Cut(files, ":")
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return p, fault.New(fault.Invalid, "TUG_CLIENT_CERT of %s: %w", host, err).Hint("the form is host=cert.pem:key.pem, with commas between hosts")
		}
		p.Certificates[host] = pair
	}
	return p, nil
}

// pairs reads "a=b,c=d".
func pairs(text string) map[string]string {
	found := map[string]string{}
	for item := range strings.SplitSeq(text, ",") {
		if name, value, ok := strings.Cut(strings.TrimSpace(item), "="); ok {
			found[name] = value
		}
	}
	return found
}

// helmRepositories are the entries of Helm's repositories.yaml.
func (e *Env) helmRepositories() ([]outbound.HelmRepository, string, error) {
	file := e.Getenv("HELM_REPOSITORY_CONFIG")
	if file == "" {
		file = filepath.Join(e.helmConfig(), "repositories.yaml")
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, "", nil //nolint:nilerr // most people have none
	}
	list, err := outbound.ParseHelmRepositories(data, file)
	return list, file, err
}

func (e *Env) helmConfig() string {
	if dir := e.Getenv("HELM_CONFIG_HOME"); dir != "" {
		return dir
	}
	if dir := e.Getenv("XDG_CONFIG_HOME"); dir != "" {
		return filepath.Join(dir, "helm")
	}
	return filepath.Join(e.Getenv("HOME"), ".config", "helm")
}

// useRepository takes over the certificates that Helm's file names for a host.
func useRepository(p *outbound.Policy, r outbound.HelmRepository, from string) error {
	u, err := url.Parse(r.URL)
	if err != nil || u.Host == "" {
		return nil //nolint:nilerr // an entry that is used says so
	}
	bad := func(err error) error {
		return fault.New(fault.Invalid, "%s: repository %q: %w", from, r.Name, err).Hint("correct the entry, or remove it with helm repo remove %s", r.Name)
	}
	if r.CAFile != "" {
		data, err := os.ReadFile(r.CAFile)
		if err != nil {
			return bad(err)
		}
		p.HostRoots[u.Host] = data
	}
	if r.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(r.CertFile, r.KeyFile)
		if err != nil {
			return bad(err)
		}
		p.Certificates[u.Host] = pair
	}
	if r.Insecure {
		p.Unverified[u.Host] = true
	}
	return nil
}

// ssh is what connections to ssh servers are made with.
func (e *Env) ssh(p outbound.Policy) git.SSH {
	home := filepath.Join(e.Getenv("HOME"), ".ssh")
	s := git.SSH{
		Agent: e.Getenv("SSH_AUTH_SOCK"), Passphrase: e.Getenv("TUG_SSH_PASSPHRASE"), Dial: p.Dial,
		KnownHosts: []string{filepath.Join(home, "known_hosts"), "/etc/ssh/ssh_known_hosts"},
	}
	if file := e.Getenv("TUG_SSH_KNOWN_HOSTS"); file != "" {
		s.KnownHosts = []string{file}
	}
	if file := e.Getenv("TUG_SSH_KEY"); file != "" {
		s.Keys = []string{file}
		return s
	}
	for _, name := range []string{"id_ed25519", "id_ecdsa", "id_rsa"} {
		s.UsualKeys = append(s.UsualKeys, filepath.Join(home, name))
	}
	return s
}
