package notify

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tugops/tug/internal/event"
)

// fake records what it is asked to send, and answers as told.
type fake struct {
	mu     sync.Mutex
	got    []Message
	at     []time.Time
	answer func(n int) error
}

func (f *fake) Send(ctx context.Context, m Message) error {
	f.mu.Lock()
	f.got, f.at = append(f.got, m), append(f.at, time.Now())
	n := len(f.got)
	f.mu.Unlock()
	if f.answer == nil {
		return nil
	}
	err := f.answer(n)
	if errors.Is(err, errHang) {
		<-ctx.Done()
		return &Retry{Err: ctx.Err()}
	}
	return err
}

func (f *fake) kinds() []event.Kind {
	f.mu.Lock()
	defer f.mu.Unlock()
	var kinds []event.Kind
	for _, m := range f.got {
		kinds = append(kinds, m.Fact.Kind)
	}
	return kinds
}

var errHang = errors.New("hang")

// deliveries collects reports.
type deliveries struct {
	mu  sync.Mutex
	all []Delivery
}

func (d *deliveries) add(one Delivery) { d.mu.Lock(); d.all = append(d.all, one); d.mu.Unlock() }

func start(t *testing.T, perMinute int, notifiers map[string]*fake) (*Dispatcher, *deliveries) {
	t.Helper()
	reports := &deliveries{}
	c := Config{Report: reports.add}
	for name, n := range notifiers {
		c.Channels = append(c.Channels, Channel{Name: name, Notifier: n, PerMinute: perMinute})
		c.Routes = append(c.Routes, Route{To: []string{name}})
	}
	return Start(t.Context(), c), reports
}

func note(k event.Kind, message string) event.Fact {
	return event.Fact{Kind: k, App: "shop", Env: "prod", Message: message}
}

func TestToldOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		d, _ := start(t, 1000, map[string]*fake{"a": f})
		for range 3 {
			d.Tell(note(event.KindDegraded, "x"))
		}
		d.Tell(note(event.KindDegraded, "y"))
		d.Tell(note(event.KindRecovered, ""))
		d.Tell(note(event.KindDegraded, "y"))
		time.Sleep(31 * time.Minute)
		d.Tell(note(event.KindDegraded, "y"))
		d.Close(t.Context())
		if diff := cmp.Diff([]event.Kind{event.KindDegraded, event.KindDegraded, event.KindRecovered, event.KindDegraded, event.KindDegraded}, f.kinds()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		f := &fake{answer: func(n int) error {
			switch n {
			case 1:
				return &Retry{After: 40 * time.Second, Err: errors.New("later")}
			case 2:
				return &Retry{Err: errors.New("broken")}
			case 3:
				return errHang
			}
			return nil
		}}
		d, reports := start(t, 0, map[string]*fake{"a": f})
		d.Tell(note(event.KindFailed, "x"))
		d.Tell(note(event.KindDeployed, "y"))
		d.Close(t.Context())
		var waits []time.Duration
		for _, at := range f.at {
			waits = append(waits, at.Sub(begin))
		}
		s := time.Second
		if diff := cmp.Diff([]time.Duration{0, 40 * s, 42 * s, 61 * s, 61 * s}, waits); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]event.Kind{event.KindFailed, event.KindFailed, event.KindFailed, event.KindFailed, event.KindDeployed}, f.kinds()); diff != "" {
			t.Error(diff)
		}
		if f.got[0].ID != f.got[3].ID || f.got[0].ID == f.got[4].ID {
			t.Error("IDs do not name deliveries")
		}
		if len(reports.all) != 2 || reports.all[0].Attempts != 4 || reports.all[0].Err != nil {
			t.Errorf("reports %+v", reports.all)
		}
	})
}

func TestGivesUp(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  error
		want int
	}{
		"final":     {errors.New("wrong token"), 1},
		"never":     {&Retry{Err: errors.New("down")}, attempts},
		"next year": {&Retry{After: 24 * time.Hour, Err: errors.New("later")}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fake{answer: func(int) error { return tc.err }}
				d, reports := start(t, 0, map[string]*fake{"a": f})
				d.Tell(note(event.KindDegraded, "x"))
				synctest.Wait()
				time.Sleep(time.Hour)
				d.Tell(note(event.KindDegraded, "x")) // it did not get through: it is said again
				d.Close(t.Context())
				if len(f.got) != 2*tc.want {
					t.Errorf("%d attempts, want twice %d", len(f.got), tc.want)
				}
				if len(reports.all) != 2 || !errors.Is(reports.all[0].Err, tc.err) {
					t.Errorf("reports %+v", reports.all)
				}
			})
		})
	}
}

func TestOneChannelDelaysNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow, quick := &fake{answer: func(int) error { return errHang }}, &fake{}
		d, reports := start(t, 0, map[string]*fake{"slow": slow, "quick": quick})
		begin := time.Now()
		d.Tell(note(event.KindDegraded, "x"))
		synctest.Wait()
		if len(quick.got) != 1 || time.Since(begin) != 0 {
			t.Error("the quick channel waited")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		d.Tell(note(event.KindFailed, "y"))
		d.Close(ctx)
		if took := time.Since(begin); took != 5*time.Second {
			t.Errorf("closed after %s, was given 5s", took)
		}
		var lost []string
		for _, r := range reports.all {
			if r.Err != nil {
				lost = append(lost, fmt.Sprint(r.Channel, r.Kind, errors.Is(r.Err, errUndelivered)))
			}
		}
		if diff := cmp.Diff([]string{"slowdegradedtrue", "slowfailedtrue"}, lost); diff != "" {
			t.Error(diff)
		}
		d.Tell(note(event.KindFailed, "after the end"))
	})
}

func TestFloodIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		d, reports := start(t, 10, map[string]*fake{"a": f})
		begin := time.Now()
		for i := range 500 {
			d.Tell(note(event.KindDriftHealed, fmt.Sprint(i)))
		}
		d.Tell(note(event.KindFailed, "this matters"))
		time.Sleep(time.Minute)
		if n := len(f.kinds()); n > burst+11 {
			t.Errorf("%d messages in the first minute", n)
		}
		d.Close(t.Context())
		if took := time.Since(begin); took > 15*time.Minute {
			t.Errorf("took %s", took)
		}
		count := map[event.Kind]int{}
		for _, k := range f.kinds() {
			count[k]++
		}
		if count[event.KindFailed] != 1 || count[KindLeftOut] != 1 || count[event.KindDriftHealed] > maxQueue+burst {
			t.Errorf("sent %v", count)
		}
		left := 0
		for _, r := range reports.all {
			if errors.Is(r.Err, errLeftOut) {
				left++
			}
		}
		if left+count[event.KindDriftHealed] != 500 {
			t.Errorf("%d left out, %d sent, of 500", left, count[event.KindDriftHealed])
		}
	})
}

func TestNotifierThatPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{answer: func(int) error { panic("secret value") }}
		d, reports := start(t, 0, map[string]*fake{"a": f})
		d.Tell(note(event.KindFailed, "x"))
		d.Close(t.Context())
		if len(reports.all) != 1 || reports.all[0].Err == nil || reports.all[0].Err.Error() != "the message could not be put together" {
			t.Errorf("reports %+v", reports.all)
		}
	})
}
