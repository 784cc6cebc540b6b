// Command labforge runs a real Gitea on one machine: Git server, pull requests,
// commit statuses, webhooks, OCI registry and chart repository. See README.md.
package main

import (
	"fmt"
	"os"

	"github.com/tugops/tug/lab/forge/internal/cli"
	"github.com/tugops/tug/lab/forge/internal/server"
)

func main() {
	self, err := os.Executable()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "labforge:", err)
		os.Exit(1)
	}
	os.Exit(cli.Main(server.Beside(self), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
