package imagelock

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v2"

	"github.com/tugops/tug/internal/object"
)

// Encode writes objects as kbld does: "---" before each, keys sorted. The bytes
// are those of sigs.k8s.io/yaml, which goes through JSON and takes four times
// as long.
func Encode(objects []*object.Object) ([]byte, error) {
	var out bytes.Buffer
	for _, o := range objects {
		fields, _ := plainNumbers(o.Fields)
		data, err := yaml.Marshal(fields)
		if err != nil {
			return nil, fmt.Errorf("YAML of %s: %w", o.Source, err)
		}
		out.WriteString("---\n")
		out.Write(data)
	}
	return out.Bytes(), nil
}

// number is the value of a number as YAML would read its text.
func number(n json.Number) (any, bool) {
	if i, err := strconv.ParseInt(n.String(), 10, 64); err == nil {
		return i, true
	}
	if u, err := strconv.ParseUint(n.String(), 10, 64); err == nil {
		return u, true
	}
	f, err := n.Float64()
	return f, err == nil
}

// maxPlain is where JSON begins to write exponents.
const maxPlain = 1e21

// plainNumbers writes whole numbers without exponent, as JSON does. Maps and
// lists are copied where a number in them changes.
func plainNumbers(v any) (any, bool) {
	switch t := v.(type) {
	case map[string]any:
		changed := false
		for k, item := range t {
			n, ok := plainNumbers(item)
			if !ok {
				continue
			}
			if !changed {
				t, changed = maps.Clone(t), true
			}
			t[k] = n
		}
		return t, changed
	case []any:
		changed := false
		for i, item := range t {
			n, ok := plainNumbers(item)
			if !ok {
				continue
			}
			if !changed {
				t, changed = slices.Clone(t), true
			}
			t[i] = n
		}
		return t, changed
	case json.Number:
		return number(t)
	case float64:
		switch {
		case t != math.Trunc(t) || math.Abs(t) >= maxPlain:
		case t >= math.MinInt64 && t < math.MaxInt64:
			return int64(t), true
		case t > 0 && t < math.MaxUint64:
			return uint64(t), true
		}
	}
	return v, false
}
