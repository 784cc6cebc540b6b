package main

import (
	"flag"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tugops/tug/internal/cli"
)

var update = flag.Bool("update", false, "rewrite the expected output in scripts")

// TestMain runs the test binary as tug when a script calls tug.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"tug": func() { os.Exit(cli.Main(os.Args[1:], "0123456789ab")) },
	})
}

// TestScript runs testdata/script/*.txtar: the specification of the command
// line. Scripts that begin with [!cluster] skip need a lab cluster.
func TestScript(t *testing.T) {
	t.Parallel()
	l := &lab{t: t}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Setup:               l.setup,
		Condition:           l.condition,
		Cmds:                l.commands(),
	})
}
