// Command labsh is the shell and the few tools of base images on machines
// without a static busybox: a POSIX shell and coreutils in one static program,
// which looks at the name it is called by.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"mvdan.cc/sh/moreinterp/coreutils"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

func main() {
	os.Exit(run(os.Args, os.Stdin, os.Stdout, os.Stderr))
}

// tools are the names of the coreutils that base images have.
func tools() []string {
	return []string{"base64", "cat", "chmod", "cp", "find", "gunzip", "gzip", "ls", "mkdir", "mktemp", "mv", "rm", "shasum", "tar", "touch", "xargs"}
}

// run gives the exit code. It understands --list, a tool by its name, and as sh
// -c SCRIPT [NAME ARG...], FILE [ARG...] or a script on standard input.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	name := filepath.Base(args[0])
	script, params := io.Reader(stdin), args[1:]
	switch {
	case slices.Equal(args[1:], []string{"--list"}):
		_, _ = fmt.Fprintln(stdout, strings.Join(append(tools(), "sh"), "\n"))
		return 0
	case slices.Contains(tools(), name):
		script = strings.NewReader(name + ` "$@"`)
	case len(params) > 1 && params[0] == "-c":
		script, params = strings.NewReader(params[1]), params[2:]
		if len(params) > 0 {
			params = params[1:] // the name of the script
		}
	case len(params) > 0:
		file, err := os.Open(params[0])
		if err != nil {
			_, _ = fmt.Fprintln(stderr, "sh:", err)
			return 127
		}
		defer func() { _ = file.Close() }()
		script, params = file, params[1:]
	}
	return execute(script, params, stdin, stdout, stderr)
}

func execute(script io.Reader, params []string, stdin io.Reader, stdout, stderr io.Writer) int {
	program, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(script, "sh")
	if err != nil {
		_, _ = fmt.Fprintln(stderr, err)
		return 2
	}
	shell, err := interp.New(
		interp.StdIO(stdin, stdout, stderr),
		interp.ExecHandlers(coreutils.ExecHandler),
		interp.Params(append([]string{"--"}, params...)...),
	)
	if err == nil {
		err = shell.Run(context.Background(), program)
	}
	var status interp.ExitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	}
	_, _ = fmt.Fprintln(stderr, "sh:", err)
	return 1
}
