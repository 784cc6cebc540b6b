package cli

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/imagelock"
	"github.com/tugops/tug/internal/registry"
)

// registryFlags are the flags of commands that ask image registries; their
// names are kbld's.
type registryFlags struct {
	caPaths     []string
	verifyCerts bool
	insecure    bool
}

func (r *registryFlags) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&r.caPaths, "registry-ca-cert-path", nil, "trust the certificate authorities in `FILE` as well (repeatable)")
	f.BoolVar(&r.verifyCerts, "registry-verify-certs", true, "check the certificates of registries")
	f.BoolVar(&r.insecure, "registry-insecure", false, "allow registries without TLS")
	_ = cmd.MarkFlagFilename("registry-ca-cert-path")
}

// images is the client for registries, or nil where none may be asked.
func (r *registryFlags) images(env *Env, hermetic bool) (imagelock.Registry, error) {
	if hermetic {
		return nil, nil
	}
	options, err := r.options(env)
	if err != nil {
		return nil, err
	}
	client, err := registry.NewImages(options)
	if err != nil {
		return nil, err
	}
	return imageRegistry{client}, nil
}

// options say how registries of images are reached.
func (r *registryFlags) options(env *Env) (registry.ImageOptions, error) {
	logins, err := env.imageLogins()
	if err != nil {
		return registry.ImageOptions{}, err
	}
	var roots []byte
	for _, path := range r.caPaths {
		data, err := os.ReadFile(path)
		if err != nil {
			return registry.ImageOptions{}, fault.New(fault.NotFound, "--registry-ca-cert-path %s: %w", path, reason(err)).Hint("give a file with certificates in PEM form")
		}
		roots = append(append(roots, data...), '\n')
	}
	return registry.ImageOptions{
		Logins: logins,
		Roots:  roots, Unverified: !r.verifyCerts, Plain: r.insecure, PlainHTTP: words(env.Getenv("TUG_PLAIN_HTTP")),
		Proxy: http.ProxyFromEnvironment, Wrap: env.logged(), UserAgent: "tug/" + Release,
	}, nil
}

// imageLogins are where logins for registries are looked up: our variables and
// kbld's, then the places that charts are fetched with (docs/sources.md), then
// Docker's credential helpers, which are programs and so off by default.
func (e *Env) imageLogins() ([]registry.Logins, error) {
	byHost, err := e.registryLogins()
	if err != nil {
		return nil, err
	}
	repositories, from, err := e.helmRepositories()
	if err != nil {
		return nil, err
	}
	creds, err := e.credentials(repositories, from)
	if err != nil {
		return nil, err
	}
	logins := []registry.Logins{byHost, registry.CredentialLogins(creds)}
	if e.allowed("TUG_CREDENTIAL_HELPERS") {
		logins = append(logins, registry.DockerLogins{})
	}
	return logins, nil
}

// imageRegistry is the client as the resolver wants it.
type imageRegistry struct{ *registry.Images }

var _ imagelock.Registry = imageRegistry{}

// Children implements imagelock.Registry.
func (r imageRegistry) Children(ctx context.Context, image string) ([]imagelock.Child, bool, error) {
	found, index, err := r.Images.Children(ctx, image)
	children := make([]imagelock.Child, len(found))
	for i, c := range found {
		children[i] = imagelock.Child{Digest: c.Digest, Platform: imagelock.Platform{
			OS: c.OS, Architecture: c.Architecture, Variant: c.Variant, OSVersion: c.OSVersion,
			OSFeatures: c.OSFeatures, Features: c.Features,
		}}
	}
	return children, index, err
}

// registryPrefixes are those of the variables with logins; ours come first.
func registryPrefixes() []string { return []string{"TUG_REGISTRY_", "KBLD_REGISTRY_"} }

// registryLogin is one login under construction.
type registryLogin struct {
	host  string
	login registry.Login
}

// registryLogins reads the variables PREFIX_{HOSTNAME,USERNAME,PASSWORD,
// IDENTITY_TOKEN,REGISTRY_TOKEN}, each with an optional _SUFFIX that keeps
// several logins apart. Any other variable with such a prefix is an error, as
// it is with kbld: a login with a typing error would be none.
func (e *Env) registryLogins() (registry.HostLogins, error) {
	logins := registry.HostLogins{}
	for _, prefix := range registryPrefixes() {
		found, err := e.readLogins(prefix)
		if err != nil {
			return nil, err
		}
		for _, suffix := range slices.SortedFunc(maps.Keys(found), cmp.Compare[string]) {
			l := found[suffix]
			if l.host == "" {
				return nil, fault.New(fault.Invalid, "%sHOSTNAME%s is not set, but others of that login are", prefix, suffix).
					Hint("set it to the registry that the login is for, like registry.example.com")
			}
			if _, known := logins[l.host]; !known {
				logins[l.host] = l.login
			}
		}
	}
	return logins, nil
}

func (e *Env) readLogins(prefix string) (map[string]*registryLogin, error) {
	found := map[string]*registryLogin{}
	if e.Environ == nil {
		return found, nil
	}
	for _, entry := range e.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		rest, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		field, suffix := loginField(rest)
		if found[suffix] == nil {
			found[suffix] = &registryLogin{}
		}
		if err := found[suffix].set(field, name, value); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func loginFields() []string {
	return []string{"HOSTNAME", "USERNAME", "PASSWORD", "IDENTITY_TOKEN", "REGISTRY_TOKEN"}
}

// loginField splits HOSTNAME_0 into HOSTNAME and _0.
func loginField(name string) (field, suffix string) {
	for _, f := range loginFields() {
		if rest, ok := strings.CutPrefix(name, f); ok && (rest == "" || strings.HasPrefix(rest, "_")) {
			return f, rest
		}
	}
	return "", ""
}

func (l *registryLogin) set(field, name, value string) (err error) {
	switch field {
	case "HOSTNAME":
		if l.host, err = registry.HostName(value); err != nil {
			return fault.New(fault.Invalid, "%s: %w", name, err)
		}
	case "USERNAME":
		l.login.User = value
	case "PASSWORD":
		l.login.Password = value
	case "IDENTITY_TOKEN":
		l.login.IdentityToken = value
	case "REGISTRY_TOKEN":
		l.login.RegistryToken = value
	default:
		return fault.New(fault.Invalid, "%s: no such setting of a registry", name).
			Hint("there are %s, with a suffix like _0 for several registries", strings.Join(loginFields(), ", "))
	}
	return nil
}

// platformFlag is --platform.
func platformFlag(cmd *cobra.Command, into *string) {
	cmd.Flags().StringVar(into, "platform", "", "the one image for `OS/ARCH` of multi-platform images, instead of their index")
	oneOf(cmd, "platform", "linux/amd64", "linux/arm64", "linux/arm/v7", "linux/s390x", "linux/ppc64le", "windows/amd64")
}

func parsePlatform(text string) (*imagelock.Platform, error) {
	if text == "" {
		return nil, nil
	}
	return imagelock.ParsePlatform(text)
}
