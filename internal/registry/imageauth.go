package registry

import (
	"context"
	"errors"
	"log/slog"
	"net/url"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/outbound"
)

// Login is how a registry knows who asks. It never shows what is secret.
type Login struct {
	User, Password string
	// IdentityToken is exchanged for access tokens, RegistryToken is one.
	IdentityToken, RegistryToken string
}

// LogValue keeps the password out of logs.
func (l Login) LogValue() slog.Value { return slog.StringValue(l.String()) }

// String tells only the user.
func (l Login) String() string { return "login of " + l.User }

// GoString is String, for %#v.
func (l Login) GoString() string { return l.String() }

// Logins finds the login for a repository of a registry.
type Logins interface {
	// Login gives false when it has none.
	Login(ctx context.Context, registry, repository string) (Login, bool, error)
}

// DockerLogins are those of the Docker (or Podman) configuration, credential
// helpers included.
type DockerLogins struct{}

var _ Logins = DockerLogins{}

// Login implements Logins.
func (DockerLogins) Login(ctx context.Context, registry, repository string) (Login, bool, error) {
	repo, err := name.NewRepository(registry + "/" + repository)
	if err != nil {
		return Login{}, false, badReference(registry + "/" + repository)
	}
	auth, err := authn.Resolve(ctx, authn.DefaultKeychain, repo)
	if err != nil {
		return Login{}, false, fault.New(fault.Invalid, "Docker configuration: %w", err).
			Hint("repair it, or log in again with docker login %s", registry)
	}
	config, err := authn.Authorization(ctx, auth)
	if err != nil {
		return Login{}, false, fault.New(fault.Invalid, "Docker configuration: login for %s: %w", registry, err).
			Hint("log in again with docker login %s", registry)
	}
	l := Login{User: config.Username, Password: config.Password, IdentityToken: config.IdentityToken, RegistryToken: config.RegistryToken}
	return l, l != Login{}, nil
}

// HostLogins are logins by the host of the registry ("index.docker.io" for
// Docker's own).
type HostLogins map[string]Login

var _ Logins = HostLogins{}

// Login implements Logins.
func (h HostLogins) Login(_ context.Context, registry, _ string) (Login, bool, error) {
	l, ok := h[registry]
	return l, ok, nil
}

// CredentialLogins are credentials of the scheme oci, bound to host and path.
type CredentialLogins outbound.Credentials

var _ Logins = CredentialLogins{}

// Login implements Logins.
func (c CredentialLogins) Login(_ context.Context, registry, repository string) (Login, bool, error) {
	found, ok := outbound.Credentials(c).For(&url.URL{Scheme: "oci", Host: registry, Path: "/" + repository})
	switch {
	case !ok:
		return Login{}, false, nil
	case found.User == "":
		return Login{RegistryToken: found.Token}, true, nil
	}
	return Login{User: found.User, Password: found.Password, IdentityToken: found.Token}, true, nil
}

// HostName checks a host and gives it the name under which it is known.
func HostName(host string) (string, error) {
	r, err := name.NewRegistry(host, name.StrictValidation)
	if err != nil {
		return "", fault.New(fault.Invalid, "%q is no host of a registry", host).Hint("write it like registry.example.com or index.docker.io")
	}
	return r.RegistryStr(), nil
}

// keychain asks logins in turn.
type keychain []Logins

var _ authn.ContextKeychain = keychain{}

// Resolve implements authn.Keychain. The library prefers ResolveContext.
func (k keychain) Resolve(authn.Resource) (authn.Authenticator, error) {
	return nil, errors.New("logins are asked for without a context")
}

// ResolveContext implements authn.ContextKeychain.
func (k keychain) ResolveContext(ctx context.Context, r authn.Resource) (authn.Authenticator, error) {
	repository := ""
	if repo, ok := r.(name.Repository); ok {
		repository = repo.RepositoryStr()
	}
	for _, logins := range k {
		l, ok, err := logins.Login(ctx, r.RegistryStr(), repository)
		if err != nil {
			return nil, err
		}
		if ok {
			return authn.FromConfig(authn.AuthConfig{
				Username: l.User, Password: l.Password, IdentityToken: l.IdentityToken, RegistryToken: l.RegistryToken,
			}), nil
		}
	}
	return authn.Anonymous, nil
}
