package cluster

import (
	"fmt"

	"github.com/tugops/tug/lab/cluster/internal/port"
)

// Ports are the TCP ports of a cluster, all on 127.0.0.1.
type Ports struct {
	Etcd              int `json:"etcd"`
	EtcdPeer          int `json:"etcdPeer"`
	APIServer         int `json:"apiServer"`
	ControllerManager int `json:"controllerManager"`
	Scheduler         int `json:"scheduler"`
	Kwok              int `json:"kwok"`
}

// Server is the URL of the API server.
func (p Ports) Server() string { return fmt.Sprintf("https://127.0.0.1:%d", p.APIServer) }

func (p *Ports) all() []*int {
	return []*int{&p.Etcd, &p.EtcdPeer, &p.APIServer, &p.ControllerManager, &p.Scheduler, &p.Kwok}
}

// renew returns ports for a start: those of the last run where they are still
// free, so that kubeconfigs that were handed out stay valid, else new ones.
func (p Ports) renew() (Ports, error) {
	fresh, err := port.Free(len(p.all()))
	if err != nil {
		return Ports{}, err
	}
	for i, slot := range p.all() {
		if *slot == 0 || !port.Available(*slot) {
			*slot = fresh[i]
		}
	}
	return p, nil
}
