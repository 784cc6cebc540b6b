// Package cluster gives the bench a fresh Kubernetes control plane, the floor
// (what the API server can do at best), and a view of what it is asked.
package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Lab is a running cluster.
type Lab struct {
	Kubeconfig string

	program, dir string
	config       *rest.Config
	client       *rest.RESTClient
}

// Up starts a cluster that holds nothing; one that an earlier run left in dir
// is stopped and removed.
func Up(ctx context.Context, program, dir string) (*Lab, error) {
	l := &Lab{Kubeconfig: filepath.Join(dir, "kubeconfig"), program: program, dir: dir}
	if _, err := os.Stat(dir); err == nil {
		if err := l.Down(ctx); err != nil {
			return nil, err
		}
	}
	if err := l.run(ctx, "up"); err != nil {
		return nil, err
	}
	config, err := clientcmd.BuildConfigFromFlags("", l.Kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	// No limit of its own: the floor is the server's.
	config.QPS, config.UserAgent, config.WarningHandler = -1, "tug-bench", rest.NoWarnings{}
	config.GroupVersion, config.NegotiatedSerializer = &schema.GroupVersion{}, scheme.Codecs
	if l.client, err = rest.UnversionedRESTClientFor(config); err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	l.config = config
	return l, nil
}

// Down stops the cluster and removes its data.
func (l *Lab) Down(ctx context.Context) error {
	if err := l.run(ctx, "down"); err != nil {
		return err
	}
	return os.RemoveAll(l.dir)
}

func (l *Lab) run(ctx context.Context, verb string) error {
	cmd := exec.CommandContext(ctx, l.program, verb, "--dir", l.dir)
	// Interrupted, it stops what it started; killed, it could not.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("labcluster %s: %w: %s", verb, err, strings.TrimSpace(string(out)))
	}
	return nil
}
