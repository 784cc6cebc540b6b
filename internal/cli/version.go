package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// Release is the version of tug; it is raised by the release commit.
const Release = "0.1.0-dev"

// versionInfo is the result of `tug version`.
type versionInfo struct {
	Version    string `json:"version"`
	Commit     string `json:"commit,omitempty"`
	Go         string `json:"go"`
	Kubernetes string `json:"kubernetes"`
	Helm       string `json:"helm"`
	Kustomize  string `json:"kustomize"`
}

func newVersionCommand(env *Env) *cobra.Command {
	return &cobra.Command{
		Use: "version", GroupID: "more", Short: "Say which tug this is, and which libraries it renders with",
		Long:    "Says the version and commit of tug, and the versions of Go, Kubernetes, Helm and\nKustomize that it is built with.\n\nCredentials: none.",
		Example: "  tug version\n  tug version --output json",
		Args:    noArgs,
		RunE:    func(*cobra.Command, []string) error { return runVersion(env) },
	}
}

func runVersion(env *Env) error {
	v := readVersion(env.Commit)
	if env.Global.JSON() {
		return env.writeJSON("", v)
	}
	commit := v.Commit
	if commit == "" {
		commit = "unknown"
	}
	_, err := fmt.Fprintf(env.Stdout, "tug %s (commit %s)\ngo %s\nkubernetes libraries %s\nhelm %s\nkustomize %s\n",
		v.Version, commit, v.Go, v.Kubernetes, v.Helm, v.Kustomize)
	return err
}

// readVersion takes the versions of libraries from what the Go linker recorded.
func readVersion(commit string) versionInfo {
	v := versionInfo{Version: Release, Commit: commit, Go: strings.TrimPrefix(runtime.Version(), "go")}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	for _, m := range info.Deps {
		switch m.Path {
		case "k8s.io/client-go":
			v.Kubernetes = m.Version
		case "helm.sh/helm/v4":
			v.Helm = m.Version
		case "sigs.k8s.io/kustomize/api":
			v.Kustomize = m.Version
		}
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && v.Commit == "" {
			v.Commit = s.Value
		}
	}
	return v
}
