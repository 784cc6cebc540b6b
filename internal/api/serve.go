package api

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/tugops/tug/internal/fault"
)

// closing is how long requests under way have at the end.
const closing = 5 * time.Second

// Serve answers requests on a listener until ctx ends. With a nil config it
// speaks plain HTTP: for probes, and behind what ends TLS.
func Serve(ctx context.Context, l net.Listener, h http.Handler, config *tls.Config, log *slog.Logger) error {
	if config != nil {
		l = tls.NewListener(l, config)
	}
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		MaxHeaderBytes: 64 << 10, BaseContext: func(net.Listener) context.Context { return base },
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	stopped := context.AfterFunc(ctx, func() {
		cancel() // streams end
		end, done := context.WithTimeout(context.WithoutCancel(ctx), closing)
		defer done()
		if server.Shutdown(end) != nil {
			_ = server.Close()
		}
	})
	defer stopped()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// TLS serves the certificate of two PEM files, and reads them again when they
// change: a Secret that is mounted is renewed in place.
func TLS(certFile, keyFile string) (*tls.Config, error) {
	c := &certificate{cert: certFile, key: keyFile}
	if _, err := c.get(nil); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, GetCertificate: c.get}, nil
}

type certificate struct {
	cert, key string

	mu     sync.Mutex
	loaded *tls.Certificate
	at     time.Time // modification time of the certificate that is loaded
}

// get is called for every connection. A renewal that cannot be read leaves the
// certificate before it.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	info, err := os.Stat(c.cert)
	if err == nil && c.loaded != nil && info.ModTime().Equal(c.at) {
		return c.loaded, nil
	}
	pair, loadErr := tls.LoadX509KeyPair(c.cert, c.key)
	if err = errors.Join(err, loadErr); err != nil {
		if c.loaded != nil {
			return c.loaded, nil
		}
		return nil, fault.New(fault.Invalid, "certificate of the API: %w", err).Hint("give files in PEM form")
	}
	c.loaded, c.at = &pair, info.ModTime()
	return c.loaded, nil
}
