// Package cluster brings a lab cluster up in a folder, recovers it, reports on
// it and takes it down. The folder is the only state: keys, etcd data, logs and
// the identities of the processes that belong to it.
package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Folder is the absolute path of a lab cluster's folder.
type Folder string

// NewFolder returns the folder at path, which need not exist yet.
func NewFolder(path string) (Folder, error) {
	if path == "" {
		return "", errors.New("cluster folder: empty path")
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("cluster folder: %w", err)
	}
	return Folder(abs), nil
}

// Kubeconfig is where the administrator's kubeconfig is.
func (f Folder) Kubeconfig() string { return f.join("kubeconfig") }

// Log is the log file of a component.
func (f Folder) Log(component string) string { return f.join("logs", component+".log") }

// User is the default kubeconfig file of a user made by [AddUser].
func (f Folder) User(name string) string { return f.join("users", fileName(name)+".kubeconfig") }

func (f Folder) state() string           { return f.join("state.json") }
func (f Folder) lock() string            { return f.join("lock") }
func (f Folder) etcd() string            { return f.join("etcd") }
func (f Folder) pki(name string) string  { return f.join("pki", name) }
func (f Folder) conf(name string) string { return f.join("conf", name) }
func (f Folder) join(el ...string) string {
	return filepath.Join(append([]string{string(f)}, el...)...)
}

// create makes the folder and its parts.
func (f Folder) create() error {
	for _, dir := range []string{"logs", "pki", "conf", "users", "etcd"} {
		if err := os.MkdirAll(f.join(dir), 0o700); err != nil {
			return fmt.Errorf("cluster folder: %w", err)
		}
	}
	return nil
}

// clear removes what this package put into the folder and nothing else: the
// path came from a user and may hold other things. The lock stays, it is held.
func (f Folder) clear() error {
	var errs []error
	for _, name := range []string{"logs", "pki", "conf", "users", "etcd", "kubeconfig", "state.json"} {
		errs = append(errs, os.RemoveAll(f.join(name)))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("clearing of the cluster folder: %w", err)
	}
	return nil
}

// fileName makes a user name such as system:serviceaccount:a:b a file name.
func fileName(user string) string {
	out := []rune(user)
	for i, r := range out {
		if r == ':' || r == '/' || r == 0 {
			out[i] = '_'
		}
	}
	return string(out)
}
