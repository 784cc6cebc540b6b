package cli

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tugops/tug/internal/build"
	"github.com/tugops/tug/internal/build/chart"
	"github.com/tugops/tug/internal/build/dockerfile"
	"github.com/tugops/tug/internal/build/image"
	"github.com/tugops/tug/internal/git"
	"github.com/tugops/tug/internal/program"
	"github.com/tugops/tug/internal/registry"
	"github.com/tugops/tug/internal/render"
	"github.com/tugops/tug/internal/render/helm"
)

// builder joins what a build needs.
func (o buildOptions) builder(env *Env, at *code, choices build.Choices, work string) (*build.Builder, error) {
	options, err := o.options(env)
	if err != nil {
		return nil, err
	}
	images, err := registry.NewPublisher(options)
	if err != nil {
		return nil, err
	}
	net, err := env.network()
	if err != nil {
		return nil, err
	}
	b := &build.Builder{
		Tools: program.Runner{}, Drivers: dockerfile.Drivers(program.Runner{}, env.pass(builderVariables())), Driver: o.driver,
		Registry: imagePublisher{images}, Charts: chartPublisher{net.charts},
		Files: at.files, Root: at.root, GoEnv: env.pass(goVariables()),
		Elsewhere: choices.Elsewhere, Plain: o.plain(env), Work: work,
	}
	if o.render {
		b.Render = func(ctx context.Context, p chart.Packed) error { return renderPacked(ctx, work, p) }
	}
	return b, nil
}

// plain says which registries builders may reach without TLS: the same that
// tug itself may.
func (o buildOptions) plain(env *Env) func(host string) bool {
	allowed := words(env.Getenv("TUG_PLAIN_HTTP"))
	return func(host string) bool {
		name, _, _ := strings.Cut(host, ":")
		return o.insecure || allowed[host] || name == "127.0.0.1" || name == "localhost"
	}
}

// pass takes variables over from the environment, and no others.
func (e *Env) pass(names []string) []string {
	var env []string
	for _, name := range names {
		if v := e.Getenv(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// proxyVariables say how to reach other hosts.
func proxyVariables() []string {
	return []string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"}
}

// goVariables are what the go tool gets: where it keeps things and how it
// fetches modules.
func goVariables() []string {
	return append(proxyVariables(), "PATH", "HOME", "XDG_CACHE_HOME", "GOROOT", "GOPATH", "GOCACHE", "GOMODCACHE", "GOTMPDIR", "TMPDIR",
		"GOPROXY", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOSUMDB", "GOINSECURE", "GOAUTH", "GOVCS", "GOTOOLCHAIN", "GOFLAGS", "GOWORK",
		"GOEXPERIMENT", "NETRC", "GIT_SSH_COMMAND", "SSH_AUTH_SOCK")
}

// builderVariables are what builders of Dockerfiles get: where their daemon is
// and where they may look for logins to read images with.
func builderVariables() []string {
	return append(proxyVariables(), "PATH", "HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG",
		"DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_BUILDKIT", "BUILDKIT_HOST", "REGISTRY_AUTH_FILE", "STORAGE_DRIVER")
}

// imagePublisher is the registry as a build wants it.
type imagePublisher struct{ *registry.Publisher }

var _ build.Registry = imagePublisher{}

// Look implements build.Registry.
func (p imagePublisher) Look(ctx context.Context, repository, tag string) (string, map[string]string, bool, error) {
	is, known, err := p.Published(ctx, repository, tag)
	return is.Digest, is.Labels, known, err
}

// Publish implements build.Registry.
func (p imagePublisher) Publish(ctx context.Context, repository, tag string, c image.Content) (bool, error) {
	_, fresh, err := p.Publisher.Publish(ctx, repository, tag, c)
	return fresh, err
}

// Login implements build.Registry. Tokens are for programs that know what to
// do with them.
func (p imagePublisher) Login(ctx context.Context, host, repository string) (user, password string, ok bool, err error) {
	repository, _, _ = strings.Cut(repository, "@")
	if colon := strings.LastIndexByte(repository, ':'); colon > strings.LastIndexByte(repository, '/') {
		repository = repository[:colon]
	}
	l, ok, err := p.Publisher.Login(ctx, host, repository)
	return l.User, l.Password, ok && l.User != "", err
}

// Tag implements build.Registry.
func (p imagePublisher) Tag(ctx context.Context, repository, tag string, c image.Content) error {
	return p.Publisher.Tag(ctx, repository, tag, c)
}

// chartPublisher is the client for charts as a build wants it.
type chartPublisher struct{ charts *registry.Charts }

var _ build.Charts = chartPublisher{}

// Publish implements build.Charts.
func (p chartPublisher) Publish(ctx context.Context, repository string, c chart.Packed, labels map[string]string, created time.Time) (string, bool, error) {
	return p.charts.Publish(ctx, repository, registry.ChartUpload{
		Name: c.Name, Version: c.Version, Data: c.Data, Metadata: c.Metadata, Annotations: labels, Created: created,
	})
}

// renderPacked renders an archive as the config repository will.
func renderPacked(ctx context.Context, work string, p chart.Packed) error {
	dir, err := os.MkdirTemp(work, "chart-")
	if err != nil {
		return err
	}
	name := p.Name + ".tgz"
	if err := os.WriteFile(filepath.Join(dir, name), p.Data, 0o600); err != nil {
		return err
	}
	files, err := git.Folder(dir)
	if err != nil {
		return err
	}
	_, err = helm.Renderer{}.Render(ctx, render.Request{Files: files, Path: name, Release: strings.ToLower(p.Name), Namespace: "default"})
	return err
}
