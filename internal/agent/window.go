package agent

import (
	"slices"
	"time"
)

// Windows are when new commits may be deployed: in any of them. No windows
// mean always.
type Windows []Window

// Window is a span of time of some days of the week. One that ends before it
// begins reaches into the next day.
type Window struct {
	Days []time.Weekday // none for all
	From time.Duration  // since midnight
	To   time.Duration
	Zone *time.Location // UTC when nil
}

// searched is how many days ahead an opening is looked for.
const searched = 8

// Open reports whether t is in a window, and if not when the next one opens
// (zero when none does).
func (ws Windows) Open(t time.Time) (open bool, next time.Time) {
	if len(ws) == 0 {
		return true, time.Time{}
	}
	for _, w := range ws {
		// From yesterday on: that window may reach into today.
		for day := -1; day < searched; day++ {
			from, to, ok := w.on(t, day)
			switch {
			case !ok || !to.After(t):
				continue
			case !from.After(t):
				return true, time.Time{}
			case next.IsZero() || from.Before(next):
				next = from
			}
			break
		}
	}
	return false, next
}

// on is the window of a day, counted from that of t.
func (w Window) on(t time.Time, day int) (from, to time.Time, ok bool) {
	zone := w.Zone
	if zone == nil {
		zone = time.UTC
	}
	local := t.In(zone)
	at := func(day int, since time.Duration) time.Time {
		// Hours and minutes of the clock on the wall, also on days that are
		// longer or shorter.
		minutes := int(since / time.Minute)
		return time.Date(local.Year(), local.Month(), local.Day()+day, minutes/60, minutes%60, 0, 0, zone)
	}
	if len(w.Days) > 0 && !slices.Contains(w.Days, at(day, 0).Weekday()) {
		return from, to, false
	}
	from, to = at(day, w.From), at(day, w.To)
	if w.To <= w.From {
		to = at(day+1, w.To)
	}
	return from, to, true
}
