// Command tug delivers applications to Kubernetes from Git.
package main

import (
	"os"

	"github.com/tugops/tug/internal/cli"
)

// commit is set by the linker; without it the build information is used.
var commit string

func main() { os.Exit(cli.Main(os.Args[1:], commit)) }
