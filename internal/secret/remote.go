package secret

import (
	"context"
	"fmt"
	"net"
	"net/url"

	"github.com/getsops/sops/v3/keyservice"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/tugops/tug/internal/fault"
)

// remote is a sops key service: keys that somebody else holds.
type remote struct {
	keyservice.KeyServiceClient
	ring    *ring
	ctx     context.Context
	address string
	failed  *[]string
}

// Decrypt implements keyservice.KeyServiceClient.
func (s *remote) Decrypt(_ context.Context, req *keyservice.DecryptRequest, o ...grpc.CallOption) (*keyservice.DecryptResponse, error) {
	ctx, cancel := s.ring.limit(s.ctx)
	defer cancel()
	resp, err := s.KeyServiceClient.Decrypt(ctx, req, o...)
	s.note(req.Key, err)
	return resp, err
}

// Encrypt implements keyservice.KeyServiceClient.
func (s *remote) Encrypt(_ context.Context, req *keyservice.EncryptRequest, o ...grpc.CallOption) (*keyservice.EncryptResponse, error) {
	ctx, cancel := s.ring.limit(s.ctx)
	defer cancel()
	resp, err := s.KeyServiceClient.Encrypt(ctx, req, o...)
	s.note(req.Key, err)
	return resp, err
}

func (s *remote) note(key *keyservice.Key, err error) {
	if err != nil {
		*s.failed = append(*s.failed, fmt.Sprintf("%s: key service %s: %s", keyName(key), s.address, firstLine(err)))
	}
}

// clients are the key services to ask, in order. done closes connections.
func (r *ring) clients(ctx context.Context) (list []keyservice.KeyServiceClient, local *atHand, done func(), err error) {
	local = &atHand{ring: r, ctx: ctx}
	if !r.keys.Remote {
		list = append(list, local)
	}
	var open []*grpc.ClientConn
	done = func() {
		for _, c := range open {
			_ = c.Close()
		}
	}
	for _, address := range r.keys.Services {
		conn, err := dial(address)
		if err != nil {
			done()
			return nil, nil, nil, err
		}
		open = append(open, conn)
		list = append(list, &remote{keyservice.NewKeyServiceClient(conn), r, ctx, address, &local.failed})
	}
	return list, local, done, nil
}

// dial prepares a connection; it is made with the first call.
func dial(address string) (*grpc.ClientConn, error) {
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "unix" && u.Scheme != "tcp") || u.Host+u.Path == "" {
		return nil, fault.New(fault.Usage, "key service %q: not an address", address).
			Hint("write unix:///run/sops.sock or tcp://host:port, as sops does")
	}
	network, target := u.Scheme, u.Host
	if network == "unix" {
		target = u.Host + u.Path
	}
	conn, err := grpc.NewClient("passthrough:///"+target,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, target)
		}))
	if err != nil {
		return nil, fault.New(fault.Usage, "key service %s: %w", address, err)
	}
	return conn, nil
}
