package outbound

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/jdx/go-netrc"

	"github.com/tugops/tug/internal/fault"
)

// ParseCredentials reads credentials as URLs, one per line or word, as in
// TUG_CREDENTIALS. Lines that begin with # are comments.
func ParseCredentials(text, from string) (Credentials, error) {
	var list Credentials
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		for word := range strings.FieldsSeq(line) {
			c, err := ParseCredential(word, from)
			if err != nil {
				return nil, err
			}
			list = append(list, c)
		}
	}
	return list, nil
}

// ParseNetrc reads a netrc file. Its machines are hosts without a path, so
// that they count for https alone (and for http on loopback). The default
// entry is not used: it would go to every host.
func ParseNetrc(data []byte, from string) (Credentials, error) {
	parsed, err := parseNetrc(string(data))
	if err != nil {
		return nil, fault.New(fault.Invalid, "%s: it cannot be read as netrc", from)
	}
	var list Credentials
	for _, m := range parsed.Machines() {
		if m.IsDefault || m.Name == "" || strings.ContainsAny(m.Name, "/ @") {
			continue
		}
		c := Credential{User: m.Get("login"), Password: m.Get("password"), From: from, Prefix: "https://" + m.Name}
		list = append(list, c)
		if u, err := url.Parse(c.Prefix); err == nil && IsLoopback(u.Hostname()) {
			c.Prefix = "http://" + m.Name
			list = append(list, c)
		}
	}
	return list, nil
}

// parseNetrc survives what the library panics over.
func parseNetrc(text string) (parsed *netrc.Netrc, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault.New(fault.Invalid, "%v", p)
		}
	}()
	return netrc.ParseString(text)
}

// dockerConfig is the part of Docker's config.json that holds logins, which is
// also the form of Podman's auth.json and Helm's registry/config.json.
type dockerConfig struct {
	Auths map[string]struct {
		Auth, Username, Password, IdentityToken, RegistryToken string
	} `json:"auths"`
}

// ParseDockerConfig reads logins for registries. Helpers that the file names
// are programs, and not asked here.
func ParseDockerConfig(data []byte, from string) (Credentials, error) {
	var config dockerConfig
	if err := json.Unmarshal(data, &config); err != nil {
		return nil, fault.New(fault.Invalid, "%s: it is no valid JSON", from) // an error of the decoder may quote it
	}
	var list Credentials
	for key, a := range config.Auths {
		c := Credential{User: a.Username, Password: a.Password, Token: a.IdentityToken, From: from}
		if a.RegistryToken != "" {
			c.User, c.Password, c.Token = "", "", a.RegistryToken
		}
		if plain, err := base64.StdEncoding.DecodeString(a.Auth); err == nil && c.User == "" && len(plain) > 0 {
			c.User, c.Password, _ = strings.Cut(strings.TrimRight(string(plain), "\x00"), ":")
		}
		if c.User == "" && c.Token == "" {
			continue // a login that a helper keeps
		}
		if c.User == "<token>" || c.User == "00000000-0000-0000-0000-000000000000" && c.Password == "" {
			c.User, c.Password = "00000000-0000-0000-0000-000000000000", ""
		}
		key = strings.TrimPrefix(strings.TrimPrefix(key, "https://"), "http://")
		// docker.io keeps its login under the address of its old API.
		key = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(key, "/"), "/v1"), "/v2")
		if key == "docker.io" {
			key = "index.docker.io"
		}
		c.Prefix = "oci://" + key
		list = append(list, c)
	}
	return list, nil
}

// HelmRepository is an entry of Helm's repositories.yaml.
type HelmRepository struct {
	Name     string `yaml:"name"`
	URL      string `yaml:"url"`
	Username string `yaml:"username"`
	Password string `yaml:"password"`
	CAFile   string `yaml:"caFile"`
	CertFile string `yaml:"certFile"`
	KeyFile  string `yaml:"keyFile"`
	Insecure bool   `yaml:"insecure_skip_tls_verify"`
}

// ParseHelmRepositories reads Helm's repositories.yaml. Its option
// pass_credentials_all is not honoured: it sends a password wherever an index
// points.
func ParseHelmRepositories(data []byte, from string) ([]HelmRepository, error) {
	var file struct {
		Repositories []HelmRepository `yaml:"repositories"`
	}
	if err := yaml.NewDecoder(bytes.NewReader(data)).Decode(&file); err != nil && len(bytes.TrimSpace(data)) > 0 {
		return nil, fault.New(fault.Invalid, "%s: it is no valid YAML", from) // an error of the decoder may quote it
	}
	return file.Repositories, nil
}

// Credential is what the entry says; false when it says nothing.
func (r HelmRepository) Credential(from string) (Credential, bool) {
	u, err := url.Parse(r.URL)
	if err != nil || u.Host == "" || r.Username == "" && r.Password == "" {
		return Credential{}, false
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return Credential{Prefix: u.String(), User: r.Username, Password: r.Password, From: from}, true
}
