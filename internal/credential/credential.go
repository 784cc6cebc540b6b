// Package credential keeps identities apart: it finds which credentials a
// process could use, by the names and places that tools agree on, and says
// which of them a command has no business with (design.md section 7). It reads
// no value of a credential beyond seeing that there is one.
package credential

import (
	"encoding/json"
	"path/filepath"
	"slices"
)

// Kind is what a credential opens.
type Kind string

// The kinds.
const (
	// Registry: images and charts.
	Registry Kind = "registry"
	// Forge: the API and the branches of the config repository.
	Forge Kind = "config repository"
	// Cluster: a Kubernetes API.
	Cluster Kind = "cluster"
	// SecretKeys: private keys of encrypted files.
	SecretKeys Kind = "secret keys"
	// Cloud: an account that may hold registries, buckets or key services; it
	// is at home wherever one of them is.
	Cloud Kind = "cloud account"
)

// Found is one credential that is there.
type Found struct {
	Kind Kind `json:"kind"`
	// Where is the variable or file, never a value.
	Where string `json:"where"`
	// Variable says that Where is the name of an environment variable.
	Variable bool `json:"variable"`
}

// World is what a process can see.
type World struct {
	Getenv func(string) string
	// Read gives a file's content, and nothing for one that is not there.
	Read func(path string) []byte
	// List gives the names in a folder.
	List func(path string) []string
}

// variables are those that hold a credential, or name a file with one.
func variables() map[Kind][]string {
	return map[Kind][]string{
		Cluster: {"KUBECONFIG"},
		SecretKeys: {
			"SOPS_AGE_KEY", "SOPS_AGE_KEY_FILE", "SOPS_AGE_KEY_CMD", "SOPS_AGE_SSH_PRIVATE_KEY_FILE",
			"SOPS_AGE_SSH_PRIVATE_KEY_CMD", "SOPS_KEYSERVICE", "VAULT_TOKEN",
		},
		// GITHUB_TOKEN and CI_JOB_TOKEN are bound to the repository whose job
		// runs, so they are that job's own wherever it runs.
		Forge: {"TUG_FORGE_TOKEN", "GH_TOKEN", "GITLAB_TOKEN", "GITEA_TOKEN", "FORGEJO_TOKEN", "TUG_GITHUB_APP", "TUG_GITHUB_APP_KEY", "TUG_GITHUB_APP_KEY_FILE"},
		Cloud: {
			"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_WEB_IDENTITY_TOKEN_FILE",
			"GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CREDENTIALS", "AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_STORAGE_KEY",
		},
	}
}

// serviceAccount is where a pod has the token of its service account.
const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount/token"

// Look finds what is there, by kind and name.
func Look(w World) []Found {
	var found []Found
	for kind, names := range variables() {
		for _, name := range names {
			if w.Getenv(name) != "" {
				found = append(found, Found{Kind: kind, Where: name, Variable: true})
			}
		}
	}
	found = append(found, w.files()...)
	slices.SortFunc(found, func(a, b Found) int {
		return slices.Compare([]string{string(a.Kind), a.Where}, []string{string(b.Kind), b.Where})
	})
	return found
}

// files looks where tools look by themselves.
func (w World) files() (found []Found) {
	home := w.Getenv("HOME")
	add := func(kind Kind, path string, there func(string) bool) {
		if there(path) {
			found = append(found, Found{Kind: kind, Where: path})
		}
	}
	has := func(path string) bool { return len(w.Read(path)) > 0 }
	add(Cluster, serviceAccount, has)
	docker := w.Getenv("DOCKER_CONFIG")
	if docker == "" {
		docker = filepath.Join(home, ".docker")
	}
	add(Registry, filepath.Join(docker, "config.json"), w.logsIn)
	if file := w.Getenv("REGISTRY_AUTH_FILE"); file != "" {
		add(Registry, file, w.logsIn)
	}
	if home == "" {
		return found
	}
	if w.Getenv("KUBECONFIG") == "" {
		add(Cluster, filepath.Join(home, ".kube", "config"), has)
	}
	config := w.Getenv("XDG_CONFIG_HOME")
	if config == "" {
		config = filepath.Join(home, ".config")
	}
	add(SecretKeys, filepath.Join(config, "sops", "age", "keys.txt"), has)
	add(SecretKeys, filepath.Join(home, ".vault-token"), has)
	gnupg := w.Getenv("GNUPGHOME")
	if gnupg == "" {
		gnupg = filepath.Join(home, ".gnupg")
	}
	add(SecretKeys, filepath.Join(gnupg, "private-keys-v1.d"), func(path string) bool { return len(w.List(path)) > 0 })
	add(Cloud, filepath.Join(home, ".aws", "credentials"), has)
	add(Cloud, filepath.Join(config, "gcloud", "application_default_credentials.json"), has)
	return found
}

// logsIn reports whether a Docker configuration holds logins, or names a
// program that has them.
func (w World) logsIn(path string) bool {
	var config struct {
		Auths       map[string]json.RawMessage `json:"auths"`
		CredsStore  string                     `json:"credsStore"`
		CredHelpers map[string]string          `json:"credHelpers"`
	}
	if json.Unmarshal(w.Read(path), &config) != nil {
		return false
	}
	return len(config.Auths) > 0 || config.CredsStore != "" || len(config.CredHelpers) > 0
}
