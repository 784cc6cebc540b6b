package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// acquire takes the folder's lock, waiting while another labcluster holds it.
// The kernel drops the lock when its holder dies, so it never goes stale.
func (f Folder) acquire(ctx context.Context) (release func(), err error) {
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return nil, fmt.Errorf("cluster folder: %w", err)
	}
	file, err := os.OpenFile(f.lock(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cluster lock: %w", err)
	}
	try := func(context.Context) (bool, error) {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return false, nil
		}
		return err == nil, err
	}
	if err := wait.PollUntilContextCancel(ctx, 50*time.Millisecond, true, try); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("cluster lock %s: %w", f.lock(), err)
	}
	return func() { _ = file.Close() }, nil
}
