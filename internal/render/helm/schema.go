package helm

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	chart "helm.sh/helm/v4/pkg/chart/v2"

	"github.com/tugops/tug/internal/fault"
)

// schemaURL names the schema inside the validator. A scheme of its own keeps
// relative references away from the local disk.
const schemaURL = "chart:///values.schema.json"

// validate checks the merged values against the schema of every chart, with
// the rules of Helm but without its loader: that one fetches http references
// and reads file references from the local disk.
func (r *run) validate(values map[string]any) error {
	problems, err := r.violations(r.chart, values)
	if err != nil {
		return err
	}
	if len(problems) == 0 {
		return nil
	}
	return fault.New(fault.Invalid, "values do not fit values.schema.json:\n%s", strings.Join(problems, "\n")).
		Hint("see values.schema.json of the chart for what is allowed")
}

func (r *run) violations(c *chart.Chart, values map[string]any) ([]string, error) {
	var problems []string
	if c.Schema != nil {
		found, err := violationsOf(c.Schema, values)
		if err != nil {
			return nil, fault.New(fault.Invalid, "values.schema.json of %s: %w", c.ChartFullPath(), err)
		}
		for _, p := range found {
			problems = append(problems, "  "+c.ChartFullPath()+": "+p)
		}
	}
	for _, d := range c.Dependencies() {
		raw, ok := values[d.Name()]
		if !ok || raw == nil {
			continue
		}
		below, ok := asMap(raw)
		if !ok {
			problems = append(problems, fmt.Sprintf("  %s: values are %T where a map is needed", d.ChartFullPath(), raw))
			continue
		}
		found, err := r.violations(d, below)
		if err != nil {
			return nil, err
		}
		problems = append(problems, found...)
	}
	return problems, nil
}

// violationsOf checks values against one schema. The error is about the schema
// itself. The validator panics over some schemas that refer to themselves.
func violationsOf(schema []byte, values map[string]any) (problems []string, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("cannot be used: %v", p)
		}
	}()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(closedLoader{})
	if err := compiler.AddResource(schemaURL, doc); err != nil {
		return nil, err
	}
	compiled, err := compiler.Compile(schemaURL)
	if err != nil {
		return nil, unwrapRefusal(err)
	}
	err = compiled.Validate(values)
	invalid, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return nil, err
	}
	return leaves(invalid), nil
}

// leaves lists the violations without the validator's frame lines.
func leaves(e *jsonschema.ValidationError) []string {
	text := strings.Split(e.Error(), "\n")
	var lines []string
	for _, l := range text {
		l = strings.TrimPrefix(strings.TrimSpace(l), "- ")
		if l == "" || strings.HasPrefix(l, "jsonschema validation failed") {
			continue
		}
		lines = append(lines, l)
	}
	return lines
}

// closedLoader refuses every schema outside the chart. urn references pass as
// "anything", as in Helm.
type closedLoader struct{}

func (closedLoader) Load(url string) (any, error) {
	if strings.HasPrefix(url, "urn:") {
		return true, nil
	}
	return nil, fault.New(fault.Invalid, "it refers to %s, which is outside the chart", url).
		Hint("a render reads nothing from the network; copy the definitions into values.schema.json")
}

func unwrapRefusal(err error) error {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	return err
}

// asMap accepts plain maps and Helm's named map type.
func asMap(v any) (map[string]any, bool) {
	switch m := v.(type) {
	case map[string]any:
		return m, true
	case interface{ AsMap() map[string]any }:
		return m.AsMap(), true
	}
	return nil, false
}
