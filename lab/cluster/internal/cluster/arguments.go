package cluster

import (
	"fmt"
	"strconv"

	"github.com/tugops/tug/lab/cluster/internal/component"
)

const loopback = "127.0.0.1"

// arguments returns the command line of a component.
func (f Folder) arguments(name string, p Ports) []string {
	switch name {
	case component.Etcd:
		return f.etcdArguments(p)
	case component.APIServer:
		return append(f.apiServerArguments(p), f.aggregationArguments()...)
	case component.ControllerManager:
		return append(f.controllerManagerArguments(p), concurrency()...)
	case component.Scheduler:
		return f.schedulerArguments(p)
	default:
		return f.kwokArguments(p)
	}
}

// etcdArguments trade durability on power loss for speed: a lab has neither.
func (f Folder) etcdArguments(p Ports) []string {
	client := fmt.Sprintf("http://%s:%d", loopback, p.Etcd)
	peer := fmt.Sprintf("http://%s:%d", loopback, p.EtcdPeer)
	return []string{
		"--name=lab",
		"--data-dir=" + f.etcd(),
		"--listen-client-urls=" + client,
		"--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer,
		"--initial-advertise-peer-urls=" + peer,
		"--initial-cluster=lab=" + peer,
		"--unsafe-no-fsync",
		"--log-level=warn",
	}
}

func (f Folder) apiServerArguments(p Ports) []string {
	return []string{
		fmt.Sprintf("--etcd-servers=http://%s:%d", loopback, p.Etcd),
		"--bind-address=" + loopback,
		"--advertise-address=" + loopback,
		"--secure-port=" + strconv.Itoa(p.APIServer),
		// A loopback address is not allowed in Endpoints, so there are none.
		"--endpoint-reconciler-type=none",
		"--tls-cert-file=" + f.pki(serving+".crt"),
		"--tls-private-key-file=" + f.pki(serving+".key"),
		"--client-ca-file=" + f.pki(authorityName+".crt"),
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file=" + f.pki(tokenKey+".pub"),
		"--service-account-signing-key-file=" + f.pki(tokenKey+".key"),
		"--service-cluster-ip-range=10.96.0.0/16",
		"--kubelet-client-certificate=" + f.pki(kubeletClient+".crt"),
		"--kubelet-client-key=" + f.pki(kubeletClient+".key"),
		"--kubelet-certificate-authority=" + f.pki(authorityName+".crt"),
		"--kubelet-preferred-address-types=InternalIP",
		"--allow-privileged=true",
		"--profiling=false",
	}
}

// aggregationArguments let extension API servers trust the proxied identity.
func (f Folder) aggregationArguments() []string {
	return []string{
		"--requestheader-client-ca-file=" + f.pki(proxyAuthority+".crt"),
		"--requestheader-allowed-names=" + proxyClient,
		"--requestheader-username-headers=X-Remote-User",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=" + f.pki(proxyClient+".crt"),
		"--proxy-client-key-file=" + f.pki(proxyClient+".key"),
	}
}

func (f Folder) controllerManagerArguments(p Ports) []string {
	return append(f.clientArguments("system:kube-controller-manager", p.ControllerManager),
		"--use-service-account-credentials=true",
		"--cluster-signing-cert-file="+f.pki(authorityName+".crt"),
		"--cluster-signing-key-file="+f.pki(authorityName+".key"),
		"--root-ca-file="+f.pki(authorityName+".crt"),
		"--service-account-private-key-file="+f.pki(tokenKey+".key"),
		"--allocate-node-cidrs=false",
	)
}

// concurrency keeps 1,000 objects from queueing behind five workers.
func concurrency() []string {
	return []string{
		"--concurrent-deployment-syncs=20",
		"--concurrent-replicaset-syncs=20",
		"--concurrent-statefulset-syncs=20",
		"--concurrent-daemonset-syncs=10",
		"--concurrent-job-syncs=20",
		"--concurrent-cron-job-syncs=10",
		"--concurrent-endpoint-syncs=10",
		"--concurrent-service-endpoint-syncs=10",
		"--concurrent-gc-syncs=20",
		"--concurrent-namespace-syncs=20",
		"--concurrent-serviceaccount-token-syncs=10",
	}
}

func (f Folder) schedulerArguments(p Ports) []string {
	return f.clientArguments("system:kube-scheduler", p.Scheduler)
}

// clientArguments are shared by the two API clients among the Kubernetes
// programs. There is one instance of each, so nothing is elected.
func (f Folder) clientArguments(user string, port int) []string {
	conf := f.conf(fileName(user))
	return []string{
		"--kubeconfig=" + conf,
		"--authentication-kubeconfig=" + conf,
		"--authorization-kubeconfig=" + conf,
		"--bind-address=" + loopback,
		"--secure-port=" + strconv.Itoa(port),
		"--tls-cert-file=" + f.pki(serving+".crt"),
		"--tls-private-key-file=" + f.pki(serving+".key"),
		"--leader-elect=false",
		"--kube-api-qps=1000",
		"--kube-api-burst=2000",
		"--profiling=false",
	}
}

// kwokArguments let kwok act as the kubelet of every node; its own client has
// no rate limit. The API server reaches its log endpoint at the node's port.
func (f Folder) kwokArguments(p Ports) []string {
	return []string{
		"--kubeconfig=" + f.conf("lab-kwok"),
		"--config=" + f.conf(kwokFile),
		"--manage-all-nodes",
		"--cidr=10.244.0.1/16",
		"--node-ip=" + loopback,
		"--node-port=" + strconv.Itoa(p.Kwok),
		fmt.Sprintf("--server-address=%s:%d", loopback, p.Kwok),
		"--tls-cert-file=" + f.pki(serving+".crt"),
		"--tls-private-key-file=" + f.pki(serving+".key"),
		"--node-lease-duration-seconds=40",
	}
}
