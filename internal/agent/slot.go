package agent

import "context"

// slot is one worker's place among those that work at once. It is used by one
// goroutine.
type slot struct {
	ctx  context.Context
	free chan struct{} // full when all places are taken
	held bool
}

// take waits for a place; the error is that of the context.
func (s *slot) take() error {
	select {
	case s.free <- struct{}{}:
		s.held = true
		return nil
	case <-s.ctx.Done():
		return context.Cause(s.ctx)
	}
}

func (s *slot) give() {
	if s.held {
		<-s.free
		s.held = false
	}
}

// rest gives the place back for the time of a wait. Work that was told to stop
// does not wait for a place again: it only cleans up.
func (s *slot) rest() (resume func()) {
	s.give()
	return func() { _ = s.take() }
}
