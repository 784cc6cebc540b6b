package cli

import (
	"encoding/json"
	"io"
	"sync"

	"github.com/tugops/tug/internal/event"
)

// jsonLines shows progress as one JSON object per event, for programs that
// read stderr.
type jsonLines struct {
	mu  sync.Mutex
	enc *json.Encoder
}

func newJSONLines(w io.Writer) *jsonLines {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return &jsonLines{enc: enc}
}

// Event implements progress.
func (l *jsonLines) Event(ev event.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.enc.Encode(ev) //nolint:errcheck // a lost progress line must not fail the work
}

// Close implements progress.
func (l *jsonLines) Close() {}
