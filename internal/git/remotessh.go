package git

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	gitssh "github.com/go-git/go-git/v5/plumbing/transport/ssh"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/tugops/tug/internal/fault"
)

// SSH is what ssh connections are made with.
type SSH struct {
	// Keys are files of private keys, tried in order; those that do not exist
	// are left out. Passphrase opens encrypted ones.
	Keys []string
	// UsualKeys are further ones, left out when they cannot be opened.
	UsualKeys  []string
	Passphrase string
	// Agent is the socket of an agent; empty for none.
	Agent string
	// KnownHosts are files in the form of ssh's known_hosts. A server whose
	// key is in none of them is refused: there is nobody to ask.
	KnownHosts []string
	// Dial connects; net.Dialer when nil.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Total bounds one conversation; 10 min when zero.
	Total time.Duration
}

// sshSession is a service on the other side.
type sshSession struct {
	where  remote
	name   string // of the service
	client *ssh.Client
	conn   net.Conn
	agent  net.Conn
	run    *ssh.Session
	in     io.WriteCloser
	out    io.Reader
	errs   strings.Builder
	stop   func() bool
}

func (o SSH) session(ctx context.Context, where remote, service string) (session, error) {
	address := where.host
	if _, _, err := net.SplitHostPort(address); err != nil {
		address = net.JoinHostPort(strings.Trim(address, "[]"), "22")
	}
	s := &sshSession{where: where, name: service}
	config, err := o.config(ctx, s, address)
	if err != nil {
		return nil, err
	}
	dial := o.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: 20 * time.Second}).DialContext
	}
	if s.conn, err = dial(ctx, "tcp", address); err != nil {
		s.close()
		return nil, (&Remotes{}).broken(ctx, where, err)
	}
	// The protocol knows no context: closing the connection ends what waits.
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(o.Total, 10*time.Minute))
	stop := context.AfterFunc(ctx, func() { _ = s.conn.Close() })
	s.stop = func() bool { cancel(); return stop() }
	if err := s.start(address, config); err != nil {
		s.close()
		return nil, sshFault(ctx, where, err)
	}
	return s, nil
}

func (s *sshSession) start(address string, config *ssh.ClientConfig) error {
	c, channels, requests, err := ssh.NewClientConn(s.conn, address, config)
	if err != nil {
		return err
	}
	s.client = ssh.NewClient(c, channels, requests)
	if s.run, err = s.client.NewSession(); err != nil {
		return err
	}
	s.run.Stderr = &limitedText{b: &s.errs, left: 4096}
	if s.in, err = s.run.StdinPipe(); err != nil {
		return err
	}
	if s.out, err = s.run.StdoutPipe(); err != nil {
		return err
	}
	return s.run.Start(s.name + " " + quote(s.where.path))
}

// quote makes one word of a path for the server's shell, in the way that Git
// does and its servers expect.
func quote(p string) string {
	return "'" + strings.NewReplacer("'", `'\''`, "!", `'\!'`).Replace(p) + "'"
}

func (o SSH) config(ctx context.Context, s *sshSession, address string) (*ssh.ClientConfig, error) {
	auth, err := o.auth(ctx, s)
	if err != nil {
		return nil, err
	}
	files := existingFiles(o.KnownHosts)
	if len(files) == 0 {
		return nil, fault.New(fault.Denied, "repository %s: no known_hosts file says which key its server has", s.where).
			Hint("compare the key with what the server's owner publishes, and add it: ssh-keyscan %s >> ~/.ssh/known_hosts", hostOf(address))
	}
	db, err := gitssh.NewKnownHostsDb(files...)
	if err != nil {
		return nil, fault.New(fault.Invalid, "known hosts: %w", err)
	}
	return &ssh.ClientConfig{
		User: cmp.Or(s.where.user, "git"), Auth: auth, Timeout: 20 * time.Second,
		HostKeyCallback: db.HostKeyCallback(), HostKeyAlgorithms: db.HostKeyAlgorithms(address),
	}, nil
}

// auth offers the keys of files first: they were chosen for tug.
func (o SSH) auth(ctx context.Context, s *sshSession) ([]ssh.AuthMethod, error) {
	var signers []ssh.Signer
	for _, file := range existingFiles(o.Keys) {
		signer, err := readKey(file, o.Passphrase)
		if err != nil {
			return nil, err
		}
		signers = append(signers, signer)
	}
	for _, file := range existingFiles(o.UsualKeys) {
		if signer, err := readKey(file, o.Passphrase); err == nil {
			signers = append(signers, signer)
		}
	}
	if o.Agent != "" {
		c, err := (&net.Dialer{}).DialContext(ctx, "unix", o.Agent)
		if err == nil {
			s.agent = c
			if more, err := agent.NewClient(c).Signers(); err == nil {
				signers = append(signers, more...)
			}
		}
	}
	if len(signers) == 0 {
		return nil, fault.New(fault.Denied, "repository %s: there is no ssh key", s.where).
			Hint("start an agent with a key (SSH_AUTH_SOCK), or name a key file in TUG_SSH_KEY")
	}
	return []ssh.AuthMethod{ssh.PublicKeys(signers...)}, nil
}

func readKey(file, passphrase string) (ssh.Signer, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fault.New(fault.Invalid, "ssh key: %w", err)
	}
	signer, err := ssh.ParsePrivateKey(data)
	if _, locked := errors.AsType[*ssh.PassphraseMissingError](err); locked && passphrase != "" {
		signer, err = ssh.ParsePrivateKeyWithPassphrase(data, []byte(passphrase))
	}
	if err != nil {
		return nil, fault.New(fault.Invalid, "ssh key %s: %w", file, err).
			Hint("for a key with a passphrase set TUG_SSH_PASSPHRASE, or use an agent")
	}
	return signer, nil
}

func existingFiles(names []string) []string {
	var there []string
	for _, name := range names {
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
			there = append(there, name)
		}
	}
	return there
}

// refs implements session.
func (s *sshSession) refs(ctx context.Context) (*packp.AdvRefs, error) {
	refs := packp.NewAdvRefs()
	err := refs.Decode(io.LimitReader(s.out, maxRefs))
	if err != nil {
		_ = s.in.Close()
		_ = s.run.Wait() // for all that it says; the connection is bounded in time
	}
	said := strings.TrimSpace(s.errs.String())
	switch {
	case err == nil && !refs.IsEmpty():
		return refs, nil
	case said != "" && s.name == receivePack:
		return nil, fault.New(fault.Denied, "repository %s: the server says: %s", s.where, said).
			Hint("is the path right, and may this key write to it?")
	case said != "":
		return nil, fault.New(fault.NotFound, "repository %s: the server says: %s", s.where, said).
			Hint("is the path right, and may this key read it?")
	case err == nil || errors.Is(err, packp.ErrEmptyAdvRefs):
		return nil, emptyRepository(s.where)
	}
	return nil, sshFault(ctx, s.where, err)
}

// pack implements session.
func (s *sshSession) pack(_ context.Context, ask *packp.UploadPackRequest) (io.ReadCloser, error) {
	if err := encodeRequest(s.in, ask); err != nil {
		return nil, fmt.Errorf("ask %s: %w", s.where, err)
	}
	return io.NopCloser(s.out), nil
}

// update implements session.
func (s *sshSession) update(_ context.Context, ask *packp.ReferenceUpdateRequest) (io.ReadCloser, error) {
	if err := ask.Encode(s.in); err != nil {
		return nil, fmt.Errorf("push to %s: %w", s.where, err)
	}
	return io.NopCloser(s.out), nil
}

func (s *sshSession) close() {
	if s.stop != nil {
		s.stop()
	}
	for _, c := range []io.Closer{s.run, s.client, s.conn, s.agent} {
		if c != nil && !isNil(c) {
			_ = c.Close()
		}
	}
}

func isNil(c io.Closer) bool {
	switch v := c.(type) {
	case *ssh.Session:
		return v == nil
	case *ssh.Client:
		return v == nil
	}
	return false
}

// sshFault says what stands in the way of a connection.
func sshFault(ctx context.Context, where remote, err error) error {
	if key, ok := errors.AsType[*knownhosts.KeyError](err); ok {
		e := fault.New(fault.Denied, "repository %s: the server's key is not in known_hosts", where)
		if len(key.Want) > 0 {
			e = fault.New(fault.Denied, "repository %s: the server's key is not the one in %s:%d", where, key.Want[0].Filename, key.Want[0].Line)
			return e.Hint("either the server has a new key, which its owner can confirm, or somebody stands between")
		}
		return e.Hint("compare the key with what the server's owner publishes, and add it: ssh-keyscan %s >> ~/.ssh/known_hosts", hostOf(where.host))
	}
	if strings.Contains(err.Error(), "unable to authenticate") {
		return fault.New(fault.Denied, "repository %s: the server accepts none of the ssh keys", where).
			Hint("is the public key registered there?")
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fault.New(fault.Unavailable, "repository %s: the server does not answer in time", where)
	}
	return (&Remotes{}).broken(ctx, where, err)
}

func hostOf(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return address
}

func isLoopback(address string) bool {
	host := hostOf(address)
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return ip != nil && ip.IsLoopback()
}

// limitedText keeps the first bytes that a server says.
type limitedText struct {
	b    *strings.Builder
	left int
}

// Write implements io.Writer.
func (l *limitedText) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.b.Write(p[:n])
	l.left -= n
	return len(p), nil
}
