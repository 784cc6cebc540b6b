package outbound

import (
	"context"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/tugops/tug/internal/fault"
)

// Dial connects to "host:port", not to forbidden addresses, and gives a
// connection on which reading fails once the peer is silent for too long. The
// address is checked after the name is resolved: a name cannot hide one.
func (p Policy) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	p = p.withDefaults()
	dialer := &net.Dialer{Timeout: p.Silence, KeepAlive: 30 * time.Second}
	dialer.ControlContext = func(_ context.Context, _, at string, _ syscall.RawConn) error {
		host, _, err := net.SplitHostPort(at)
		if err != nil {
			return err
		}
		return p.CheckHost(host)
	}
	c, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &patient{Conn: c, silence: p.Silence}, nil
}

// CheckHost refuses a literal address that a request must not go to. Names
// pass: they are checked when they are resolved.
func (p Policy) CheckHost(host string) error {
	ip, err := netip.ParseAddr(host)
	if err != nil || p.LinkLocal || !forbidden(ip.Unmap().WithZone("")) {
		return nil
	}
	return fault.New(fault.Invalid, "address %s is link-local or a metadata service", host).
		Hint("nothing is fetched from there; TUG_ALLOW_LINK_LOCAL=true lifts this")
}

func forbidden(ip netip.Addr) bool {
	if ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() {
		return true
	}
	switch ip.String() {
	case "fd00:ec2::254", "fd20:ce::254", // AWS, Google
		"100.100.100.200", // Alibaba
		"168.63.129.16",   // Azure
		"192.0.0.192":     // Oracle
		return true
	}
	return false
}

// patient gives a peer some time for each read and write, and no more.
type patient struct {
	net.Conn
	silence time.Duration
}

func (c *patient) Read(b []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.silence)); err != nil {
		return 0, err
	}
	return c.Conn.Read(b)
}

func (c *patient) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.silence)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}
