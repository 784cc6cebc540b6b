package check

import (
	"slices"
	"strings"

	"github.com/tugops/tug/internal/check/problem"
	"github.com/tugops/tug/internal/check/schema"
	"github.com/tugops/tug/internal/check/score"
)

// Rule is one thing that is looked for.
type Rule struct {
	ID string `json:"id"`
	// Severity by default.
	Severity problem.Severity `json:"severity"`
	// Optional rules look only where they are switched on.
	Optional bool   `json:"optional,omitempty"`
	Title    string `json:"title"`
	// Group orders the rules in the documentation.
	Group string `json:"group"`
}

// IDs of the rules of this package.
const (
	RuleRender        = "render-failed"
	RuleSchemaMissing = "schema-missing"
	RuleAPIRemoved    = "api-removed"
	RuleAPIUnknown    = "api-unknown"
	RuleAPIDeprecated = "api-deprecated"
	RuleDuplicateObj  = "object-duplicate"
	RuleDuplicateName = "name-duplicate"
	RuleDuplicatePort = "port-duplicate"
	RuleVolume        = "volume-unknown"
	RuleMetadata      = "metadata-invalid"
	RuleSelector      = "selector-mismatch"
	RuleNoMatch       = "selector-no-match"
	RuleReference     = "reference-missing"
	RuleReferenceKey  = "reference-key"
	RuleResources     = "resources-invalid"
	RuleField         = "field-invalid"
	RuleCron          = "cron-invalid"
	RuleSecretPlain   = "secret-plain"
	RuleLockConflict  = "image-lock-conflict"
	RuleUnpinned      = "image-unpinned"
	RuleRandom        = "random-value"
	RuleException     = "exception-expired"
	RuleUnused        = "exception-unused"
)

// Rules are all rules, in the order of the documentation.
func Rules() []Rule {
	rules := slices.Concat(sourceRules(), schemaRules(), objectRules())
	for _, c := range score.Checks() {
		if c.ID == "stable-version" || c.ID == "label-values" {
			continue // aliases, see aliases
		}
		rules = append(rules, Rule{ID: c.ID, Severity: scoreSeverity(c), Optional: c.Optional, Title: c.Title, Group: "kube-score"})
	}
	return rules
}

func sourceRules() []Rule {
	const group = "Source"
	return []Rule{
		{RuleRender, problem.Error, false, "An app can be rendered", group},
		{RuleSecretPlain, problem.Error, false, "No Secret is in the repository in plain text", group},
		{RuleLockConflict, problem.Error, false, "Image locks agree with each other", group},
		{RuleUnpinned, problem.Warning, false, "Images have a lock or a digest", group},
		{RuleRandom, problem.Warning, false, "No value is made up anew with every render", group},
		{RuleException, problem.Warning, false, "No exception of the configuration has expired", group},
		{RuleUnused, problem.Info, false, "Every exception of the configuration is still needed", group},
	}
}

func schemaRules() []Rule {
	const group = "Schema"
	return []Rule{
		{schema.RuleUnknownField, problem.Error, false, "Every field is one that the kind has", group},
		{schema.RuleType, problem.Error, false, "Every value has the type of its field", group},
		{schema.RuleRequired, problem.Error, false, "No field is missing that the kind needs", group},
		{schema.RuleValue, problem.Error, false, "Values are of those that the field takes", group},
		{schema.RuleDuplicate, problem.Error, false, "Items of a list that is a map or a set differ", group},
		{schema.RuleCRD, problem.Error, false, "A CustomResourceDefinition is one that a server accepts", group},
		{schema.RuleCEL, problem.Error, false, "A custom resource follows the CEL rules of its definition", group},
		{RuleSchemaMissing, problem.Info, false, "The schema of every kind is known", group},
		{RuleAPIRemoved, problem.Error, false, "The Kubernetes version serves the API version", group},
		{RuleAPIUnknown, problem.Error, false, "The API version and kind exist", group},
		{RuleAPIDeprecated, problem.Warning, false, "The API version is not about to go away", group},
	}
}

func objectRules() []Rule {
	const group = "Objects"
	return []Rule{
		{RuleDuplicateObj, problem.Error, false, "No object is declared by two apps of an environment", group},
		{RuleDuplicateName, problem.Error, false, "Containers, volumes and ports have names of their own", group},
		{RuleDuplicatePort, problem.Error, false, "No port is taken twice", group},
		{RuleVolume, problem.Error, false, "Containers mount volumes that the pod has", group},
		{RuleMetadata, problem.Error, false, "Names, labels and annotations are valid", group},
		{RuleSelector, problem.Error, false, "A workload selects its own pods", group},
		{RuleNoMatch, problem.Warning, false, "Selectors and targets find something", group},
		{RuleReference, problem.Warning, false, "What is referred to is declared in the environment", group},
		{RuleReferenceKey, problem.Error, false, "Keys that are referred to are in the ConfigMap or Secret", group},
		{RuleResources, problem.Error, false, "Requests are not above limits", group},
		{RuleField, problem.Error, false, "Fields are valid together, as an API server demands", group},
		{RuleCron, problem.Error, false, "Schedules and time zones of CronJobs are valid", group},
	}
}

// scoreSeverity is the severity of the worst grade of a check.
func scoreSeverity(c score.Check) problem.Severity {
	switch {
	case c.Refused:
		return problem.Error
	case c.Mild:
		return problem.Info
	}
	return problem.Warning
}

// aliases are kube-score's IDs of checks that a rule of tug's own covers; they
// are understood wherever a rule is named.
func aliases(id string) string {
	switch id {
	case "stable-version":
		return RuleAPIDeprecated
	case "label-values":
		return RuleMetadata
	}
	return id
}

// ruleIDs are all IDs, aliases included.
func ruleIDs() []string {
	ids := []string{"stable-version", "label-values"}
	for _, r := range Rules() {
		ids = append(ids, r.ID)
	}
	return ids
}

// RuleIDs are all IDs that a rule can be named by, kube-score's included.
func RuleIDs() []string { return ruleIDs() }

// splitRules reads a list of rule IDs as annotations and comments have it.
func splitRules(list string) []string {
	var ids []string
	for _, id := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }) {
		ids = append(ids, aliases(id))
	}
	return ids
}
