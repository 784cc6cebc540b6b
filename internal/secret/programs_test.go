package secret

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
)

// Keys that only gpg has: its rings since 2.1, and its agent.
func TestGPG(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("gpg"); err != nil {
		t.Skip("gpg is not installed")
	}
	home, err := os.MkdirTemp("", "g") //nolint:usetesting // the path of the socket in it has to be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	gpg := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), "gpg", append([]string{"--homedir", home, "--batch"}, args...)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Skipf("gpg cannot make a key here: %v\n%s", err, out)
		}
		return string(out)
	}
	gpg("--passphrase", "", "--quick-generate-key", "tug@example.com", "default", "default", "never")
	t.Cleanup(func() { _ = exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run() })
	var fingerprint string
	for line := range strings.Lines(gpg("--with-colons", "--list-keys")) {
		if fields := strings.Split(line, ":"); fields[0] == "fpr" && fingerprint == "" {
			fingerprint = fields[9]
		}
	}
	none := t.TempDir()
	if err := os.Chmod(none, 0o700); err != nil {
		t.Fatal(err)
	}
	testSource(t, Recipients{PGP: fingerprint}, Keys{Getenv: env(map[string]string{"GNUPGHOME": home})},
		Keys{Getenv: env(map[string]string{"GNUPGHOME": none})}, "PGP "+fingerprint)
}

// The library starts the program that the environment of the process names.
func TestAgeKeyFromAProgram(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	file := write(t, filepath.Join(t.TempDir(), "keys"), []byte(id.String()+"\n"))
	t.Setenv("SOPS_AGE_KEY_CMD", "cat "+file)
	t.Setenv("HOME", t.TempDir())
	testSource(t, Recipients{Age: id.Recipient().String()},
		Keys{Getenv: os.Getenv}, Keys{}, "age "+id.Recipient().String())
}
