package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"

	"github.com/tugops/tug/internal/fault"
)

// Move asks for a branch to go from one commit to another, and nowhere else: a
// compare-and-swap. Old is empty for a branch that must not exist yet, a nil
// New deletes it. Nobody asks whether New is a descendant of Old.
type Move struct {
	Branch string
	Old    string
	New    *Tree
}

// Refused is the answer of a server to a push that it did not carry out, or
// not known to have. Why is for people only: each server says it in words of
// its own. What became of a push is found out by reading the refs again.
type Refused struct {
	Repository string
	// Branch is the first one that was not moved; empty when the whole push
	// failed.
	Branch string
	Why    string
	// Unknown says that the connection broke, so that the push may have been
	// carried out.
	Unknown bool
}

// Error implements error.
func (r *Refused) Error() string {
	if r.Unknown {
		return fmt.Sprintf("push to %s: no answer: %s", r.Repository, r.Why)
	}
	return fmt.Sprintf("%s refused the push to branch %s: %s", r.Repository, r.Branch, r.Why)
}

// ErrMoved says that a branch was not where a Move expects it before anything
// was sent.
var ErrMoved = errors.New("the branch moved")

// Push moves branches, all or none of them. It looks at the refs first and
// gives ErrMoved when that can be told without sending anything. A server that
// says no, or breaks off, is a *Refused; one that wants another credential is a
// Denied fault.
func (u *Upstream) Push(ctx context.Context, moves ...Move) error {
	s, offered, err := u.converse(ctx, receivePack)
	if err != nil {
		return err
	}
	defer s.close()
	req := packp.NewReferenceUpdateRequestFromCapabilities(offered.Capabilities)
	if err := u.commands(req, offered, moves); err != nil {
		return err
	}
	body, err := s.update(ctx, req)
	if err != nil {
		if fault.Is(err, fault.Denied) || fault.Is(err, fault.NotFound) {
			return err
		}
		return u.unknown(ctx, err)
	}
	defer body.Close()
	return u.report(ctx, req, body)
}

func (u *Upstream) unknown(ctx context.Context, err error) error {
	if context.Cause(ctx) != nil {
		return context.Cause(ctx)
	}
	return &Refused{Repository: u.where.String(), Why: err.Error(), Unknown: true}
}

// commands fills in what to move and the objects that it takes.
func (u *Upstream) commands(req *packp.ReferenceUpdateRequest, offered *packp.AdvRefs, moves []Move) error {
	for _, c := range []capability.Capability{capability.Sideband64k, capability.DeleteRefs} {
		if offered.Capabilities.Supports(c) {
			if err := req.Capabilities.Set(c); err != nil {
				return err
			}
		}
	}
	if len(moves) > 1 {
		if !offered.Capabilities.Supports(capability.Atomic) {
			return fault.New(fault.Unavailable, "repository %s cannot move several branches at once", u.where)
		}
		if err := req.Capabilities.Set(capability.Atomic); err != nil {
			return err
		}
	}
	refs := refsOf(offered)
	var objects []plumbing.Hash
	seen := map[plumbing.Hash]bool{}
	for _, m := range moves {
		if refs.Branches[m.Branch] != m.Old {
			return fmt.Errorf("%s: %w", m.Branch, ErrMoved)
		}
		c := &packp.Command{Name: plumbing.NewBranchReferenceName(m.Branch), Old: plumbing.NewHash(m.Old)}
		if m.New != nil {
			c.New = plumbing.NewHash(m.New.Commit.Hash)
			for _, h := range m.New.made {
				if !seen[h] {
					seen[h] = true
					objects = append(objects, h)
				}
			}
		}
		if err := c.Name.Validate(); err != nil {
			return fault.New(fault.Invalid, "branch %q: %w", m.Branch, err)
		}
		req.Commands = append(req.Commands, c)
	}
	if !deletesOnly(moves) {
		pack, err := u.packed(objects)
		if err != nil {
			return err
		}
		req.Packfile = io.NopCloser(pack)
	}
	return nil
}

// deletesOnly tells a push that sends no pack, not even an empty one.
func deletesOnly(moves []Move) bool {
	for _, m := range moves {
		if m.New != nil {
			return false
		}
	}
	return true
}

func (u *Upstream) packed(objects []plumbing.Hash) (*bytes.Buffer, error) {
	u.store.mu.Lock()
	defer u.store.mu.Unlock()
	var pack bytes.Buffer
	if _, err := packfile.NewEncoder(&pack, u.store.git, false).Encode(objects, 0); err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	return &pack, nil
}

// report reads what became of a push.
func (u *Upstream) report(ctx context.Context, req *packp.ReferenceUpdateRequest, body io.Reader) error {
	if !req.Capabilities.Supports(capability.ReportStatus) {
		return u.unknown(ctx, errors.New("the server does not report"))
	}
	var said strings.Builder
	if req.Capabilities.Supports(capability.Sideband64k) {
		d := sideband.NewDemuxer(sideband.Sideband64k, body)
		d.Progress = &limitedText{b: &said, left: 4096}
		body = d
	}
	status := packp.NewReportStatus()
	if err := status.Decode(body); err != nil {
		return u.unknown(ctx, err)
	}
	_, _ = io.Copy(io.Discard, body) // for what the server says last
	refused := &Refused{Repository: u.where.String()}
	if status.UnpackStatus != "ok" {
		refused.Why = status.UnpackStatus
	}
	for _, c := range status.CommandStatuses {
		if c.Status != "ok" && refused.Branch == "" {
			refused.Branch, refused.Why = c.ReferenceName.Short(), c.Status
		}
	}
	if refused.Why == "" {
		return nil
	}
	if text := plainText(said.String()); text != "" {
		refused.Why += " (" + text + ")"
	}
	return refused
}

// plainText joins the lines that a server says to people, without what could
// play tricks with a terminal.
func plainText(text string) string {
	var lines []string
	for line := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' || r == '\r' }) {
		line = strings.TrimSpace(strings.Map(func(r rune) rune {
			if r < ' ' || r == 0x7f {
				return -1
			}
			return r
		}, line))
		if line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "; ")
}
