package plan

import "strings"

// path leads to one value of an object: field names, and for items of lists
// elements like "[name=web]", `[3]`. A field name that has a dot or a bracket
// is an element in quotes when it is shown: `metadata.labels["a.b/c"]`.
type path []string

// with is p and more elements, in memory of its own.
func (p path) with(more ...string) path {
	out := make(path, 0, len(p)+len(more))
	return append(append(out, p...), more...)
}

// String is the form that people and JSON get.
func (p path) String() string {
	var b strings.Builder
	for i, e := range p {
		switch {
		case strings.HasPrefix(e, "["):
			b.WriteString(e)
		case strings.ContainsAny(e, `./[]"`) || e == "":
			b.WriteString(`["` + strings.ReplaceAll(e, `"`, `\"`) + `"]`)
		default:
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(e)
		}
	}
	return b.String()
}

// under reports whether p is at or below the fields prefix.
func (p path) under(prefix ...string) bool {
	if len(p) < len(prefix) {
		return false
	}
	for i, e := range prefix {
		if p[i] != e {
			return false
		}
	}
	return true
}
