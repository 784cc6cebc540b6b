package fault

// Kind classifies a fault. Kinds are as fine as callers need to decide on; the
// exit code is a coarser view of them.
type Kind string

// The kinds.
const (
	// Internal is an error without a fault: I/O or a bug.
	Internal Kind = "internal"
	// Usage is a wrong flag or argument.
	Usage Kind = "usage"
	// Invalid is bad input: a file, chart, object or lock that cannot be used.
	Invalid Kind = "invalid"
	// NotFound is something that is named but does not exist.
	NotFound Kind = "not-found"
	// Exists is something that must not exist yet but does.
	Exists Kind = "exists"
	// Gone is an API (group, version, kind) that the cluster does not serve.
	Gone Kind = "gone"
	// Immutable is a change to a field that the API server never changes.
	Immutable Kind = "immutable"
	// Unavailable is a service that does not answer or says "later".
	Unavailable Kind = "unavailable"
	// Pending means that changes are pending (plan --exit-code).
	Pending Kind = "pending"
	// Denied means that the identity may not do that.
	Denied Kind = "denied"
	// Findings means that checks found something.
	Findings Kind = "findings"
	// NotReady means that something did not become ready in time.
	NotReady Kind = "not-ready"
	// Conflict means that somebody else owns, holds or changed it.
	Conflict Kind = "conflict"
	// Interrupted means that the user or the system stopped the work.
	Interrupted Kind = "interrupted"
)

// ExitCode is the process exit code of a kind (design.md section 3).
func (k Kind) ExitCode() int {
	switch k {
	case Usage:
		return 2
	case Pending:
		return 3
	case Denied:
		return 4
	case Findings:
		return 5
	case NotReady:
		return 6
	case Conflict, Exists:
		return 7
	case Interrupted:
		return 130
	default:
		return 1
	}
}
