package problem

import (
	"slices"
	"strconv"
	"strings"
)

// Path leads to a field: strings are keys of maps, ints places in lists.
type Path []any

// At gives the path to something below p. It never shares memory with p.
func (p Path) At(steps ...any) Path { return append(slices.Clip(p), steps...) }

// String is how people write a path: spec.containers[0].image, with keys that
// are no plain words in brackets: metadata.annotations["example.com/a"].
func (p Path) String() string {
	var b strings.Builder
	for _, step := range p {
		switch s := step.(type) {
		case int:
			b.WriteString("[" + strconv.Itoa(s) + "]")
		case string:
			if !plainKey(s) {
				b.WriteString("[" + strconv.Quote(s) + "]")
				continue
			}
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s)
		}
	}
	return b.String()
}

func plainKey(s string) bool {
	for _, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !letter && r != '-' && r != '_' && r != '$' {
			return false
		}
	}
	return s != ""
}

// ParsePath reads a path as Kubernetes writes it: spec.list[0].map[key].
func ParsePath(text string) Path {
	var p Path
	for text != "" {
		switch text[0] {
		case '.':
			text = text[1:]
		case '[':
			var step any
			step, text = bracketed(text)
			p = append(p, step)
		default:
			end := strings.IndexAny(text, ".[")
			if end < 0 {
				end = len(text)
			}
			p = append(p, text[:end])
			text = text[end:]
		}
	}
	return p
}

// bracketed takes "[0]", "[key]" or `["key"]` off the front of a text.
func bracketed(text string) (step any, rest string) {
	if quoted, err := strconv.QuotedPrefix(text[1:]); err == nil {
		key, _ := strconv.Unquote(quoted)
		return key, strings.TrimPrefix(text[1+len(quoted):], "]")
	}
	key, rest, _ := strings.Cut(text[1:], "]")
	if n, err := strconv.ParseUint(key, 10, 31); err == nil {
		return int(n), rest
	}
	return key, rest
}

// Get gives the value at p below v, or false.
func (p Path) Get(v any) (any, bool) {
	for _, step := range p {
		switch s := step.(type) {
		case string:
			m, ok := v.(map[string]any)
			if !ok {
				return nil, false
			}
			if v, ok = m[s]; !ok {
				return nil, false
			}
		case int:
			l, ok := v.([]any)
			if !ok || s < 0 || s >= len(l) {
				return nil, false
			}
			v = l[s]
		}
	}
	return v, true
}

// Stable is p with places in lists replaced by the name of the element where
// it has one, so that it still leads there when an element is put in front.
func (p Path) Stable(v any) string {
	named := make(Path, 0, len(p))
	for i, step := range p {
		n, isPlace := step.(int)
		if !isPlace {
			named = append(named, step)
			continue
		}
		element, _ := p[:i+1].Get(v)
		m, _ := element.(map[string]any)
		if name, ok := m["name"].(string); ok && name != "" {
			named = append(named, "name="+name)
			continue
		}
		named = append(named, n)
	}
	return named.String()
}
