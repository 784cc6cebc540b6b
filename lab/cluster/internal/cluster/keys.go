package cluster

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/tugops/tug/lab/cluster/internal/kubeconfig"
	"github.com/tugops/tug/lab/cluster/internal/pki"
)

// Base names of the files under pki/.
const (
	authorityName  = "ca"
	proxyAuthority = "front-proxy-ca"
	proxyClient    = "front-proxy-client"
	kubeletClient  = "kubelet-client"
	serving        = "serving"
	tokenKey       = "service-account"
)

const adminUser = "lab-admin"

// identities are the API clients among the components. kwok plays kubelets of
// all nodes and applies objects of many kinds, so it is an administrator.
func identities() map[string][]string {
	return map[string][]string{
		"system:kube-controller-manager": nil,
		"system:kube-scheduler":          nil,
		"lab-kwok":                       {"system:masters"},
	}
}

// makeKeys fills pki/ of a new cluster.
func (f Folder) makeKeys() error {
	authority, err := pki.NewAuthority("lab-ca")
	if err != nil {
		return err
	}
	front, err := pki.NewAuthority("lab-front-proxy-ca")
	if err != nil {
		return err
	}
	server, serr := authority.Server("lab", serverNames(), net.IPv4(10, 96, 0, 1))
	kubelet, kerr := authority.Client("lab-apiserver", "system:masters")
	proxy, perr := front.Client(proxyClient)
	if err := errors.Join(serr, kerr, perr); err != nil {
		return err
	}
	return errors.Join(
		authority.Pair().Save(f.pki(authorityName)),
		front.Pair().Save(f.pki(proxyAuthority)),
		server.Save(f.pki(serving)),
		kubelet.Save(f.pki(kubeletClient)),
		proxy.Save(f.pki(proxyClient)),
		pki.SaveTokenKey(f.pki(tokenKey)),
	)
}

func serverNames() []string {
	return []string{"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"}
}

// writeKubeconfigs issues the kubeconfigs of the components and of the
// administrator. The latter's is kept while its server stays, so that copies and
// watchers of the file see no change when a cluster restarts on its ports.
func (f Folder) writeKubeconfigs(p Ports) error {
	for user, groups := range identities() {
		if err := f.issue(p, f.conf(fileName(user)), user, groups); err != nil {
			return err
		}
	}
	if kubeconfig.Server(f.Kubeconfig()) == p.Server() {
		return nil
	}
	return f.issue(p, f.Kubeconfig(), adminUser, []string{"system:masters"})
}

func (f Folder) issue(p Ports, file, user string, groups []string) error {
	authority, err := pki.LoadAuthority(f.pki(authorityName))
	if err != nil {
		return err
	}
	client, err := authority.Client(user, groups...)
	if err != nil {
		return err
	}
	return kubeconfig.Save(file, kubeconfig.Entry{
		Server:    p.Server(),
		Authority: authority.Pair().Cert,
		User:      user,
		Client:    client,
	})
}

// AddUser writes a kubeconfig for a user that is known to the cluster by a
// client certificate with the given groups only: what it may do is up to RBAC.
// It returns the path of the file, by default below the folder.
func AddUser(f Folder, file, user string, groups []string) (string, error) {
	if user == "" {
		return "", errors.New("user: empty name")
	}
	state, err := f.load()
	if err != nil {
		return "", err
	}
	if file == "" {
		file = f.User(user)
	}
	if err := f.issue(state.Ports, file, user, groups); err != nil {
		return "", fmt.Errorf("user %s: %w", user, err)
	}
	return file, nil
}

// hasKeys reports whether the folder has the keys of an earlier start.
func (f Folder) hasKeys() bool {
	for _, name := range []string{authorityName + ".key", tokenKey + ".key", serving + ".crt"} {
		if info, err := os.Stat(f.pki(name)); err != nil || info.Size() == 0 {
			return false
		}
	}
	_, err := pki.LoadAuthority(f.pki(authorityName))
	return err == nil
}
