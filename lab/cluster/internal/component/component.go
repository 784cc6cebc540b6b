// Package component runs one upstream program inside the current process.
//
// Each program owns global state (flag sets, metric registries, signal
// handlers), so a process runs exactly one of them and then exits.
package component

import (
	"fmt"
	"slices"
)

// Names of the programs, in the order in which they are started.
const (
	Etcd              = "etcd"
	APIServer         = "kube-apiserver"
	ControllerManager = "kube-controller-manager"
	Scheduler         = "kube-scheduler"
	Kwok              = "kwok"
)

// Names returns every program in start order. The reverse order is the safe
// stop order: an apiserver that outlives etcd keeps its port for minutes.
func Names() []string {
	return []string{Etcd, APIServer, ControllerManager, Scheduler, Kwok}
}

// Run gives the process to the named program and returns its exit code. The
// program installs its own handlers for SIGTERM and SIGINT.
func Run(name string, args []string) (int, error) {
	if !slices.Contains(Names(), name) {
		return 2, fmt.Errorf("component %q: unknown name", name)
	}
	switch name {
	case Etcd:
		return runEtcd(args), nil
	case Kwok:
		return runKwok(args)
	default:
		return runKube(name, args), nil
	}
}
