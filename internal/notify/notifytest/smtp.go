package notifytest

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
)

// SMTP is a mail server on loopback, without TLS.
type SMTP struct {
	Address string

	mu     sync.Mutex
	answer Answer
	got    []string
	open   []net.Conn
}

// NewSMTP runs a mail server.
func NewSMTP(t testing.TB) *SMTP {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &SMTP{Address: listener.Addr().String(), answer: Works}
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.open = append(s.open, conn)
			s.mu.Unlock()
			served.Go(func() { s.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		s.mu.Lock()
		for _, c := range s.open {
			_ = c.Close()
		}
		s.mu.Unlock()
		served.Wait()
	})
	return s
}

// serve is one session (RFC 5321, 4.2 and appendix D).
func (s *SMTP) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	in := bufio.NewReader(conn)
	say := func(line string) { fmt.Fprint(conn, line+"\r\n") }
	answer := s.now()
	if answer == Hangs {
		_, _ = in.ReadByte()
		return
	}
	say("220 mail.example.com ESMTP")
	var session strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		session.WriteString(line + "\n")
		switch verb, _, _ := strings.Cut(line, " "); strings.ToUpper(verb) {
		case "EHLO", "HELO":
			say("250-mail.example.com\r\n250-8BITMIME\r\n250 AUTH PLAIN")
		case "AUTH":
			if answer == Denies {
				say("535 5.7.8 Authentication credentials invalid: " + line)
				continue
			}
			say("235 2.7.0 Authentication successful")
		case "MAIL", "RCPT":
			switch answer {
			case Later:
				say("450 4.7.1 Too many messages: " + session.String()[:20])
			case Broken:
				say("451 4.3.0 Local error in processing")
			default:
				say("250 2.1.0 Ok")
			}
		case "DATA":
			say("354 End data with <CR><LF>.<CR><LF>")
			if !s.data(in, &session) {
				return
			}
			say("250 2.0.0 Ok: queued")
		case "QUIT":
			say("221 2.0.0 Bye")
			return
		default:
			say("250 2.0.0 Ok")
		}
	}
}

// data reads a letter and records the session.
func (s *SMTP) data(in *bufio.Reader, session *strings.Builder) bool {
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			break
		}
		session.WriteString(strings.TrimRight(line, "\r\n") + "\n")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, session.String())
	return true
}

func (s *SMTP) now() Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.answer
}

// Answer implements Mock.
func (s *SMTP) Answer(a Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = a
}

// Got implements Mock.
func (s *SMTP) Got() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.got...)
}

// Knows implements Mock.
func (s *SMTP) Knows(a Answer) bool {
	switch a {
	case Works, Later, Broken, Denies, Hangs:
		return true
	}
	return false
}
