package notify

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/object"
)

// Channel is one place where messages go.
type Channel struct {
	Name     string
	Notifier Notifier
	// Templates go before those of the dispatcher.
	Templates Templates
	// PerMinute is how many messages it takes; 20 when zero.
	PerMinute int
}

// Delivery is what became of one fact at one channel.
type Delivery struct {
	Channel  string
	Kind     event.Kind
	App, Env string
	Attempts int
	Took     time.Duration
	// Err is nil when it was sent.
	Err error
}

// Config is what a Dispatcher works with.
type Config struct {
	Channels  []Channel
	Routes    []Route
	Templates Templates
	// Sensitive are the values that no message tells.
	Sensitive *object.Sensitive
	// Clock is the system's when nil.
	Clock Clock
	// Report hears of every delivery, from several goroutines; nil drops them.
	Report func(Delivery)
}

// Dispatcher takes facts and delivers them in the background, in order for
// each channel.
type Dispatcher struct {
	config  Config
	workers map[string]*worker
	cancel  context.CancelFunc
	done    sync.WaitGroup

	mu     sync.Mutex
	memory map[string]*memory // of each channel
}

// errUndelivered is why a fact was not sent when there was no time left.
var errUndelivered = errors.New("there was no time left to send it")

// errLeftOut is why a fact was not sent when too many waited.
var errLeftOut = errors.New("too many messages are waiting for this channel")

// Start makes a dispatcher. It works until Close, or until ctx ends.
func Start(ctx context.Context, c Config) *Dispatcher {
	if c.Clock == nil {
		c.Clock = systemClock{}
	}
	if c.Report == nil {
		c.Report = func(Delivery) {}
	}
	ctx, cancel := context.WithCancel(ctx)
	d := &Dispatcher{config: c, workers: map[string]*worker{}, cancel: cancel, memory: map[string]*memory{}}
	for _, channel := range c.Channels {
		w := &worker{channel: channel, config: c, queue: newQueue(), bucket: newBucket(channel.PerMinute, c.Clock.Now())}
		w.lost = func(f event.Fact) { d.forget(channel.Name, f) }
		d.workers[channel.Name], d.memory[channel.Name] = w, &memory{}
		d.done.Go(func() { w.run(ctx) })
	}
	return d
}

// Tell takes a fact, decides who hears of it, and returns at once.
func (d *Dispatcher) Tell(f event.Fact) {
	if f.Time.IsZero() {
		f.Time = d.config.Clock.Now()
	}
	f.Severity = cmp.Or(f.Severity, f.Kind.Severity())
	for _, name := range Channels(d.config.Routes, f) {
		w, ok := d.workers[name]
		if !ok || d.heard(name, f) {
			continue
		}
		if dropped, full := w.queue.add(f); full {
			w.report(dropped, 0, 0, errLeftOut)
		}
	}
}

// heard reports whether the channel was told just that.
func (d *Dispatcher) heard(channel string, f event.Fact) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.memory[channel].again(f, d.config.Clock.Now())
}

// forget lets a fact be told again that did not get through.
func (d *Dispatcher) forget(channel string, f event.Fact) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.memory[channel].forget(f)
}

// Close takes no more facts, and waits until all are delivered or ctx ends.
// What was not delivered by then is reported as such.
func (d *Dispatcher) Close(ctx context.Context) {
	for _, w := range d.workers {
		w.queue.close()
	}
	finished := make(chan struct{})
	go func() {
		d.done.Wait()
		close(finished)
	}()
	select {
	case <-finished:
	case <-ctx.Done():
		d.cancel()
		<-finished
	}
	d.cancel()
}
