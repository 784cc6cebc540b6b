package contract

import (
	"context"
	"sync"
	"time"
)

// Clock is a forge.Clock on which waiting takes no time.
type Clock struct {
	mu     sync.Mutex
	waited time.Duration
}

// epoch gives the time at which every Clock starts.
func epoch() time.Time { return time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC) }

// Now implements forge.Clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return epoch().Add(c.waited)
}

// Wait implements forge.Clock.
func (c *Clock) Wait(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waited += d
	return ctx.Err()
}

// Waited is the sum of all waits.
func (c *Clock) Waited() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.waited
}
