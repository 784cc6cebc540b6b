package spec

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// push makes the first commit from the files of a folder, with their modes and
// links, and pushes it. The folder is not written to, and the settings of the
// user are not read.
func (f Forge) push(ctx context.Context, r Repository) error {
	from := r.From
	if !filepath.IsAbs(from) {
		from = filepath.Join(f.Dir, from)
	}
	from, err := filepath.Abs(from)
	if err != nil {
		return err
	}
	if info, err := os.Stat(from); err != nil || !info.IsDir() {
		return fmt.Errorf("from %s: not a folder (%v)", from, err)
	}
	scratch, err := os.MkdirTemp("", "labforge")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	for _, args := range [][]string{
		{"init", "--quiet", "--initial-branch=" + branch},
		{"add", "--all", "--force", "."},
		{"commit", "--quiet", "--allow-empty", "--message=First commit"},
		{"push", "--quiet", f.git(r.Name), "HEAD:refs/heads/" + branch},
	} {
		if err := f.runGit(ctx, scratch, from, args...); err != nil {
			return err
		}
	}
	return nil
}

// runGit runs git with its repository in scratch and its files in tree. The
// password goes through the environment: the arguments of a process are public.
func (f Forge) runGit(ctx context.Context, scratch, tree string, args ...string) error {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = tree
	login := base64.StdEncoding.EncodeToString([]byte(f.Admin.User + ":" + f.Admin.Password))
	cmd.Env = append(os.Environ(),
		"GIT_DIR="+scratch, "GIT_WORK_TREE="+tree,
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=lab", "GIT_AUTHOR_EMAIL=lab@forge.example", "GIT_AUTHOR_DATE=2026-01-01T00:00:00Z",
		"GIT_COMMITTER_NAME=lab", "GIT_COMMITTER_EMAIL=lab@forge.example", "GIT_COMMITTER_DATE=2026-01-01T00:00:00Z",
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=http.extraHeader", "GIT_CONFIG_VALUE_0=Authorization: Basic "+login,
	)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("git %s: %w: %s", args[0], err, bytes.TrimSpace(problems.Bytes()))
	}
	return nil
}
