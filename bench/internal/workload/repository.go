package workload

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Names of what a repository holds.
const (
	Chart    = "big"
	Umbrella = "umbrella"
	Stream   = "big.yaml" // the big chart, rendered
)

// WriteRepository makes dir a Git repository, anew, that holds both charts and
// the rendered stream in one commit: tug works on repositories, and reading
// one is part of its work.
func WriteRepository(ctx context.Context, dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := WriteChart(filepath.Join(dir, Chart)); err != nil {
		return err
	}
	if err := WriteUmbrella(filepath.Join(dir, Umbrella)); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, Stream), Rendered(), 0o644); err != nil {
		return err
	}
	return commit(ctx, dir, "init", "charts of the bench")
}

// commit makes a commit of everything in dir, and a repository before that
// when first is not empty.
func commit(ctx context.Context, dir, first, message string) error {
	steps := [][]string{
		{"add", "."},
		{"-c", "user.name=bench", "-c", "user.email=bench@example.com", "commit", "-q", "-m", message},
	}
	if first != "" {
		steps = append([][]string{{"init", "-q", "-b", "main"}}, steps...)
	}
	for _, args := range steps {
		cmd := exec.CommandContext(ctx, "git", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("git %s: %w: %s", args[0], err, out)
		}
	}
	return nil
}
