package helm

import (
	"context"
	"fmt"
	"runtime/metrics"
	"time"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/render"
)

// runaway bounds what the templates of one chart may take all told. Single
// functions are bounded (addBounded), but text/template can neither be
// interrupted nor told how much to make, and templates that call each other
// double as easily as numbers do.
type runaway struct {
	heap  uint64        // bytes that the heap may grow by
	stack uint64        // bytes of all stacks; the runtime ends the process at 1 GB of one
	time  time.Duration // from the first template to the last
	pace  time.Duration // between two looks
	look  func() usage
}

// usual is far beyond what real charts take: they render in milliseconds.
func usual() runaway {
	return runaway{heap: 2 << 30, stack: 256 << 20, time: 2 * time.Minute, pace: 20 * time.Millisecond, look: memory}
}

// watch gives an error as soon as there is too much of something, or when the
// context ends.
func (r runaway) watch(ctx context.Context) error {
	before := r.look()
	end := time.NewTimer(r.time)
	defer end.Stop()
	tick := time.NewTicker(r.pace)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-end.C:
			return r.fault("take longer than %s", r.time)
		case <-tick.C:
		}
		switch now := r.look(); {
		case now.heap > before.heap+r.heap:
			return r.fault("make more than %d MiB", r.heap>>20)
		case now.stack > r.stack:
			return r.fault("call each other without end")
		}
	}
}

func (r runaway) fault(format string, args ...any) error {
	return fault.New(fault.Invalid, "its templates %s: %w", fmt.Sprintf(format, args...), render.ErrRunaway).
		Hint("look for templates that include or tpl themselves, and for loops within loops")
}

type usage struct{ heap, stack uint64 }

// memory is what the process uses, as of now.
func memory() usage {
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(samples)
	return usage{samples[0].Value.Uint64(), samples[1].Value.Uint64()}
}
