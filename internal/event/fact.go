package event

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"github.com/tugops/tug/internal/object"
)

// Kind says what happened to an app as a whole: what notifications, commit
// statuses and Kubernetes Events are made of. (Type, beside it, is about the
// steps of one deploy.)
type Kind string

// The kinds of facts.
const (
	KindDeployed      Kind = "deployed"       // a release was applied, ready and verified
	KindFailed        Kind = "failed"         // a deploy failed; Cause says why
	KindBlocked       Kind = "blocked"        // a plan waits for consent to Plan, or for a window
	KindDriftDetected Kind = "drift-detected" // drift that is reported and left, as the policy says
	KindDriftHealed   Kind = "drift-healed"   // drift that was put back
	KindFighting      Kind = "fighting"       // a heal was undone again and again; the agent stopped healing
	KindDegraded      Kind = "degraded"       // an app that was ready no longer is; Cause says why
	KindRecovered     Kind = "recovered"      // what failed, fought, was blocked or degraded is as it should be again
	KindRolledBack    Kind = "rolled-back"    // a failed release was replaced by the last healthy one
	KindQuarantined   Kind = "quarantined"    // a commit is not deployed again until a newer one or consent
	KindPruned        Kind = "pruned"         // objects, or the whole app, were deleted since they are gone from the repository
	KindDeleted       Kind = "deleted"        // a person deleted the app
	KindSuspended     Kind = "suspended"      // a person took the app from the agent
	KindResumed       Kind = "resumed"        // the agent has the app again
	KindSourceFailed  Kind = "source-failed"  // a repository cannot be read, or its commit is not trusted
	KindSourceReady   Kind = "source-ready"   // it can be read again
)

// Kinds are all kinds of facts, in the order in which they are documented.
func Kinds() []Kind {
	return []Kind{
		KindDeployed, KindFailed, KindBlocked, KindDriftDetected, KindDriftHealed, KindFighting, KindDegraded,
		KindRecovered, KindRolledBack, KindQuarantined, KindPruned, KindDeleted, KindSuspended, KindResumed,
		KindSourceFailed, KindSourceReady,
	}
}

// Severity says how much a fact matters to a person.
type Severity string

// The severities, rising.
const (
	SeverityInfo    Severity = "info"
	SeverityWarning Severity = "warning"
	SeverityError   Severity = "error"
)

// AtLeast reports whether s matters as much as other, or more.
func (s Severity) AtLeast(other Severity) bool {
	order := []Severity{SeverityInfo, SeverityWarning, SeverityError}
	return slices.Index(order, s) >= slices.Index(order, other)
}

// Severity is the usual one of a kind.
func (k Kind) Severity() Severity {
	switch k {
	case KindFailed, KindDegraded, KindFighting, KindRolledBack, KindSourceFailed:
		return SeverityError
	case KindBlocked, KindDriftDetected, KindDriftHealed, KindQuarantined, KindSuspended:
		return SeverityWarning
	default:
		return SeverityInfo
	}
}

// Who deploys.
const (
	ByAgent = "agent" // the agent in the cluster
	ByPush  = "push"  // tug deploy, in a pipeline or by hand
)

// Fact is one thing that happened to an app, or to a repository (then App is
// empty). It holds no secret: whoever makes one masks Message, Cause and the
// values of fields first.
type Fact struct {
	Time     time.Time `json:"time"`
	Kind     Kind      `json:"kind"`
	Severity Severity  `json:"severity"`
	// App, Env and Namespace name the app, Cluster what people call its cluster.
	App       string `json:"app,omitempty"`
	Env       string `json:"env,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	Cluster   string `json:"cluster,omitempty"`
	// By is ByAgent or ByPush, Identity the user name as the cluster sees it.
	By       string `json:"by,omitempty"`
	Identity string `json:"identity,omitempty"`
	// Repository is its URL without credentials, Ref a branch or tag, Commit a
	// full hash, Subject the first line of its message.
	Repository string `json:"repository,omitempty"`
	Ref        string `json:"ref,omitempty"`
	Commit     string `json:"commit,omitempty"`
	Subject    string `json:"subject,omitempty"`
	// Release is the number of the release that was recorded; 0 for none.
	Release int `json:"release,omitempty"`
	// Plan is the hash of the plan: what consent names.
	Plan string `json:"plan,omitempty"`
	// Changes counts what was done: "3 created, 1 updated, 0 deleted".
	Changes string        `json:"changes,omitempty"`
	Took    time.Duration `json:"took,omitempty"` // nanoseconds
	// Objects are those that the fact is about.
	Objects []Touched `json:"objects,omitempty"`
	// Message is one sentence for people, Cause what lies behind it, in lines:
	// an error, pod events, the last lines of a log.
	Message string `json:"message"`
	Cause   string `json:"cause,omitempty"`
}

// Touched is one object of a fact, and for drift who changed it and how.
type Touched struct {
	Ref object.Ref `json:"ref"`
	// Action is what was done about it: "update", "create", "delete",
	// "re-own"; "" for nothing.
	Action string `json:"action,omitempty"`
	// Manager, Operation and Subresource are those of the entry in
	// managedFields, At its time: what can be known of who wrote
	// (cluster-semantics.md 4.6). Empty where nothing is known, as for deletes.
	Manager     string    `json:"manager,omitempty"`
	Operation   string    `json:"operation,omitempty"`
	Subresource string    `json:"subresource,omitempty"`
	At          time.Time `json:"at,omitzero"`
	Fields      []Altered `json:"fields,omitempty"`
}

// Altered is one field: From is what was found, To what the repository
// declares. Either is nil where the field is absent. Values of Secrets are
// masked.
type Altered struct {
	Path    string `json:"path"`
	From    any    `json:"from,omitempty"`
	To      any    `json:"to,omitempty"`
	Manager string `json:"manager,omitempty"`
}

// Key is the identity of what a fact says: two facts with one key say the same
// at different times, and need telling once.
func (f Fact) Key() string {
	said := f
	said.Time, said.Took, said.Release = time.Time{}, 0, 0
	said.Objects = slices.Clone(f.Objects)
	slices.SortFunc(said.Objects, func(a, b Touched) int { return a.Ref.Compare(b.Ref) })
	for i := range said.Objects {
		said.Objects[i].At = time.Time{}
	}
	data, err := json.Marshal(said)
	if err != nil {
		data = []byte(string(f.Kind) + "\n" + f.App + "\n" + f.Namespace + "\n" + f.Message)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// Facts are told to whoever wants them. It is called from several
// goroutines and must be quick. A nil Facts drops them.
type Facts func(Fact)

// Tell passes f on, with the usual severity of its kind where it has none.
func (t Facts) Tell(f Fact) {
	if t == nil {
		return
	}
	f.Severity = cmp.Or(f.Severity, f.Kind.Severity())
	t(f)
}
