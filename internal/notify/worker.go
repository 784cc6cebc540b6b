package notify

import (
	"context"
	"errors"
	"time"

	"github.com/tugops/tug/internal/event"
)

// Bounds of one delivery.
const (
	attempts       = 6
	attemptTimeout = 15 * time.Second
	firstPause     = time.Second
	maxPause       = 2 * time.Minute
	// patience is the longest wait that a service may ask for.
	patience = 15 * time.Minute
)

// worker delivers what waits for one channel.
type worker struct {
	channel Channel
	config  Config
	queue   *queue
	bucket  *bucket
	// lost hears of facts that did not get through.
	lost func(event.Fact)
}

// run ends when the queue is closed and empty, or when ctx ends.
func (w *worker) run(ctx context.Context) {
	for {
		f, ok, done := w.queue.take(w.config.Clock.Now())
		switch {
		case done:
			return
		case !ok:
			select {
			case <-w.queue.more:
			case <-ctx.Done():
				w.queue.close()
				return
			}
		case !w.allowed(ctx):
			w.report(f, 0, 0, errUndelivered)
			w.giveUp()
			return
		default:
			if w.deliver(ctx, f); ctx.Err() != nil {
				w.giveUp()
				return
			}
		}
	}
}

// giveUp reports what waits and cannot be sent any more.
func (w *worker) giveUp() {
	w.queue.close()
	for _, f := range w.queue.rest() {
		w.report(f, 0, 0, errUndelivered)
	}
}

// allowed waits until the rate lets the next message through.
func (w *worker) allowed(ctx context.Context) bool {
	for ctx.Err() == nil {
		wait := w.bucket.take(w.config.Clock.Now())
		if wait == 0 {
			return true
		}
		if !w.pause(ctx, wait) {
			return false
		}
	}
	return false
}

// deliver sends one fact, several times if need be.
func (w *worker) deliver(ctx context.Context, f event.Fact) {
	begin := w.config.Clock.Now()
	m := Compose(w.channel.Name, f, w.config.Sensitive, w.channel.Templates, w.config.Templates)
	for try := 1; ; try++ {
		err := w.send(ctx, m)
		wait, again := pauseAfter(err, try)
		if !again || ctx.Err() != nil || !w.pause(ctx, wait) {
			if err != nil && ctx.Err() != nil {
				err = errors.Join(errUndelivered, err)
			}
			w.report(f, try, w.config.Clock.Now().Sub(begin), err)
			return
		}
	}
}

// send is one attempt. A notifier that panics has failed for good.
func (w *worker) send(ctx context.Context, m Message) (err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("the message could not be put together") // the value may be secret
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	return w.channel.Notifier.Send(ctx, m)
}

// pauseAfter decides whether to send once more after an attempt, and when.
func pauseAfter(err error, try int) (time.Duration, bool) {
	retry, may := errors.AsType[*Retry](err)
	if !may || try >= attempts || retry.After > patience {
		return 0, false
	}
	return max(retry.After, min(firstPause<<(try-1), maxPause)), true
}

// pause waits; false when ctx ended first.
func (w *worker) pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-w.config.Clock.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

func (w *worker) report(f event.Fact, tries int, took time.Duration, err error) {
	if err != nil {
		w.lost(f)
	}
	w.config.Report(Delivery{Channel: w.channel.Name, Kind: f.Kind, App: f.App, Env: f.Env, Attempts: tries, Took: took, Err: err})
}
