// Package corpustest says where the real charts and repositories are that
// tests read.
package corpustest

import (
	"os"
	"path/filepath"
	"testing"
)

// Dir is a folder of the corpora: TUG_CORPORA and the steps below it. Without
// TUG_CORPORA the test is skipped, and fails where CI=true: there it must run.
func Dir(tb testing.TB, steps ...string) string {
	tb.Helper()
	dir := os.Getenv("TUG_CORPORA")
	if dir == "" {
		if os.Getenv("CI") == "true" {
			tb.Fatal("TUG_CORPORA is not set: CI runs tests over real charts and repositories")
		}
		tb.Skip("TUG_CORPORA is not set: no real charts and repositories to read")
	}
	dir = filepath.Join(append([]string{dir}, steps...)...)
	if _, err := os.Stat(dir); err != nil {
		tb.Fatalf("corpora: %v", err)
	}
	return dir
}
