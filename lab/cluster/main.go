// Command labcluster runs a real Kubernetes control plane on one machine: the
// upstream etcd, kube-apiserver, kube-controller-manager, kube-scheduler and
// kwok, all compiled into this one binary. See README.md for what such a
// cluster can and cannot do.
package main

import (
	"os"

	"github.com/tugops/tug/lab/cluster/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdout, os.Stderr))
}
