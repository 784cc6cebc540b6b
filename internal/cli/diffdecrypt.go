package cli

import (
	"context"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/preview"
	"github.com/tugops/tug/internal/project"
)

// again is the same files, of which nothing was decrypted yet.
func (s *source) again() *source {
	return &source{
		files: s.files, project: s.project, repo: s.repo, revision: s.revision, working: s.working, root: s.root,
		elsewhere: s.elsewhere, branch: s.branch, other: s.other,
	}
}

// encryptedIn reports whether objects hold ciphertext.
func encryptedIn(s preview.Side) bool {
	encrypted := object.NewSensitive(ciphertext) // finds its base64, too
	for _, o := range s.Objects {
		if encrypted.RevealsIn(o.Fields) {
			return true
		}
	}
	return false
}

// decrypted renders both sides of an app with the keys at hand. Without a key
// for both they are compared as they are: ciphertext against plain text would
// differ everywhere.
func (d *diff) decrypted(ctx context.Context, p place, before, after preview.Side) (base, head preview.Side) {
	base, err := d.opened(ctx, d.base, p)
	if err == nil {
		head, err = d.opened(ctx, d.head, p)
	}
	if err == nil {
		return base, head
	}
	text := "compared as encrypted: " + d.env.sensitive.Mask(err.Error())
	if fault.Is(err, fault.Denied) {
		text = "compared as encrypted, since there is no key"
	}
	d.env.warn(named(p.app, p.env, []string{text})...)
	return before, after
}

// opened is one side, decrypted. Nothing of it is kept.
func (d *diff) opened(ctx context.Context, s diffSide, p place) (preview.Side, error) {
	if !s.apps[p] {
		return preview.Side{}, nil
	}
	specs, err := s.open.project.Select(project.Choice{Env: p.env, App: p.app, Namespace: d.in.Namespace, KubeVersion: d.in.KubeVersion})
	if err != nil {
		return preview.Side{}, err
	}
	spec := specs[0]
	if spec.Namespace == "" {
		spec.Namespace = "default"
	}
	in := s.in
	in.noDecrypt = false
	request, err := d.env.request(ctx, s.open, spec, in)
	if err != nil {
		return preview.Side{}, err
	}
	found, err := d.env.find(ctx, d.cached, request)
	if err != nil {
		return preview.Side{}, err
	}
	side, err := diffFound{exists: true, namespace: spec.Namespace, found: found}.side(ctx)
	side.Sensitive = d.env.sensitive
	return side, err
}
