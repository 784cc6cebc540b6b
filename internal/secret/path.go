package secret

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/getsops/sops/v3"

	"github.com/tugops/tug/internal/fault"
)

// Path is the way to a value: keys of maps (string) and places in lists (int).
type Path []any

// ParsePath reads stringData.password, a.b[0].c, data["tls.key"] and the form
// of sops, ["a"]["b"][0].
func ParsePath(text string) (Path, error) {
	var p Path
	rest := text
	for rest != "" {
		var err error
		if rest[0] == '[' {
			rest, err = p.bracket(rest)
		} else {
			rest, err = p.word(rest, len(p) > 0)
		}
		if err != nil {
			return nil, fault.New(fault.Usage, "path %q: %w", text, err).
				Hint(`write stringData.password, list[0].name or data["tls.key"]`)
		}
	}
	if len(p) == 0 {
		return nil, fault.New(fault.Usage, "the path is empty").Hint(`write stringData.password, list[0].name or data["tls.key"]`)
	}
	return p, nil
}

// bracket reads [0] or ["key"].
func (p *Path) bracket(rest string) (string, error) {
	if len(rest) > 1 && (rest[1] == '"' || rest[1] == '\'') {
		end := strings.Index(rest[2:], string(rest[1])+"]")
		if end < 0 {
			return "", fmt.Errorf("%s does not end", rest)
		}
		*p = append(*p, rest[2:2+end])
		return rest[2+end+2:], nil
	}
	inner, after, ok := strings.Cut(rest[1:], "]")
	n, err := strconv.Atoi(inner)
	if !ok || err != nil || n < 0 {
		return "", fmt.Errorf("%s is no place in a list", rest)
	}
	*p = append(*p, n)
	return after, nil
}

// word reads a key up to the next dot or bracket; a backslash takes the next
// character as it is.
func (p *Path) word(rest string, dotted bool) (string, error) {
	if dotted {
		if rest[0] != '.' {
			return "", fmt.Errorf("a dot or bracket is missing before %s", rest)
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
		return "", fmt.Errorf("a key is empty")
	}
	*p = append(*p, key.String())
	return rest[i:], nil
}

// String is the path as ParsePath reads it.
func (p Path) String() string {
	var b strings.Builder
	for _, step := range p {
		switch step := step.(type) {
		case int:
			fmt.Fprintf(&b, "[%d]", step)
		case string:
			switch {
			case strings.Contains(step, `"]`):
				b.WriteString("['" + step + "']")
			case step == "" || strings.ContainsAny(step, ".[]\\\"' "):
				b.WriteString(`["` + step + `"]`)
			case b.Len() > 0:
				b.WriteString("." + step)
			default:
				b.WriteString(step)
			}
		}
	}
	return b.String()
}

// get finds a value.
func (p Path) get(v any) (any, bool) {
	for _, step := range p {
		switch step := step.(type) {
		case string:
			branch, ok := v.(sops.TreeBranch)
			at := find(branch, step)
			if !ok || at < 0 {
				return nil, false
			}
			v = branch[at].Value
		case int:
			list, ok := v.([]any)
			at := nth(list, step)
			if !ok || at < 0 {
				return nil, false
			}
			v = list[at]
		}
	}
	return v, true
}

// put sets a value, and makes the maps on the way. A list grows by one at most.
func (p Path) put(v, value any) (any, error) {
	if len(p) == 0 {
		return value, nil
	}
	switch step := p[0].(type) {
	case string:
		branch, ok := v.(sops.TreeBranch)
		if !ok && v != nil {
			return nil, fmt.Errorf("%s is under something that is no map", p)
		}
		at := find(branch, step)
		if at < 0 {
			at = len(branch)
			branch = append(branch, sops.TreeItem{Key: step})
		}
		next, err := p[1:].put(branch[at].Value, value)
		branch[at].Value = next
		return branch, err
	case int:
		list, ok := v.([]any)
		if !ok && v != nil {
			return nil, fmt.Errorf("%s is in something that is no list", p)
		}
		at := nth(list, step)
		if at < 0 {
			if step != count(list) {
				return nil, fmt.Errorf("the list has %d items; the next one is [%d]", count(list), count(list))
			}
			at = len(list)
			list = append(list, nil)
		}
		next, err := p[1:].put(list[at], value)
		list[at] = next
		return list, err
	}
	return nil, fmt.Errorf("an unknown step")
}

// drop removes a value.
func (p Path) drop(v any) (any, bool) {
	switch step := p[0].(type) {
	case string:
		branch, _ := v.(sops.TreeBranch)
		at := find(branch, step)
		if at < 0 {
			return v, false
		}
		if len(p) == 1 {
			return append(branch[:at:at], branch[at+1:]...), true
		}
		next, ok := p[1:].drop(branch[at].Value)
		branch[at].Value = next
		return branch, ok
	case int:
		list, _ := v.([]any)
		at := nth(list, step)
		if at < 0 {
			return v, false
		}
		if len(p) == 1 {
			return append(list[:at:at], list[at+1:]...), true
		}
		next, ok := p[1:].drop(list[at])
		list[at] = next
		return list, ok
	}
	return v, false
}

func find(branch sops.TreeBranch, key string) int {
	for i, item := range branch {
		if item.Key == key {
			return i
		}
	}
	return -1
}

// nth is the place of the nth item of a list, comments not counted, or -1.
func nth(list []any, n int) int {
	for i, v := range list {
		if _, comment := v.(sops.Comment); comment {
			continue
		}
		if n == 0 {
			return i
		}
		n--
	}
	return -1
}

func count(list []any) int {
	n := 0
	for _, v := range list {
		if _, comment := v.(sops.Comment); !comment {
			n++
		}
	}
	return n
}
