// Package peer builds the programs that tug is compared with. They come from
// Go modules pinned in go.mod of the bench, are kept by version, and are built
// as tug is (no cgo, stripped), so that nothing but the code differs.
package peer

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Peer is a built program.
type Peer struct {
	Name, Version, Path string
}

// recipe says how a peer is built.
type recipe struct {
	name, module, pkg string
	stamp             string // the variable that holds the version
	major             int    // added to the major version: kubectl's library v0.X is Kubernetes v1.X
}

var recipes = [...]recipe{
	{name: "helm", module: "helm.sh/helm/v4", pkg: "helm.sh/helm/v4/cmd/helm", stamp: "helm.sh/helm/v4/internal/version.version"},
	{name: "kubectl", module: "k8s.io/kubectl", pkg: "./kubectl", stamp: "k8s.io/component-base/version.gitVersion", major: 1},
}

// Build builds what is not in dir yet. It runs the go command in the current
// folder, which has to be the bench's. say is told what takes minutes.
func Build(ctx context.Context, dir string, say func(format string, args ...any)) (map[string]Peer, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	peers := map[string]Peer{}
	for _, r := range recipes {
		p, err := r.build(ctx, dir, say)
		if err != nil {
			return nil, fmt.Errorf("build %s: %w", r.name, err)
		}
		peers[r.name] = p
	}
	return peers, nil
}

func (r recipe) build(ctx context.Context, dir string, say func(string, ...any)) (Peer, error) {
	out, err := goCommand(ctx, "list", "-m", "-f", "{{.Version}}", r.module)
	if err != nil {
		return Peer{}, err
	}
	version := program(strings.TrimSpace(out), r.major)
	p := Peer{Name: r.name, Version: version, Path: filepath.Join(dir, r.name+"-"+version)}
	if _, err := os.Stat(p.Path); err == nil {
		return p, nil
	}
	say("building %s %s (minutes with a cold cache)", r.name, version)
	temporary := fmt.Sprintf("%s.%d", p.Path, os.Getpid())
	defer os.Remove(temporary)
	flags := "-s -w -X " + r.stamp + "=" + version
	if _, err := goCommand(ctx, "build", "-trimpath", "-ldflags", flags, "-o", temporary, r.pkg); err != nil {
		return Peer{}, err
	}
	return p, os.Rename(temporary, p.Path)
}

// program is the version of a program whose library has version v.
func program(v string, major int) string {
	if major == 0 {
		return v
	}
	return fmt.Sprintf("v%d%s", major, strings.TrimPrefix(v, "v0"))
}

func goCommand(ctx context.Context, args ...string) (string, error) {
	var stderr strings.Builder
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOTOOLCHAIN=local")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w: %s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}
