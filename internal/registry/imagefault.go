package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/tugops/tug/internal/fault"
)

func badReference(image string) error {
	return fault.New(fault.Invalid, "%q is no image reference", image).
		Hint("it looks like registry.example.com/team/app:1.2.3, in small letters")
}

// final reports whether asking in another way is pointless.
func final(err error) bool {
	t, ok := errors.AsType[*transport.Error](err)
	return ok && (t.StatusCode == http.StatusUnauthorized || t.StatusCode == http.StatusTooManyRequests)
}

// imageFault says what a registry answered, or that it did not.
func imageFault(ctx context.Context, repo name.Repository, image string, err error) error {
	if f, ok := errors.AsType[*fault.Error](context.Cause(ctx)); ok {
		return fault.New(f.Kind, "registry %s: %w", repo.RegistryStr(), f).Hint("is it reachable from here?")
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	// After a certificate that is not trusted, the library may have tried
	// again without TLS: the first error is the one that counts.
	t, ok := errors.AsType[*transport.Error](err)
	if !ok || untrusted(err) {
		return networkFault(repo, err)
	}
	said := answer(t)
	switch {
	case t.StatusCode == http.StatusUnauthorized || t.StatusCode == http.StatusForbidden:
		return fault.New(fault.Denied, "registry %s does not let this identity read %s: %s", repo.RegistryStr(), image, said).
			Hint("log in with docker login %s, or set TUG_REGISTRY_HOSTNAME, TUG_REGISTRY_USERNAME and TUG_REGISTRY_PASSWORD", repo.RegistryStr()).
			Hint("credential helpers of the Docker configuration are asked with TUG_CREDENTIAL_HELPERS=true").
			Hint("registries also answer like this for what does not exist: check the name")
	case t.StatusCode == http.StatusNotFound:
		return fault.New(fault.NotFound, "%s does not exist: %s", image, said).
			Hint("check name and tag; a registry may also have removed it")
	case t.StatusCode == http.StatusTooManyRequests:
		return fault.New(fault.Unavailable, "registry %s limits requests: %s", repo.RegistryStr(), said).
			Hint("log in for a higher limit, or try again later")
	}
	return fault.New(fault.Unavailable, "registry %s: %s", repo.RegistryStr(), said).Hint("try again later")
}

func networkFault(repo name.Repository, err error) error {
	if own, ok := errors.AsType[*fault.Error](err); ok {
		return fault.New(own.Kind, "registry %s: %w", repo.RegistryStr(), own)
	}
	f := fault.New(fault.Unavailable, "registry %s: %s", repo.RegistryStr(), oneLine(err.Error()))
	switch {
	case untrusted(err):
		return f.Hint("name its certificate authority with --registry-ca-cert-path FILE")
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return f.Hint("--registry-insecure allows a registry without TLS")
	}
	return f.Hint("is it reachable from here?")
}

func untrusted(err error) bool {
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	return untrusted
}

// answer is what a registry says about an error, in one line.
func answer(t *transport.Error) string {
	text := http.StatusText(t.StatusCode)
	for _, d := range t.Errors {
		if d.Message != "" {
			text = d.Message
			break
		}
	}
	return oneLine(text)
}

// said is the answer in an error, or "".
func said(err error) string {
	if t, ok := errors.AsType[*transport.Error](err); ok {
		return answer(t)
	}
	return oneLine(err.Error())
}

// maxSaid bounds what others say in our messages.
const maxSaid = 300

func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxSaid {
		return strings.ToValidUTF8(text[:maxSaid], "") + "…"
	}
	return text
}
