package object

import "encoding/json"

// Numbers gives fields that were decoded from JSON with UseNumber the shapes
// that Fields documents: int64 where a number is one, else its text. It works
// in place.
func Numbers(fields map[string]any) map[string]any {
	for k, v := range fields {
		fields[k] = numbers(v)
	}
	return fields
}

func numbers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		return Numbers(v)
	case []any:
		for i, item := range v {
			v[i] = numbers(item)
		}
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
	}
	return v
}
