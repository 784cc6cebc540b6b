package notify

import "time"

// Defaults of the rate of a channel.
const (
	defaultPerMinute = 20
	burst            = 5
)

// bucket lets some messages through each minute, a few of them at once.
type bucket struct {
	perMinute int
	tokens    float64
	at        time.Time
}

func newBucket(perMinute int, now time.Time) *bucket {
	if perMinute <= 0 {
		perMinute = defaultPerMinute
	}
	b := &bucket{perMinute: perMinute, at: now}
	b.tokens = b.size()
	return b
}

func (b *bucket) size() float64 { return float64(min(burst, b.perMinute)) }

// take is how long to wait before the next message may go; at 0 it may, and is
// counted.
func (b *bucket) take(now time.Time) time.Duration {
	each := time.Minute / time.Duration(b.perMinute)
	if passed := now.Sub(b.at); passed > 0 {
		b.tokens = min(b.size(), b.tokens+float64(passed)/float64(each))
	}
	b.at = now
	if b.tokens >= 1 {
		b.tokens--
		return 0
	}
	return max(time.Duration((1-b.tokens)*float64(each)), time.Millisecond)
}
