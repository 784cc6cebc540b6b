package service

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/notify"
)

// email sends by SMTP: TLS from the start on port 465, STARTTLS elsewhere.
// Without either, only a server on this machine is spoken to.
type email struct {
	caller
	host, address  string
	user, password string
	from           *mail.Address
	to             []*mail.Address
}

var _ notify.Notifier = (*email)(nil)

func newEmail(c caller, s Settings) (*email, error) {
	host, port, err := net.SplitHostPort(s.Server)
	if err != nil || host == "" || port == "" {
		return nil, fault.New(fault.Invalid, "%s: server %q is not host:port", c.name, s.Server).Hint("for example smtp.example.com:587")
	}
	e := &email{caller: c, host: host, address: s.Server, user: s.User.value, password: s.Password.value}
	if e.from, err = mail.ParseAddress(s.From); err != nil {
		return nil, fault.New(fault.Invalid, "%s: from %q is no address", c.name, s.From)
	}
	for _, text := range s.To {
		to, err := mail.ParseAddress(text)
		if err != nil {
			return nil, fault.New(fault.Invalid, "%s: to %q is no address", c.name, text)
		}
		e.to = append(e.to, to)
	}
	return e, nil
}

// Send implements notify.Notifier.
func (e *email) Send(ctx context.Context, m notify.Message) error {
	conn, err := e.connect(ctx)
	if err != nil {
		return e.failed(ctx, err)
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // ends a read that hangs
	defer stop()
	if err := e.transfer(conn, e.letter(m)); err != nil {
		return e.failed(ctx, err)
	}
	return nil
}

func (e *email) connect(ctx context.Context) (net.Conn, error) {
	conn, err := e.deps.Dial(ctx, "tcp", e.address)
	if _, port, _ := net.SplitHostPort(e.address); err != nil || port != "465" {
		return conn, err
	}
	config, err := e.deps.TLS(e.host)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	config.ServerName = e.host
	return tls.Client(conn, config), nil
}

// transfer speaks SMTP.
func (e *email) transfer(conn net.Conn, letter []byte) error {
	client, err := smtp.NewClient(conn, e.host)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	if err := e.protect(client, conn); err != nil {
		return err
	}
	if e.user != "" {
		if err := client.Auth(smtp.PlainAuth("", e.user, e.password, e.host)); err != nil {
			return err
		}
	}
	if err := client.Mail(e.from.Address); err != nil {
		return err
	}
	for _, to := range e.to {
		if err := client.Rcpt(to.Address); err != nil {
			return err
		}
	}
	body, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := body.Write(letter); err != nil {
		return err
	}
	if err := body.Close(); err != nil {
		return err
	}
	_ = client.Quit() // the letter is accepted, whatever the server says now
	return nil
}

func (e *email) protect(client *smtp.Client, conn net.Conn) error {
	if _, already := conn.(*tls.Conn); already {
		return nil
	}
	if ok, _ := client.Extension("STARTTLS"); !ok {
		if near(e.host) {
			return nil
		}
		return fault.New(fault.Invalid, "the server offers no STARTTLS, and letters would be readable on their way").
			Hint("use port 465, or a server that offers it")
	}
	config, err := e.deps.TLS(e.host)
	if err != nil {
		return err
	}
	config.ServerName = e.host
	return client.StartTLS(config)
}

// failed translates an error: codes from 500 on are final (RFC 5321, 4.2.1).
func (e *email) failed(ctx context.Context, err error) error {
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Kind != fault.Unavailable {
		return fault.New(f.Kind, "%s at %s: %w", e.name, e.address, f)
	}
	text := e.clean(err.Error())
	if ctx.Err() != nil {
		text = "it does not answer"
	}
	if code, ok := errors.AsType[*textproto.Error](err); ok && code.Code >= 500 {
		kind := fault.Invalid
		if code.Code == 535 || code.Code == 530 {
			kind = fault.Denied
		}
		return fault.New(kind, "%s at %s: %s", e.name, e.address, text)
	}
	return &notify.Retry{Err: fault.New(fault.Unavailable, "%s at %s: %s", e.name, e.address, text)}
}
