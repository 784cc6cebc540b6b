// Package forgetest gives tests a real forge, the lab's Gitea: users, tokens,
// repositories, branch protection, webhooks, and beside them an OCI registry and
// chart repositories. Everything has a name of its own, so that tests share one
// forge.
package forgetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	// programVariable names the labforge program, which starts forges.
	programVariable = "LABFORGE"
	// folderVariable names the folder of a forge that runs already.
	folderVariable = "TUG_LAB_FORGE"
)

// Forge is a running forge. Its methods fail the test on any error.
type Forge struct {
	// URL is the root, "http://127.0.0.1:PORT".
	URL string
	// Registry is "127.0.0.1:PORT": images are Registry/OWNER/NAME.
	Registry string
	// Admin may do everything.
	Admin Login

	t   testing.TB
	dir string
}

// Login is a user with what proves it: a token, which is a password for Git and
// for the registry too.
type Login struct {
	User, Token string
}

// Main runs the tests of a package on one forge of their own, unless
// TUG_LAB_FORGE names one:
//
//	func TestMain(m *testing.M) { os.Exit(forgetest.Main(m)) }
//
// Without it, every New starts a forge.
func Main(m *testing.M) int {
	if os.Getenv(folderVariable) != "" || os.Getenv(programVariable) == "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "forgetest")
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx := context.Background()
	defer func() { _, _ = labforge(ctx, "down", "--dir", dir) }()
	if _, err := labforge(ctx, "up", "--dir", dir); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := os.Setenv(folderVariable, dir); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// New is the forge that TUG_LAB_FORGE names, or a new one that ends with the
// test. Without TUG_LAB_FORGE and LABFORGE the test is skipped; in CI it fails.
func New(t testing.TB) *Forge {
	t.Helper()
	dir := os.Getenv(folderVariable)
	switch {
	case dir != "":
	case os.Getenv(programVariable) != "":
		dir = start(t)
	case os.Getenv("CI") == "true":
		t.Fatal("LABFORGE is not set: CI must run this test on a forge (make forge starts one)")
	default:
		t.Skip("LABFORGE is not set: run `make forge` for a forge and the variables that name it")
	}
	return open(t, dir)
}

func start(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	t.Cleanup(func() {
		if _, err := labforge(context.WithoutCancel(t.Context()), "down", "--dir", dir); err != nil {
			t.Error(err)
		}
	})
	if _, err := labforge(t.Context(), "up", "--dir", dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// open reads what labforge wrote about the forge.
func open(t testing.TB, dir string) *Forge {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "forge.json"))
	if err != nil {
		t.Fatalf("%s: %v", folderVariable, err)
	}
	var report struct {
		URL, Registry string
		Users         map[string]struct{ Tokens map[string]string }
	}
	if err := json.Unmarshal(data, &report); err != nil {
		t.Fatalf("%s: %v", dir, err)
	}
	admin := Login{User: "lab", Token: report.Users["lab"].Tokens["labforge"]}
	return &Forge{URL: report.URL, Registry: report.Registry, Admin: admin, t: t, dir: dir}
}

// BaseImage pushes a small base image with a shell, for Dockerfiles, and gives
// its reference with its digest. Everybody may pull it.
func (f *Forge) BaseImage() string { return f.Image("base/shell:1") }

// Image is BaseImage as OWNER/NAME:TAG.
func (f *Forge) Image(name string) string {
	f.t.Helper()
	out, err := labforge(f.t.Context(), "image", "--dir", f.dir, name)
	if err != nil {
		f.t.Fatal(err)
	}
	return strings.TrimSpace(out)
}

// ChartURL is the chart repository of a user or organisation; charts are
// uploaded to ChartURL/api/charts.
func (f *Forge) ChartURL(owner string) string { return f.URL + "/api/packages/" + owner + "/helm" }

func labforge(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, os.Getenv(programVariable), args...)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("labforge %s: %w\n%s", args[0], err, problems.String())
	}
	return out.String(), nil
}

// unique makes a name that no other test has.
func unique(name string) string {
	var b [5]byte
	_, _ = rand.Read(b[:]) // never fails
	return name + "-" + hex.EncodeToString(b[:])
}
