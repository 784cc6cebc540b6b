package project

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var (
	templateExp = regexp.MustCompile(`\{\{\s*\.([A-Za-z]+)\s*\}\}`)
	bracesExp   = regexp.MustCompile(`\{\{.*?(?:\}\}|$)`)
)

// variables are what templates may name.
func variables() []string { return []string{"app", "cluster", "env", "namespace"} }

// checkTemplate says what is wrong with the templates in text.
func (p *Project) checkTemplate(text string) (wrong, hint string) {
	for _, m := range bracesExp.FindAllString(text, -1) {
		name := templateExp.FindStringSubmatch(m)
		if name == nil || !slices.Contains(variables(), name[1]) {
			return fmt.Sprintf("unknown template %s", m), "templates are {{.env}}, {{.app}}, {{.namespace}} and {{.cluster}}"
		}
		if len(p.Environments) == 0 && (name[1] == "env" || name[1] == "cluster") {
			return fmt.Sprintf("template %s without environments", m), "add environments to the file, or write the path out"
		}
	}
	return "", ""
}

// fill puts the values of s into the templates of text, which checkTemplate
// passed. missing names a variable that has no value.
func (s *Spec) fill(text string) (filled, missing string) {
	if !strings.Contains(text, "{{") {
		return text, ""
	}
	filled = templateExp.ReplaceAllStringFunc(text, func(m string) string {
		name := templateExp.FindStringSubmatch(m)[1]
		value := map[string]string{"app": s.App, "cluster": s.Cluster, "env": s.Env, "namespace": s.Namespace}[name]
		if value == "" {
			missing = name
		}
		return value
	})
	return filled, missing
}
