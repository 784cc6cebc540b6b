package service

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// pause finds in the body of an answer how long to wait; nil looks at the
// header alone.
type pause func(body []byte) time.Duration

// of is the longer of what header and body say.
func (p pause) of(a answer, now func() time.Time) time.Duration {
	after := retryAfter(a.wait, now())
	if p != nil {
		after = max(after, p(a.body))
	}
	return after
}

// retryAfter reads the header: seconds, or a date (RFC 9110, 10.2.3).
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds > 0 && seconds < 1e6 {
		return time.Duration(seconds * float64(time.Second))
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

// discordPause reads retry_after, in seconds.
func discordPause(body []byte) time.Duration {
	var answer struct {
		RetryAfter float64 `json:"retry_after"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.RetryAfter < 0 || answer.RetryAfter > 1e6 {
		return 0
	}
	return time.Duration(answer.RetryAfter * float64(time.Second))
}

// telegramPause reads parameters.retry_after, in seconds.
func telegramPause(body []byte) time.Duration {
	var answer struct {
		Parameters struct {
			RetryAfter int `json:"retry_after"`
		} `json:"parameters"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return 0
	}
	return max(time.Duration(answer.Parameters.RetryAfter)*time.Second, 0)
}

// matrixPause reads retry_after_ms.
func matrixPause(body []byte) time.Duration {
	var answer struct {
		RetryAfterMS int `json:"retry_after_ms"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return 0
	}
	return max(time.Duration(answer.RetryAfterMS)*time.Millisecond, 0)
}
