package outbound

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/tugops/tug/internal/fault"
)

// Credential is a user with a password, or a token, for the URLs below one.
// It shows its prefix when it is printed, logged or marshalled, and nothing
// else.
type Credential struct {
	// Prefix is scheme://host[:port][/path]: the credential is for URLs of
	// that scheme, host and port whose path is that path or lies below it.
	// Schemes are https, http, oci and ssh.
	Prefix   string
	User     string
	Password string
	// Token is sent as a bearer token (registries: an identity token) when
	// there is no user.
	Token string
	// From says where it comes from ("netrc"), for messages.
	From string
}

var (
	_ fmt.Stringer   = Credential{}
	_ slog.LogValuer = Credential{}
)

// String implements fmt.Stringer without the secret.
func (c Credential) String() string { return "credential for " + Clean(c.Prefix) }

// GoString implements fmt.GoStringer without the secret.
func (c Credential) GoString() string { return c.String() }

// LogValue implements slog.LogValuer without the secret.
func (c Credential) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText implements encoding.TextMarshaler without the secret.
func (c Credential) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// apply adds c to a request.
func (c Credential) apply(r *http.Request) {
	switch {
	case c.User == "" && c.Token != "":
		r.Header.Set("Authorization", "Bearer "+c.Token)
	case c.User != "" || c.Password != "":
		r.SetBasicAuth(c.User, c.Password)
	}
}

// Credentials are looked up by URL. Earlier ones win among prefixes of equal
// length, so that callers put the more deliberate source first.
type Credentials []Credential

// For is the credential with the longest prefix of u.
func (list Credentials) For(u *url.URL) (Credential, bool) {
	best, length := Credential{}, -1
	for _, c := range list {
		prefix, err := url.Parse(c.Prefix)
		if err != nil || !covers(prefix, u) {
			continue
		}
		if n := len(cleanPath(prefix.Path)); n > length {
			best, length = c, n
		}
	}
	return best, length >= 0
}

func covers(prefix, u *url.URL) bool {
	if !sameOrigin(prefix, u) {
		return false
	}
	// A path that was not cleaned may lead out of the prefix on the server.
	have, want := cleanPath(u.Path), cleanPath(prefix.Path)
	return want == "/" || have == want || strings.HasPrefix(have, want+"/")
}

func cleanPath(p string) string { return path.Clean("/" + p) }

// sameOrigin compares scheme, host and port.
func sameOrigin(a, b *url.URL) bool {
	return strings.EqualFold(a.Scheme, b.Scheme) && strings.EqualFold(a.Hostname(), b.Hostname()) && portOf(a) == portOf(b)
}

func portOf(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	switch strings.ToLower(u.Scheme) {
	case "http":
		return "80"
	case "ssh", "git+ssh":
		return "22"
	}
	return "443"
}

// ParseCredential reads a URL with a user and password in it:
// https://user:password@host/path, or https://:token@host/path.
func ParseCredential(text, from string) (Credential, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User == nil {
		return Credential{}, fault.New(fault.Invalid, "%s: a credential is not a URL with user and password", from).
			Hint("write each as https://user:password@host/path, with special characters percent-encoded")
	}
	password, _ := u.User.Password()
	c := Credential{User: u.User.Username(), Password: password, From: from}
	if c.User == "" {
		c.Token, c.Password = password, ""
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	c.Prefix = u.String()
	return c, nil
}

// IsLoopback reports whether a host is this machine, where plain HTTP is as
// good as HTTPS.
func IsLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// Clean is a URL without user, password, query and fragment, for messages.
func Clean(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "(unreadable URL)"
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}
