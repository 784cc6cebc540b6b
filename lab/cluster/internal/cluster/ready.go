package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"

	"github.com/tugops/tug/lab/cluster/internal/component"
)

// furnish creates what every cluster has and waits until pods could run.
func furnish(ctx context.Context, f Folder, nodes int) error {
	client, err := f.client()
	if err != nil {
		return err
	}
	if err := errors.Join(ensureNodes(ctx, client, nodes), ensureStorageClass(ctx, client)); err != nil {
		return err
	}
	last := errors.New("no answer yet")
	err = wait.PollUntilContextCancel(ctx, pollInterval, true, func(ctx context.Context) (bool, error) {
		last = usable(ctx, client, nodes)
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("cluster not usable in time: %w", last)
	}
	return nil
}

// usable returns nil when nodes and the default service account are there,
// which proves that the controller manager and kwok do their work.
func usable(ctx context.Context, client kubernetes.Interface, nodes int) error {
	name, err := unready(ctx, client, nodes)
	if err != nil {
		return err
	}
	if name != "" {
		return fmt.Errorf("node %s is not ready", name)
	}
	_, err = client.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return errors.New("default service account is missing")
	}
	if err != nil {
		return fmt.Errorf("default service account: %w", err)
	}
	return nil
}

// patience is how long a live component may be too busy to answer before a
// running cluster counts as broken.
const patience = 10 * time.Second

// healthy reports whether every component of the recorded state is alive and
// says that it is ready.
func healthy(ctx context.Context, f Folder, s State) bool {
	p, err := newProber(f, s.Ports)
	if err != nil {
		return false
	}
	err = wait.PollUntilContextTimeout(ctx, pollInterval, patience, true, func(ctx context.Context) (bool, error) {
		answers := true
		for _, name := range component.Names() {
			if !s.Processes[name].Alive() {
				return false, fmt.Errorf("%s is gone", name)
			}
			answers = answers && p.check(ctx, name) == nil
		}
		return answers, nil
	})
	return err == nil
}
