package service

import (
	"context"
	"strings"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/notify"
	"github.com/tugops/tug/internal/object"
)

// Happening is a Kubernetes Event.
type Happening struct {
	// About is the object; its Kind is empty for the app's record.
	About          object.Ref
	App, Namespace string
	// Warning says that something is wrong.
	Warning bool
	// Reason is one word: DriftHealed. Note has 1,024 bytes at most.
	Reason, Note string
	// Key is the same for a repetition of the same message.
	Key string
}

// Events write Kubernetes Events.
type Events interface {
	Record(ctx context.Context, h Happening) error
}

// events shows facts in the cluster, where kubectl finds them.
type events struct{ cluster Events }

var _ notify.Notifier = (*events)(nil)

func newEvents(cluster Events) (*events, error) {
	if cluster == nil {
		return nil, fault.New(fault.Invalid, "%s: there is no cluster here to write to", TypeEvents)
	}
	return &events{cluster}, nil
}

// Send implements notify.Notifier. A fact about no app in particular has no
// object that it could stand at, and is passed over.
func (e *events) Send(ctx context.Context, m notify.Message) error {
	if m.Fact.App == "" || m.Fact.Namespace == "" {
		return nil
	}
	text := m.Title
	if m.Text != "" {
		text += "\n" + m.Text
	}
	var about object.Ref
	if len(m.Fact.Objects) == 1 {
		about = m.Fact.Objects[0].Ref
	}
	return passing(e.cluster.Record(ctx, Happening{
		About: about, App: m.Fact.App, Namespace: m.Fact.Namespace,
		Warning: m.Fact.Severity != event.SeverityInfo, Reason: reason(m.Fact.Kind), Note: clip(text, 1024), Key: m.ID,
	}))
}

// reason is the kind as one word in upper camel case.
func reason(k event.Kind) string {
	var b strings.Builder
	for part := range strings.SplitSeq(string(k), "-") {
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return b.String()
}
