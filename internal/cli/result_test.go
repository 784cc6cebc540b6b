package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tugops/tug/internal/fault"
)

func TestResultThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"missing/out.json", "folder"} {
		err := replaceFile(filepath.Join(dir, file), []byte("x"))
		if !fault.Is(err, fault.Invalid) || len(fault.HintsOf(err)) == 0 {
			t.Errorf("%s: %v", file, err)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// A result for a device goes into it: as root, renaming would replace it.
func TestResultForADevice(t *testing.T) {
	t.Parallel()
	link := filepath.Join(t.TempDir(), "null")
	if err := os.Symlink(os.DevNull, link); err != nil {
		t.Fatal(err)
	}
	if err := replaceFile(link, []byte("x")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(link)
	if err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Errorf("the link became %v, %v", info, err)
	}
}
