package health

import (
	"encoding/json"

	"github.com/tugops/tug/internal/object"
)

// view reads fields of an object that may be absent or of another type: what
// cannot be read is zero.
type view struct{ o *object.Object }

func (v view) at(path ...string) any { return at(v.o.Fields, path...) }

func (v view) text(path ...string) string {
	s, _ := v.at(path...).(string)
	return s
}

func (v view) flag(path ...string) bool {
	b, _ := v.at(path...).(bool)
	return b
}

func (v view) list(path ...string) []any {
	l, _ := v.at(path...).([]any)
	return l
}

// number is an integer and whether it is there.
func (v view) number(path ...string) (int64, bool) { return number(v.at(path...)) }

// count is an integer of the status, 0 when absent.
func (v view) count(field string) int64 {
	n, _ := v.number("status", field)
	return n
}

// wanted is spec.replicas, which the server defaults to 1.
func (v view) wanted() int64 {
	if n, ok := v.number("spec", "replicas"); ok {
		return n
	}
	return 1
}

func (v view) generation() int64 {
	n, _ := v.number("metadata", "generation")
	return n
}

// observed reports whether a controller has seen the object at all.
func (v view) observed() bool {
	_, ok := v.number("status", "observedGeneration")
	return ok
}

// condition is one entry of status.conditions.
type condition struct {
	kind, status, reason, message string
	observed                      int64 // 0 when it does not say
}

func (c condition) because() string { return because(c.reason, c.message) }

func (v view) conditions() []condition {
	var out []condition
	for _, item := range v.list("status", "conditions") {
		m, ok := item.(map[string]any)
		if !ok {
			continue
		}
		c := condition{kind: word(m, "type"), status: word(m, "status"), reason: word(m, "reason"), message: word(m, "message")}
		c.observed, _ = number(m["observedGeneration"])
		out = append(out, c)
	}
	return out
}

// condition finds a condition by its type; zero when it is absent.
func (v view) condition(kind string) condition {
	for _, c := range v.conditions() {
		if c.kind == kind {
			return c
		}
	}
	return condition{}
}

func at(m map[string]any, path ...string) any {
	var value any = m
	for _, key := range path {
		inner, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = inner[key]
	}
	return value
}

func word(m map[string]any, path ...string) string {
	s, _ := at(m, path...).(string)
	return s
}

func number(value any) (int64, bool) {
	switch n := value.(type) {
	case int64:
		return n, true
	case int:
		return int64(n), true
	case float64:
		return int64(n), true
	case json.Number:
		i, err := n.Int64()
		return i, err == nil
	}
	return 0, false
}
