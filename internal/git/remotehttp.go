package git

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"

	"github.com/tugops/tug/internal/fault"
)

// maxRefs bounds the list of refs a server offers, in bytes.
const maxRefs = 64 << 20

// httpSession speaks Git's smart HTTP protocol, version 0 (gitprotocol-http(5)).
type httpSession struct {
	client  *http.Client
	where   remote
	service string
	base    string // where the refs came from, after redirects
}

func newHTTPSession(client *http.Client, where remote, service string) (*httpSession, error) {
	if client == nil {
		return nil, fault.New(fault.Unavailable, "repository %s: the network is not to be used", where)
	}
	if where.scheme == "http" && !isLoopback(where.host) {
		return nil, fault.New(fault.Invalid, "repository %s: plain http protects nothing", where).Hint("use https")
	}
	return &httpSession{client: client, where: where, service: service, base: where.String()}, nil
}

// refs implements session.
func (s *httpSession) refs(ctx context.Context) (*packp.AdvRefs, error) {
	const suffix = "/info/refs"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+suffix+"?service="+s.service, nil)
	if err != nil {
		return nil, fault.New(fault.Invalid, "repository %s: %w", s.where, err)
	}
	res, err := s.do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if !strings.HasPrefix(res.Header.Get("Content-Type"), "application/x-"+s.service+"-advertisement") {
		return nil, fault.New(fault.Invalid, "%s is no Git repository, or not over smart HTTP", s.where).
			Hint("the server answered with %q", res.Header.Get("Content-Type"))
	}
	// Later requests go where the refs came from, as Git itself does.
	if end := res.Request.URL; strings.HasSuffix(end.Path, suffix) {
		at := *end
		at.Path, at.RawPath, at.RawQuery, at.Fragment, at.User = strings.TrimSuffix(end.Path, suffix), "", "", "", nil
		s.base = at.String()
	}
	refs := packp.NewAdvRefs()
	err = refs.Decode(io.LimitReader(res.Body, maxRefs))
	if errors.Is(err, packp.ErrEmptyAdvRefs) || err == nil && refs.IsEmpty() {
		return nil, emptyRepository(s.where)
	}
	if err != nil {
		return nil, (&Remotes{}).broken(ctx, s.where, err)
	}
	return refs, nil
}

// pack implements session.
func (s *httpSession) pack(ctx context.Context, ask *packp.UploadPackRequest) (io.ReadCloser, error) {
	var text bytes.Buffer
	if err := encodeRequest(&text, ask); err != nil {
		return nil, err
	}
	return s.post(ctx, &text)
}

// update implements session.
func (s *httpSession) update(ctx context.Context, ask *packp.ReferenceUpdateRequest) (io.ReadCloser, error) {
	var text bytes.Buffer
	if err := ask.Encode(&text); err != nil {
		return nil, err
	}
	return s.post(ctx, &text)
}

func (s *httpSession) post(ctx context.Context, text *bytes.Buffer) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+"/"+s.service, text)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-"+s.service+"-request")
	req.Header.Set("Accept", "application/x-"+s.service+"-result")
	res, err := s.do(req)
	if err != nil {
		return nil, err
	}
	return res.Body, nil
}

func (s *httpSession) close() {}

func (s *httpSession) do(req *http.Request) (*http.Response, error) {
	res, err := s.client.Do(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		return nil, (&Remotes{}).broken(req.Context(), s.where, err)
	}
	if res.StatusCode == http.StatusOK {
		return res, nil
	}
	_ = res.Body.Close()
	switch res.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return nil, fault.New(fault.Denied, "repository %s: the server says %s", s.where, res.Status).
			Hint("give it a credential: docs/sources.md says where credentials are looked for")
	case http.StatusNotFound:
		return nil, fault.New(fault.NotFound, "repository %s: the server says %s", s.where, res.Status).
			Hint("is the address right? Some servers say so too when a credential is missing")
	}
	return nil, fault.New(fault.Unavailable, "repository %s: the server says %s", s.where, res.Status)
}

func emptyRepository(where remote) error {
	return fault.New(fault.NotFound, "repository %s has no commits", where)
}

// encodeRequest writes a request for objects in one go: what is had is only
// named, without waiting for what the server thinks of it.
func encodeRequest(w io.Writer, ask *packp.UploadPackRequest) error {
	if err := ask.UploadRequest.Encode(w); err != nil {
		return err
	}
	if err := ask.UploadHaves.Encode(w, false); err != nil {
		return err
	}
	return pktline.NewEncoder(w).EncodeString("done\n")
}
