package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/object"
)

// keepAlive is how often a silent stream says that it is there.
const keepAlive = 15 * time.Second

// patience is how long a reader may take for one event.
const patience = 10 * time.Second

// events streams facts (text/event-stream) from now on, or from the one after
// Last-Event-ID. Of facts about objects only those that the caller may get are
// told; facts about repositories go to nobody here, since no right in a
// cluster stands for them.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	c, ctx := s.caller(r), r.Context()
	if _, err := c.sees(ctx, r.URL.Query().Get("namespace")); err != nil {
		s.refuse(w, err) // before the stream begins
		return
	}
	id := s.config.Feed.Newest()
	if last, err := strconv.ParseUint(r.Header.Get("Last-Event-ID"), 10, 64); err == nil {
		id = last
	}
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	if _, err := fmt.Fprint(w, ": tug\n\n"); err != nil || out.Flush() != nil {
		return
	}
	alive, again := time.NewTicker(keepAlive), time.NewTicker(s.config.Recheck)
	defer alive.Stop()
	defer again.Stop()
	for {
		facts, first, more := s.config.Feed.After(id)
		for i, f := range facts {
			id = first + uint64(i)
			if err := s.sendFact(ctx, w, out, c, r, id, f); err != nil {
				return
			}
		}
		select {
		case <-more:
		case <-again.C:
			clear(c.known) // rights may be gone, and the token may have ended
			if _, err := c.sees(ctx, r.URL.Query().Get("namespace")); err != nil {
				return
			}
		case <-alive.C:
			_ = out.SetWriteDeadline(time.Now().Add(patience))
			if _, err := fmt.Fprint(w, ":\n\n"); err != nil || out.Flush() != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// sendFact sends a fact that the caller asked for and may see.
func (s *Server) sendFact(ctx context.Context, w http.ResponseWriter, out *http.ResponseController, c *caller, r *http.Request, id uint64, f event.Fact) error {
	q := r.URL.Query()
	if f.App == "" || q.Get("namespace") != "" && q.Get("namespace") != f.Namespace || q.Get("app") != "" && q.Get("app") != f.App {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	if ok, err := c.sees(ctx, f.Namespace); err != nil || !ok {
		return err
	}
	var err error
	if f.Objects, _, err = filter(ctx, c, f.Objects, func(t event.Touched) object.Ref { return t.Ref }); err != nil {
		return err
	}
	data, err := json.Marshal(f)
	if err != nil {
		return err
	}
	_ = out.SetWriteDeadline(time.Now().Add(patience))
	if _, err := fmt.Fprintf(w, "id: %d\nevent: %s\ndata: %s\n\n", id, f.Kind, data); err != nil {
		return err
	}
	return out.Flush()
}
