// Package kubeconfig writes self-contained client configurations.
package kubeconfig

import (
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/tugops/tug/lab/cluster/internal/pki"
)

// name is what the cluster and the context are called in every file.
const name = "lab"

// Entry is one identity at one API server.
type Entry struct {
	Server    string   // https URL
	Authority []byte   // PEM certificate that signed the server's
	User      string   // only a label; the identity is in Client
	Client    pki.Pair // client certificate
}

// Save replaces file with a configuration that embeds all certificates, so it
// can be copied anywhere. Readers never see half a file.
func Save(file string, e Entry) error {
	config := api.NewConfig()
	config.Clusters[name] = &api.Cluster{Server: e.Server, CertificateAuthorityData: e.Authority}
	config.AuthInfos[e.User] = &api.AuthInfo{
		ClientCertificateData: e.Client.Cert,
		ClientKeyData:         e.Client.Key,
	}
	config.Contexts[name] = &api.Context{Cluster: name, AuthInfo: e.User}
	config.CurrentContext = name
	data, err := clientcmd.Write(*config)
	if err != nil {
		return fmt.Errorf("kubeconfig of %s: %w", e.User, err)
	}
	return write(file, data)
}

// Copy makes to a copy of the configuration from.
func Copy(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return fmt.Errorf("kubeconfig: %w", err)
	}
	return write(to, data)
}

// Server returns the URL of the API server in file, or "" if there is none.
func Server(file string) string {
	config, err := clientcmd.LoadFromFile(file)
	if err != nil || config.Clusters[name] == nil {
		return ""
	}
	return config.Clusters[name].Server
}

func write(file string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("kubeconfig: %w", err)
	}
	temporary := file + ".new"
	if err := os.WriteFile(temporary, data, 0o600); err != nil {
		return fmt.Errorf("kubeconfig: %w", err)
	}
	if err := os.Rename(temporary, file); err != nil {
		return fmt.Errorf("kubeconfig: %w", err)
	}
	return nil
}
