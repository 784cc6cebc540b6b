package rest

import (
	"net/http"
	"strconv"
	"time"
)

// secondaryPause is what GitHub asks for when a secondary limit says nothing.
const secondaryPause = time.Minute

// rateLimit reports whether an answer is that of a rate limit, and how long to
// wait. 403 is one when its headers say so, or when it links the page about
// limits: by its code alone it is a refusal.
func rateLimit(r *http.Response, documented bool, now time.Time) (time.Duration, bool) {
	if r.StatusCode != http.StatusTooManyRequests && r.StatusCode != http.StatusForbidden {
		return 0, false
	}
	if wait := after(r, now); wait > 0 {
		return wait, true
	}
	if first(r, "X-RateLimit-Remaining", "RateLimit-Remaining") == "0" {
		if wait := reset(r, now); wait > 0 {
			return wait, true
		}
		return secondaryPause, true
	}
	if r.StatusCode == http.StatusTooManyRequests {
		return 0, true
	}
	return secondaryPause, documented
}

// after is Retry-After: seconds, or a date.
func after(r *http.Response, now time.Time) time.Duration {
	text := r.Header.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil {
		return bounded(time.Duration(seconds) * time.Second)
	}
	if at, err := http.ParseTime(text); err == nil {
		return bounded(at.Sub(now))
	}
	return 0
}

// reset is the time until a limit is over, given as Unix time.
func reset(r *http.Response, now time.Time) time.Duration {
	seconds, err := strconv.ParseInt(first(r, "X-RateLimit-Reset", "RateLimit-Reset"), 10, 64)
	if err != nil {
		return 0
	}
	return bounded(time.Unix(seconds, 0).Sub(now) + time.Second)
}

// bounded keeps what a server says from overflowing a sum.
func bounded(d time.Duration) time.Duration { return min(max(d, 0), 24*time.Hour) }

func first(r *http.Response, names ...string) string {
	for _, n := range names {
		if v := r.Header.Get(n); v != "" {
			return v
		}
	}
	return ""
}
