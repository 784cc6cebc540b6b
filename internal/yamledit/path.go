package yamledit

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tugops/tug/internal/fault"
)

// Path is the way to a value in a document.
type Path []Step

// Step is one of a key of a map, a place in a list (from 0), and the item of a
// list whose field has a value.
type Step struct {
	Key          string
	Index        int
	Field, Value string
	Kind         StepKind
}

// StepKind says which fields of a Step count.
type StepKind int

// The kinds.
const (
	Key    StepKind = iota // Key
	Index                  // Index
	Select                 // Field, Value
)

// Keys is a path of keys alone.
func Keys(names ...string) Path {
	p := make(Path, len(names))
	for i, n := range names {
		p[i] = Step{Key: n}
	}
	return p
}

// Item appends the item of a list whose field has a value.
func (p Path) Item(field, value string) Path {
	return append(p[:len(p):len(p)], Step{Kind: Select, Field: field, Value: value})
}

// At appends a place in a list.
func (p Path) At(index int) Path {
	return append(p[:len(p):len(p)], Step{Kind: Index, Index: index})
}

// Child appends a key.
func (p Path) Child(key string) Path {
	return append(p[:len(p):len(p)], Step{Key: key})
}

const pathHint = `write image.tag, list[0].name, images[name=shop].newTag or data["tls.key"]`

// ParsePath reads image.tag, list[0].name, images[name=shop].newTag and
// data["tls.key"]; a backslash takes the next character of a key as it is.
func ParsePath(text string) (Path, error) {
	var p Path
	for rest := text; rest != ""; {
		var s Step
		var err error
		if rest[0] == '[' {
			s, rest, err = bracket(rest)
		} else {
			s, rest, err = word(rest, len(p) > 0)
		}
		if err != nil {
			return nil, fault.New(fault.Usage, "path %q: %w", text, err).Hint(pathHint)
		}
		p = append(p, s)
	}
	if len(p) == 0 {
		return nil, fault.New(fault.Usage, "the path is empty").Hint(pathHint)
	}
	return p, nil
}

// bracket reads ["key"], [0] and [field=value].
func bracket(rest string) (Step, string, error) {
	if strings.HasPrefix(rest, `["`) {
		quoted, err := strconv.QuotedPrefix(rest[1:])
		after, ok := strings.CutPrefix(rest[min(1+len(quoted), len(rest)):], "]")
		if err != nil || !ok {
			return Step{}, "", fmt.Errorf("%s does not end", rest)
		}
		key, err := strconv.Unquote(quoted)
		return Step{Key: key}, after, err
	}
	inner, after, ok := strings.Cut(rest[1:], "]")
	if !ok {
		return Step{}, "", fmt.Errorf("%s does not end", rest)
	}
	if field, value, ok := strings.Cut(inner, "="); ok && field != "" {
		return Step{Kind: Select, Field: field, Value: value}, after, nil
	}
	n, err := strconv.Atoi(inner)
	if err != nil || n < 0 {
		return Step{}, "", fmt.Errorf("[%s] is neither a place in a list nor field=value", inner)
	}
	return Step{Kind: Index, Index: n}, after, nil
}

// word reads a key up to the next dot or bracket.
func word(rest string, dotted bool) (Step, string, error) {
	if dotted {
		if rest[0] != '.' {
			return Step{}, "", fmt.Errorf("a dot or bracket is missing before %s", rest)
		}
		rest = rest[1:]
	}
	var key strings.Builder
	i := 0
	for ; i < len(rest) && rest[i] != '.' && rest[i] != '['; i++ {
		if rest[i] == '\\' && i+1 < len(rest) {
			i++
		}
		key.WriteByte(rest[i])
	}
	if key.Len() == 0 {
		return Step{}, "", fmt.Errorf("a key is empty")
	}
	return Step{Key: key.String()}, rest[i:], nil
}

// String is the path as ParsePath reads it.
func (p Path) String() string {
	var b strings.Builder
	for _, s := range p {
		switch {
		case s.Kind == Index:
			fmt.Fprintf(&b, "[%d]", s.Index)
		case s.Kind == Select:
			fmt.Fprintf(&b, "[%s=%s]", s.Field, s.Value)
		case s.Key == "" || strings.ContainsAny(s.Key, ".[]\\\"\r\n\t "):
			fmt.Fprintf(&b, "[%q]", s.Key)
		case b.Len() > 0:
			b.WriteString("." + s.Key)
		default:
			b.WriteString(s.Key)
		}
	}
	return b.String()
}
