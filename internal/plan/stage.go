package plan

import "fmt"

// Stage is a barrier group: all changes of a stage are done before the next
// one starts. Within a deploy the order is the order of the constants;
// deletions run after everything is applied and ready, in reverse.
type Stage int

// The stages (cluster-semantics.md 8.1 and 8.2).
const (
	// StageDefinitions: Namespaces and CustomResourceDefinitions. The barrier
	// waits until CRDs are established and Namespaces active.
	StageDefinitions Stage = iota
	// StagePreHooks: Helm pre-install or pre-upgrade hooks, by weight; each
	// weight waits until its hooks completed.
	StagePreHooks
	// StageConfig: RBAC, service accounts, config, secrets, storage, quotas,
	// limits, priority and other classes.
	StageConfig
	// StageWorkloads: services, workloads and every other built-in kind.
	StageWorkloads
	// StageCustom: custom resources.
	StageCustom
	// StageLate: webhook configurations and APIServices.
	StageLate
	// StageWait: nothing is applied; everything applied must become ready.
	StageWait
	// StagePostHooks: Helm post-install or post-upgrade hooks.
	StagePostHooks
	// StagePrune: deletions, in reverse order of the stages above.
	StagePrune
	// StagePostDelete: Helm post-delete hooks, after everything is gone.
	StagePostDelete
)

// String is the name people are shown for the phase.
func (s Stage) String() string {
	switch s {
	case StageDefinitions:
		return "namespaces and definitions"
	case StagePreHooks:
		return "pre hooks"
	case StageConfig:
		return "configuration"
	case StageWorkloads:
		return "workloads"
	case StageCustom:
		return "custom resources"
	case StageLate:
		return "webhooks"
	case StageWait:
		return "wait"
	case StagePostHooks:
		return "post hooks"
	case StagePrune:
		return "prune"
	case StagePostDelete:
		return "post-delete hooks"
	}
	return "unknown"
}

// MarshalText writes the name, so that JSON does not depend on the number.
func (s Stage) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *Stage) UnmarshalText(text []byte) error {
	for stage := StageDefinitions; stage <= StagePostDelete; stage++ {
		if stage.String() == string(text) {
			*s = stage
			return nil
		}
	}
	return fmt.Errorf("unknown stage %q", text)
}
