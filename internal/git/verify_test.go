package git_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/git"
	"github.com/tugops/tug/internal/gittest"
)

// Commits signed with SSH keys, by Git itself.
func TestVerifySSH(t *testing.T) {
	t.Parallel()
	good, other := sshKey(t, "ed25519"), sshKey(t, "rsa")
	repo := gittest.New(t)
	signed := func(key, text string) string {
		repo.Write("a", text)
		repo.Git("add", "-A")
		repo.Git("-c", "gpg.format=ssh", "-c", "user.signingkey="+key, "commit", "-q", "-S", "-m", text)
		return repo.Git("rev-parse", "HEAD")
	}
	byGood, byOther := signed(good, "1"), signed(other, "2")
	repo.Write("a", "3")
	unsigned := repo.Commit("3")
	allowed := func(options string, keys ...string) []byte {
		var b strings.Builder
		for _, k := range keys {
			pub, err := os.ReadFile(k + ".pub")
			if err != nil {
				t.Fatal(err)
			}
			b.WriteString("# a comment\nme@example.com " + options + string(pub))
		}
		return []byte(b.String())
	}
	tests := []struct {
		name, commit string
		signers      []byte
		want         string // "" for trusted
	}{
		{"signer", byGood, allowed("", good), ""},
		{"rsa signer", byOther, allowed("", good, other), ""},
		{"another signer", byOther, allowed("", good), "not among the allowed signers"},
		{"not signed", unsigned, allowed("", good), "it is not signed"},
		{"for git", byGood, allowed(`namespaces="file,git" `, good), ""},
		{"expired", byGood, allowed(`valid-before="20000101" `, good), "not among the allowed signers"},
		{"not yet valid", byGood, allowed(`valid-after="20990101" `, good), "not among the allowed signers"},
	}
	r, err := git.Open(repo.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			signers, err := git.NewSigners(nil, test.signers)
			if err != nil {
				t.Fatal(err)
			}
			wantTrust(t, r.Verify(test.commit, signers), test.want)
		})
	}
	if _, err := git.NewSigners(nil, allowed(`namespaces="file" `, good)); !fault.Is(err, fault.Invalid) {
		t.Errorf("signers of which none is for Git: %v", err)
	}
	if _, err := git.NewSigners(nil, []byte("me nonsense")); !fault.Is(err, fault.Invalid) {
		t.Errorf("damaged signers: %v", err)
	}
	tampered(t, repo, r, byGood, allowed("", good))
}

// tampered changes a signed commit and keeps its signature.
func tampered(t *testing.T, repo *gittest.Repo, r *git.Repo, commit string, signers []byte) {
	t.Helper()
	s, err := git.NewSigners(nil, signers)
	if err != nil {
		t.Fatal(err)
	}
	text := repo.Git("cat-file", "commit", commit)
	forged := store(t, repo, strings.Replace(text, "author Test", "author Tess", 1)+"\n")
	wantTrust(t, r.Verify(forged, s), "does not fit")
}

// store stores a commit as it is.
func store(t *testing.T, repo *gittest.Repo, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "commit")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return repo.Git("hash-object", "-t", "commit", "-w", file)
}

// Commits signed with GPG keys.
func TestVerifyGPG(t *testing.T) {
	t.Parallel()
	good, other := gpgKey(t), gpgKey(t)
	repo := gittest.New(t)
	repo.Write("a", "1")
	plain := repo.Git("cat-file", "commit", repo.Commit("1")) + "\n"
	signed := signGPG(t, plain, good)
	commit := store(t, repo, signed)
	forged := store(t, repo, strings.Replace(signed, "author Test", "author Tess", 1))
	r, err := git.Open(repo.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, armored := range []bool{true, false} {
		s, err := git.NewSigners(public(t, good, armored), nil)
		if err != nil {
			t.Fatal(err)
		}
		wantTrust(t, r.Verify(commit, s), "")
		wantTrust(t, r.Verify(forged, s), "is not trusted")
	}
	s, err := git.NewSigners(public(t, other, true), nil)
	if err != nil {
		t.Fatal(err)
	}
	wantTrust(t, r.Verify(commit, s), "is not trusted")
	ssh, err := git.NewSigners(nil, []byte("me "+sshPublic(t)))
	if err != nil {
		t.Fatal(err)
	}
	wantTrust(t, r.Verify(commit, ssh), "no key of GPG is trusted")
}

func wantTrust(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("not trusted: %v", err)
	case want != "" && (!fault.Is(err, fault.Denied) || !strings.Contains(err.Error(), want)):
		t.Errorf("%v; want Denied with %q", err, want)
	}
}

func sshKey(t *testing.T, kind string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key")
	if out, err := exec.CommandContext(t.Context(), "ssh-keygen", "-q", "-t", kind, "-N", "", "-f", file).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
	return file
}

func sshPublic(t *testing.T) string {
	t.Helper()
	pub, err := os.ReadFile(sshKey(t, "ed25519") + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	return string(pub)
}

func gpgKey(t *testing.T) *openpgp.Entity {
	t.Helper()
	key, err := openpgp.NewEntity("Test", "", "test@example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func public(t *testing.T, key *openpgp.Entity, armored bool) []byte {
	t.Helper()
	var b bytes.Buffer
	if !armored {
		if err := key.Serialize(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	w, err := armor.Encode(&b, openpgp.PublicKeyType, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := key.Serialize(w); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// signGPG puts a signature into a commit as Git does.
func signGPG(t *testing.T, commit string, key *openpgp.Entity) string {
	t.Helper()
	var sig bytes.Buffer
	if err := openpgp.ArmoredDetachSign(&sig, key, strings.NewReader(commit), nil); err != nil {
		t.Fatal(err)
	}
	header := "gpgsig " + strings.ReplaceAll(strings.TrimRight(sig.String(), "\n"), "\n", "\n ") + "\n"
	head, body, _ := strings.Cut(commit, "\n\n")
	return head + "\n" + header + "\n" + body
}
