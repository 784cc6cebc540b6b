package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tugops/tug/internal/build/image"
	"github.com/tugops/tug/internal/fault"
)

// publish puts images and then charts where they belong.
func (b *Builder) publish(ctx context.Context, p *Plan, r *Result) error {
	for n := range r.Images {
		i := &r.Images[n]
		if i.content == nil {
			continue
		}
		done := b.phase(i.Name, "publish "+i.Repository+":"+i.Tag)
		fresh, err := b.Registry.Publish(ctx, i.Repository, i.Tag, i.content)
		if err != nil {
			return fmt.Errorf("image %q: %w", i.Name, err)
		}
		i.State = state(fresh)
		for _, tag := range i.more {
			if err := b.Registry.Tag(ctx, i.Repository, tag, i.content); err != nil {
				return fmt.Errorf("image %q: tag %s: %w", i.Name, tag, err)
			}
		}
		done()
	}
	for n := range r.Charts {
		c := &r.Charts[n]
		done := b.phase(c.Name, "publish "+c.Name+" "+c.Version)
		labels := p.labels()
		labels["org.opencontainers.image.title"] = c.Name
		labels[labelVersion] = c.Version
		digest, fresh, err := b.Charts.Publish(ctx, c.Repository, c.packed, labels, p.Commit.Time)
		if err != nil {
			return fmt.Errorf("chart %q: %w", c.Name, err)
		}
		c.Digest, c.State = digest, state(fresh)
		done()
	}
	return nil
}

func state(fresh bool) State {
	if fresh {
		return Published
	}
	return Unchanged
}

// Save writes what was built into a folder: images/NAME as OCI image layouts,
// charts as archives.
func (r *Result) Save(dir string) error {
	for _, i := range r.Images {
		if i.content == nil {
			continue
		}
		at := filepath.Join(dir, "images", i.Name)
		if err := os.RemoveAll(at); err != nil {
			return fault.New(fault.Invalid, "write %s: %w", at, err)
		}
		if err := image.WriteLayout(at, i.content); err != nil {
			return err
		}
	}
	if len(r.Charts) == 0 {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // others may read what was built
		return fault.New(fault.Invalid, "write %s: %w", dir, err)
	}
	for _, c := range r.Charts {
		at := filepath.Join(dir, c.Name+"-"+c.Version+".tgz")
		if err := os.WriteFile(at, c.packed.Data, 0o644); err != nil { //nolint:gosec // likewise
			return fault.New(fault.Invalid, "write %s: %w", at, err)
		}
	}
	return nil
}
