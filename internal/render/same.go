package render

import (
	"encoding/json"

	"github.com/tugops/tug/internal/object"
)

// Settle gives what a step over objects made of one: the object of before
// itself when the step left it alone, else the new one with its source.
func Settle(o, before *object.Object) *object.Object {
	if before == nil {
		return o
	}
	if same(o.Fields, before.Fields) {
		return before
	}
	o.Source = before.Source
	return o
}

// same compares two values. Tools write some numbers in another way (0.50 as
// 0.5); that changes nothing.
func same(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		m, ok := b.(map[string]any)
		if !ok || len(a) != len(m) {
			return false
		}
		for key, value := range a {
			if other, has := m[key]; !has || !same(value, other) {
				return false
			}
		}
		return true
	case []any:
		list, ok := b.([]any)
		if !ok || len(a) != len(list) {
			return false
		}
		for i := range a {
			if !same(a[i], list[i]) {
				return false
			}
		}
		return true
	case json.Number:
		return sameNumber(a, b)
	}
	if n, ok := b.(json.Number); ok {
		return sameNumber(n, a)
	}
	return a == b
}

// sameNumber compares a number that is kept as text. Those that an int64 holds
// are not.
func sameNumber(n json.Number, v any) bool {
	x, err := n.Float64()
	if err != nil {
		return n == v
	}
	switch v := v.(type) {
	case json.Number:
		y, err := v.Float64()
		return err == nil && x == y
	case float64:
		return x == v
	case int64:
		return x == float64(v)
	}
	return false
}
