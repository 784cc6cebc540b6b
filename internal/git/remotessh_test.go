package git_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/git"
)

// sshServer serves Git for one repository over ssh on loopback.
type sshServer struct {
	address string
	hostKey ssh.PublicKey
	key     string // file of a private key that is let in
}

func newKey(t *testing.T) (ssh.Signer, string) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "id_ed25519")
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	return signer, file
}

func serveSSH(t *testing.T, repository string) *sshServer {
	t.Helper()
	host, _ := newKey(t)
	user, file := newKey(t)
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) == string(user.PublicKey().Marshal()) {
			return nil, nil
		}
		return nil, fmt.Errorf("who are you?")
	}}
	config.AddHostKey(host)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go serveSSHConn(c, config, repository)
		}
	}()
	return &sshServer{address: listener.Addr().String(), hostKey: host.PublicKey(), key: file}
}

func serveSSHConn(c net.Conn, config *ssh.ServerConfig, repository string) {
	conn, channels, requests, err := ssh.NewServerConn(c, config)
	if err != nil {
		return
	}
	defer conn.Close()
	go ssh.DiscardRequests(requests)
	for offered := range channels {
		channel, asked, err := offered.Accept()
		if err != nil {
			return
		}
		for r := range asked {
			if r.Type != "exec" {
				_ = r.Reply(false, nil)
				continue
			}
			_ = r.Reply(true, nil)
			line := string(r.Payload[4:])
			service, ok := strings.CutSuffix(line, " '/team/app.git'")
			if !ok || service != "git-upload-pack" && service != "git-receive-pack" {
				_, _ = fmt.Fprintf(channel.Stderr(), "no repository for %q", line)
				_ = channel.Close()
				break
			}
			cmd := exec.Command("git", strings.TrimPrefix(service, "git-"), repository)
			cmd.Stdin, cmd.Stdout, cmd.Stderr = channel, channel, channel.Stderr()
			_ = cmd.Run()
			_, _ = channel.SendRequest("exit-status", false, []byte{0, 0, 0, 0})
			_ = channel.Close()
		}
	}
}

func knownHosts(t *testing.T, address string, key ssh.PublicKey) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "known_hosts")
	line := knownhosts.Line([]string{knownhosts.Normalize(address)}, key) + "\n"
	if err := os.WriteFile(file, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestRemotesSSH(t *testing.T) {
	t.Parallel()
	source, first, second := upstream(t)
	server := serveSSH(t, source.Bare().Dir)
	url := "ssh://git@" + server.address + "/team/app.git"
	r := &git.Remotes{Dir: t.TempDir(), SSH: git.SSH{
		Keys: []string{"/none", server.key}, KnownHosts: []string{knownHosts(t, server.address, server.hostKey)},
	}}
	for ref, want := range map[string]string{"": second, "main": second, "v1": first, first: first} {
		_, commit, err := r.Fetch(t.Context(), url, ref)
		if err != nil || commit.Hash != want {
			t.Errorf("%q: %s, %v", ref, commit.Hash, err)
		}
	}
}

func TestRemotesSSHRefuses(t *testing.T) {
	t.Parallel()
	source, _, _ := upstream(t)
	server := serveSSH(t, source.Bare().Dir)
	other, otherKey := newKey(t)
	good := knownHosts(t, server.address, server.hostKey)
	url := "ssh://git@" + server.address + "/team/app.git"
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for name, tc := range map[string]struct {
		url  string
		ssh  git.SSH
		err  string
		hint string
	}{
		"no known_hosts":  {url, git.SSH{Keys: []string{server.key}}, "no known_hosts file", "ssh-keyscan 127.0.0.1"},
		"another key":     {url, git.SSH{Keys: []string{server.key}, KnownHosts: []string{knownHosts(t, server.address, other.PublicKey())}}, "the server's key is not the one in", "somebody stands between"},
		"another host":    {url, git.SSH{Keys: []string{server.key}, KnownHosts: []string{knownHosts(t, "example.org:22", server.hostKey)}}, "not in known_hosts", "ssh-keyscan"},
		"no key":          {url, git.SSH{KnownHosts: []string{good}}, "there is no ssh key", "TUG_SSH_KEY"},
		"wrong key":       {url, git.SSH{Keys: []string{otherKey}, KnownHosts: []string{good}}, "accepts none of the ssh keys", "registered"},
		"no such path":    {"ssh://git@" + server.address + "/team/none.git", git.SSH{Keys: []string{server.key}, KnownHosts: []string{good}}, "no repository for", "path right"},
		"quotes in paths": {"ssh://git@" + server.address + "/a';date;'", git.SSH{Keys: []string{server.key}, KnownHosts: []string{good}}, `'/a'\\'';date;'\\'''`, "path right"},
		"hangs":           {"ssh://git@" + silent.Addr().String() + "/x", git.SSH{Keys: []string{server.key}, KnownHosts: []string{good}, Total: 50_000_000}, "does not answer in time", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := &git.Remotes{Dir: t.TempDir(), SSH: tc.ssh}
			_, _, err := r.Fetch(t.Context(), tc.url, "main")
			if err == nil || !strings.Contains(err.Error(), tc.err) || !strings.Contains(strings.Join(fault.HintsOf(err), "\n"), tc.hint) {
				t.Errorf("got %v (hints %q)", err, fault.HintsOf(err))
			}
		})
	}
}
