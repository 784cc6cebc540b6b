package deploy

import (
	"context"
	"encoding/base64"
	"strings"

	"github.com/tugops/tug/internal/event"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/object"
	"github.com/tugops/tug/internal/plan"
	"github.com/tugops/tug/internal/snapshot"
)

// scrubbed is a sink behind which no secret of the app is seen: log lines of
// pods and answers of webhooks may repeat them.
func scrubbed(sink event.Sink, p *Prepared) event.Sink {
	if sink == nil {
		return nil
	}
	secrets := secretsOf(p)
	return func(ev event.Event) {
		ev.Message = secrets.Mask(ev.Message)
		sink(ev)
	}
}

// scrubError is err with another text, if that held a secret.
func scrubError(err error, p *Prepared) error {
	if err == nil {
		return nil
	}
	text := secretsOf(p).Mask(err.Error())
	if text == err.Error() {
		return err
	}
	return textError{err, text}
}

// textError is an error that is shown as another text; its faults and hints
// stay.
type textError struct {
	err  error
	text string
}

func (e textError) Error() string { return e.text }
func (e textError) Unwrap() error { return e.err }

// scrub masks secrets and cuts what is too long to be kept.
func scrub(text string, p *Prepared) string {
	text = secretsOf(p).Mask(text)
	if len(text) > maxErrorText {
		text = strings.ToValidUTF8(text[:maxErrorText], "") + " ..."
	}
	return text
}

// secretsOf are the values of what p is about, and of what was deployed before:
// those of Secrets, and what was decrypted. A plan shows values of Secrets in
// other objects, if there are any; foreign text does not.
func secretsOf(p *Prepared) *object.Sensitive {
	all := &object.Sensitive{}
	for _, s := range []*snapshot.Snapshot{p.Snapshot, p.before} {
		if s == nil {
			continue
		}
		all = all.Join(s.Sensitive)
		for _, o := range s.Objects {
			if o.Closed() {
				addValues(all, o)
			}
		}
	}
	return all
}

// Notes is the rendered NOTES.txt of what is to run, without secrets; "" for a
// delete and for what has none.
func (p *Prepared) Notes() string {
	if p.Deleting || p.Snapshot == nil {
		return ""
	}
	return secretsOf(p).Mask(strings.TrimSpace(p.Snapshot.Notes))
}

// addValues adds the values of a closed object, and what they are base64 of.
func addValues(s *object.Sensitive, o *object.Object) {
	for _, block := range []string{"data", "stringData", "binaryData"} {
		data, _ := o.Fields[block].(map[string]any)
		for _, v := range data {
			text, _ := v.(string)
			s.Value(text)
			if plain, err := base64.StdEncoding.DecodeString(text); err == nil {
				s.Value(string(plain))
			}
		}
	}
}

// hideDeployed masks what was sensitive in the last release in the differences
// of a plan: the render knows nothing of the value that a changed or removed
// secret had. It costs reading that release, only where one held secrets and
// the plan shows values.
func (e *Engine) hideDeployed(ctx context.Context, p *Prepared) error {
	if p.Record == nil || !p.Record.Head.Sensitive || !p.Plan.Discloses() {
		return nil
	}
	hide := plan.Sensitive{Now: p.Snapshot.Sensitive}
	before, err := readSnapshot(ctx, e.store(p.input.Namespace, p.input.App), newest(&p.Record.Head))
	switch {
	case inventory.Damaged(err):
		hide.Unknown = true
	case err != nil || before == nil:
		return err
	default:
		p.before, hide.Before = before, before.Sensitive
		hide.Deployed = placedIn(p.input.Namespace, before.Objects)
	}
	p.Plan.Hide(hide)
	return nil
}

// placedIn are objects under the names that a plan may know them by: those
// without a namespace are in the app's, or cluster-scoped.
func placedIn(namespace string, objects []*object.Object) []*object.Object {
	var out []*object.Object
	for _, o := range objects {
		out = append(out, o)
		if o.Namespace() == "" {
			placed := o.Copy()
			placed.SetNamespace(namespace)
			out = append(out, placed)
		}
	}
	return out
}

// Scrub masks the secrets of what p is about in a text.
func (p *Prepared) Scrub(text string) string { return scrub(text, p) }
