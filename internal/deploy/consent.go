package deploy

import (
	"fmt"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/inventory"
	"github.com/tugops/tug/internal/plan"
)

// consentTrailer is the commit trailer by which a commit consents to a plan.
const consentTrailer = "Tug-Consent"

// allowed checks everything that can forbid the execution of a plan without a
// look at the cluster.
func (p *Prepared) allowed(o Options) error {
	// An app that is already as it should be needs no plan: a run over several
	// apps that failed half-way can be repeated with the same plan file.
	if o.ExpectHash != "" && o.ExpectHash != p.Plan.Hash && !p.Unchanged() {
		return fault.New(fault.Conflict, "the plan is no longer the one that was reviewed: its hash is %s, not %s", p.Plan.Hash, o.ExpectHash).
			Hint("the repository or the cluster changed since; plan again and review the new plan")
	}
	if err := p.controlled(o); err != nil {
		return err
	}
	if p.consented(o) {
		return nil
	}
	if p.abandoned != nil && !p.abandoned.Prune {
		return p.abandoned.needsConsent(p.Plan.Hash)
	}
	// A delete by name is asked for, and lists what else it destroys.
	if p.ByName() {
		return p.needsTenantsConsent()
	}
	if len(p.Plan.Brakes) == 0 {
		return nil
	}
	reasons := make([]string, len(p.Plan.Brakes))
	for i, b := range p.Plan.Brakes {
		reasons[i] = listed(b)
	}
	return fault.New(fault.Denied, "this plan needs consent: %s", strings.Join(reasons, "; ")).
		Hint("if this is what you want: --consent %s", p.Plan.Hash).
		Hint("or put the trailer `%s: %s` into the commit message", consentTrailer, p.Plan.Hash)
}

// consented reports consent to exactly this plan: by option, by annotation on
// the head, or by a trailer of the commit (cluster-semantics.md 7.1).
func (p *Prepared) consented(o Options) bool {
	if o.Consent == p.Plan.Hash {
		return true
	}
	if p.Record != nil && p.Record.Head.Annotations[inventory.AnnotationConsent] == p.Plan.Hash {
		return true
	}
	if p.Snapshot == nil {
		return false
	}
	for _, line := range p.Snapshot.Revision.Trailers {
		key, value, ok := strings.Cut(line, ":")
		if ok && strings.EqualFold(strings.TrimSpace(key), consentTrailer) && strings.TrimSpace(value) == p.Plan.Hash {
			return true
		}
	}
	return false
}

// shownRefs is how many objects of a brake are named.
const shownRefs = 10

// listed is the reason of a brake and the objects it is about.
func listed(b plan.Brake) string {
	lines := []string{b.Reason}
	for _, ref := range b.Refs[:min(len(b.Refs), shownRefs)] {
		lines = append(lines, ref.String())
	}
	if more := len(b.Refs) - shownRefs; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "\n    ")
}

// Allowed checks, as Execute does first, everything that forbids the execution
// of a plan without a look at the cluster: Denied asks for consent, Conflict
// says that somebody else is responsible, or that the plan is another one.
func (p *Prepared) Allowed(o Options) error { return p.allowed(o) }
