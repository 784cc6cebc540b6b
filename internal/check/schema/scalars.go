package schema

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/tugops/tug/internal/check/problem"
	"github.com/tugops/tug/internal/fault"
)

// special validates the types whose JSON is not that of their schema.
func (w *walk) special(at problem.Path, n *node, v any) bool {
	switch {
	case n.name == "io.k8s.apimachinery.pkg.api.resource.Quantity":
		w.quantity(at, v)
	case n.Format == "int-or-string":
		if _, isText := v.(string); !isText && !whole(v) {
			w.add(wrongType(at, "a number or text", v))
		}
	default:
		return false
	}
	return true
}

func (w *walk) quantity(at problem.Path, v any) {
	text, isText := v.(string)
	if !isText {
		f, ok := number(v)
		if !ok {
			w.add(wrongType(at, "a quantity", v).WithHint(`write text like "100m", "0.5" or "128Mi"`))
			return
		}
		text = strconv.FormatFloat(f, 'f', -1, 64)
	}
	if _, err := resource.ParseQuantity(text); err != nil {
		w.add(problem.New(RuleValue, at, "%q is no quantity", text).
			WithHint(`a number with a unit: "100m" or "0.5" of a CPU, "128Mi" or "1Gi" of memory`))
	}
}

func (w *walk) text(at problem.Path, outer, n *node, v any, required bool) {
	s, ok := v.(string)
	if !ok {
		w.add(wrongType(at, "text", v).WithHint("put the value into quotes (in a template: the function quote)"))
		return
	}
	enum := n.Enum
	if enum == nil {
		enum = outer.Enum
	}
	if enum != nil && (s != "" || required) && !slices.Contains(enum, s) {
		w.enum(at, enum, s)
	}
	switch n.Format {
	case "byte":
		if _, err := base64.StdEncoding.DecodeString(s); err != nil {
			// The value may be a secret: it is not shown.
			w.add(problem.New(RuleValue, at, "the value is not base64").WithHint("encode it, or put plain text under stringData"))
		}
	case "date-time":
		if _, err := time.Parse(time.RFC3339Nano, s); err != nil {
			w.add(problem.New(RuleValue, at, "%q is no time", s).WithHint("write it like 2006-01-02T15:04:05Z"))
		}
	}
}

func (w *walk) enum(at problem.Path, enum []string, s string) {
	p := problem.New(RuleValue, at, "%s cannot be %q", last(at), s)
	if near := fault.Nearest(s, enum, 1); len(near) > 0 {
		p = p.WithHint("did you mean %q? It is one of: %s", near[0], joined(enum))
	} else {
		p = p.WithHint("it is one of: %s", joined(enum))
	}
	w.add(p)
}

func (w *walk) integer(at problem.Path, n *node, v any) {
	if !whole(v) {
		w.add(wrongType(at, "a whole number", v))
		return
	}
	f, _ := number(v)
	if n.Format == "int32" && (f > math.MaxInt32 || f < math.MinInt32) || math.Abs(f) > math.MaxInt64 {
		w.add(problem.New(RuleValue, at, "%v is out of range", v))
	}
}

// number reads a number of any of the types that objects hold.
func number(v any) (float64, bool) {
	switch t := v.(type) {
	case int64:
		return float64(t), true
	case float64:
		return t, true
	case json.Number:
		f, err := t.Float64()
		return f, err == nil
	}
	return 0, false
}

func whole(v any) bool {
	f, ok := number(v)
	return ok && f == math.Trunc(f)
}

func wrongType(at problem.Path, want string, v any) problem.Problem {
	return problem.New(RuleType, at, "%s is %s where %s is needed", last(at), describe(v), want)
}

// describe says what a value is. Numbers and booleans are shown, since there is
// a wrong type to see; text is not, since it may be a secret.
func describe(v any) string {
	switch t := v.(type) {
	case string:
		return "text"
	case bool, int64, float64, json.Number:
		return fmt.Sprint(t)
	case []any:
		return "a list"
	case map[string]any:
		return "a map"
	}
	return "null"
}
