package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "script")
	if err := os.WriteFile(file, []byte("echo file $1 $#\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		args   []string
		stdin  string
		code   int
		stdout string
	}{
		{"list", []string{"busybox", "--list"}, "", 0, "xargs\nsh\n"},
		{"script", []string{"sh", "-c", "mkdir -p " + dir + "/a/b && echo hi >" + dir + "/a/b/c; cat " + dir + "/a/b/c"}, "", 0, "hi\n"},
		{"parameters", []string{"/bin/sh", "-c", `echo "$1-$2"`, "name", "x", "-y"}, "", 0, "x--y\n"},
		{"exit code", []string{"sh", "-c", "exit 7"}, "", 7, ""},
		{"failing tool", []string{"sh", "-c", "set -e; cat " + dir + "/none; echo no"}, "", 1, ""},
		{"tool", []string{"/bin/cat", file}, "", 0, "echo file $1 $#\n"},
		{"tool on stdin", []string{"cat"}, "in", 0, "in"},
		{"file", []string{"sh", file, "a", "b"}, "", 0, "file a 2\n"},
		{"stdin", []string{"sh"}, "echo in", 0, "in\n"},
		{"no file", []string{"sh", file + "x"}, "", 127, ""},
		{"no such command", []string{"sh", "-c", "labsh-none"}, "", 127, ""},
		{"syntax", []string{"sh", "-c", "if"}, "", 2, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := run(test.args, strings.NewReader(test.stdin), &stdout, &stderr)
			if code != test.code || !strings.HasSuffix(stdout.String(), test.stdout) {
				t.Errorf("exit code %d, stdout %q, stderr %q; want %d and %q", code, stdout.String(), stderr.String(), test.code, test.stdout)
			}
		})
	}
}
