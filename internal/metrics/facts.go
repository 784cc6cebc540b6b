package metrics

import (
	"runtime"
	"time"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/notify"
)

// Fact counts what happened; it is an event.Facts.
func (a *Agent) Fact(f event.Fact) {
	app := []string{f.App, f.Env, f.Namespace}
	switch f.Kind {
	case event.KindDeployed:
		a.Deploys.Add(1, append(app, "deployed")...)
		a.DeployTime.Observe(f.Took.Seconds())
		a.AppRelease.Set(float64(f.Release), app...)
		a.AppDeployed.Set(float64(f.Time.Unix()), app...)
		a.AppReady.Set(1, app...)
	case event.KindFailed, event.KindBlocked, event.KindRolledBack:
		a.Deploys.Add(1, append(app, string(f.Kind))...)
	case event.KindDriftHealed:
		a.Heals.Add(1, app...)
		if at := edited(f); !at.IsZero() && f.Time.After(at) {
			a.HealTime.Observe(f.Time.Sub(at).Seconds())
		}
	case event.KindDriftDetected:
		a.AppDrift.Set(float64(len(f.Objects)), app...)
	case event.KindFighting:
		a.Fights.Add(1, append(app, manager(f))...)
	case event.KindDegraded:
		a.AppReady.Set(0, app...)
	case event.KindRecovered:
		a.AppReady.Set(1, app...)
	case event.KindSuspended, event.KindResumed:
		a.AppSuspended.Set(truth(f.Kind == event.KindSuspended), app...)
	case event.KindSourceFailed, event.KindSourceReady:
		a.SourceReady.Set(truth(f.Kind == event.KindSourceReady), f.Repository)
	case event.KindDeleted:
		a.Drop(map[string]string{"app": f.App, "environment": f.Env, "namespace": f.Namespace})
	}
}

// edited is the time of the latest edit that a fact is about.
func edited(f event.Fact) time.Time {
	var at time.Time
	for _, t := range f.Objects {
		if t.At.After(at) {
			at = t.At
		}
	}
	return at
}

// manager is the first that a fact names.
func manager(f event.Fact) string {
	for _, t := range f.Objects {
		if t.Manager != "" {
			return t.Manager
		}
	}
	return "unknown"
}

// Delivered counts what became of a message.
func (a *Agent) Delivered(d notify.Delivery) {
	a.Notifications.Add(1, d.Channel, result(d.Err))
	if d.Err == nil {
		a.NotifyTime.Observe(d.Took.Seconds(), d.Channel)
	}
}

// Measure sets the gauges that describe the process; it is called before a
// scrape.
func (a *Agent) Measure() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	a.HeapBytes.Set(float64(m.HeapInuse))
	a.Goroutines.Set(float64(runtime.NumGoroutine()))
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func result(err error) string {
	if err == nil {
		return "sent"
	}
	return "failed"
}
