package cli

import (
	"os"
	"path/filepath"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/outbound"
)

// credentials are collected from the usual places, the most deliberate first:
// among equal prefixes the first wins.
func (e *Env) credentials(repositories []outbound.HelmRepository, from string) (outbound.Credentials, error) {
	list, err := outbound.ParseCredentials(e.Getenv("TUG_CREDENTIALS"), "TUG_CREDENTIALS")
	if err != nil {
		return nil, err
	}
	if file := e.Getenv("TUG_CREDENTIALS_FILE"); file != "" {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, fault.New(fault.Invalid, "TUG_CREDENTIALS_FILE: %w", err).Hint("give a file with one URL per line: https://user:password@host/path")
		}
		more, err := outbound.ParseCredentials(string(data), file)
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	for _, r := range repositories {
		if c, ok := r.Credential(from); ok {
			list = append(list, c)
		}
	}
	for _, place := range e.credentialFiles() {
		data, err := os.ReadFile(place.file)
		if err != nil {
			continue // most people have one or two of them
		}
		more, err := place.parse(data, place.file)
		if err != nil {
			return nil, err
		}
		list = append(list, more...)
	}
	return append(list, e.forgeCredentials()...), nil
}

type credentialFile struct {
	file  string
	parse func(data []byte, from string) (outbound.Credentials, error)
}

// credentialFiles are the files of other tools, in order.
func (e *Env) credentialFiles() []credentialFile {
	home := e.Getenv("HOME")
	or := func(name string, usual ...string) string {
		if v := e.Getenv(name); v != "" {
			return v
		}
		return filepath.Join(usual...)
	}
	return []credentialFile{
		{or("HELM_REGISTRY_CONFIG", e.helmConfig(), "registry", "config.json"), outbound.ParseDockerConfig},
		{or("REGISTRY_AUTH_FILE", e.Getenv("XDG_RUNTIME_DIR"), "containers", "auth.json"), outbound.ParseDockerConfig},
		{filepath.Join(or("DOCKER_CONFIG", home, ".docker"), "config.json"), outbound.ParseDockerConfig},
		{or("NETRC", home, ".netrc"), outbound.ParseNetrc},
	}
}
