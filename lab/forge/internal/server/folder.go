// Package server brings a lab forge up in a folder, recovers it and takes it
// down. The folder is the only state: settings, database, repositories, the log
// and the identity of the server's process.
package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Folder is the absolute path of a lab forge's folder.
type Folder string

// NewFolder returns the folder at path, which need not exist yet.
func NewFolder(path string) (Folder, error) {
	if path == "" {
		return "", errors.New("forge folder: empty path")
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("forge folder: %w", err)
	}
	return Folder(abs), nil
}

// Report is the file that says how to reach the forge, and who is who.
func (f Folder) Report() string { return f.join("forge.json") }

// Log is where the server writes.
func (f Folder) Log() string { return f.join("gitea.log") }

func (f Folder) settings() string        { return f.join("app.ini") }
func (f Folder) state() string           { return f.join("state.json") }
func (f Folder) data() string            { return f.join("data") }
func (f Folder) join(name string) string { return filepath.Join(string(f), name) }

// clear removes what this package put into the folder and nothing else: the
// path came from a user and may hold other things. The lock stays, it is held.
func (f Folder) clear() error {
	var errs []error
	for _, path := range []string{f.data(), f.settings(), f.state(), f.Log(), f.Report()} {
		errs = append(errs, os.RemoveAll(path))
	}
	return errors.Join(errs...)
}

// Acquire takes the folder's lock, waiting while another labforge holds it.
// The kernel drops the lock when its holder dies, so it never goes stale.
func (f Folder) Acquire(ctx context.Context) (release func(), err error) {
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return nil, fmt.Errorf("forge folder: %w", err)
	}
	file, err := os.OpenFile(f.join("lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("forge lock: %w", err)
	}
	err = poll(ctx, 20*time.Millisecond, func() (bool, error) {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return false, nil
		}
		return err == nil, err
	})
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("forge lock %s: %w", file.Name(), err)
	}
	return func() { _ = file.Close() }, nil
}

// poll asks until the answer is yes, an error comes or ctx ends.
func poll(ctx context.Context, interval time.Duration, ask func() (bool, error)) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		if done, err := ask(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
