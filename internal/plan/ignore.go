package plan

import (
	"encoding/json"
	"fmt"
	glob "path"
	"slices"
	"strconv"
	"strings"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// Policy says what becomes of drift (cluster-semantics.md section 4).
type Policy string

// The policies.
const (
	// PolicyOwned puts back what the repository declares; additions by others
	// stay. It is the default.
	PolicyOwned Policy = ""
	// PolicyStrict is PolicyOwned and removes what persons added: fields that
	// only managers like kubectl own. What controllers, webhooks and sidecar
	// injectors added stays.
	PolicyStrict Policy = "strict"
	// PolicyDetect reports drift and leaves it (Plan.Drift). Changes of the
	// repository are applied as always.
	PolicyDetect Policy = "detect"
)

// Ignore names fields that are left to others: a path and a matcher. A field
// that another manager owns is not sent any more; until there is one, the live
// value is sent, so that giving the field up never resets it
// (cluster-semantics.md 4.3 and 4.4).
type Ignore struct {
	// Group, Kind, Namespace and Name select objects; each is a pattern of
	// path.Match, and empty for any.
	Group, Kind, Namespace, Name string
	// Path is the field and all below it, in the form of Field.Path:
	// `spec.replicas`, `metadata.annotations["a.b/c"]`,
	// `spec.template.spec.containers[name=web].image`.
	Path string
}

// Check reports a rule that cannot be read.
func (i Ignore) Check() error {
	for _, pattern := range []string{i.Group, i.Kind, i.Namespace, i.Name} {
		if _, err := glob.Match(pattern, ""); err != nil {
			return fault.New(fault.Invalid, "ignore rule: pattern %q: %w", pattern, err).Hint("see path.Match of Go: *, ?, [a-z]")
		}
	}
	_, err := pathKeys(i.Path)
	return err
}

func (i Ignore) matches(ref object.Ref) bool {
	for _, m := range [][2]string{{i.Group, ref.Group}, {i.Kind, ref.Kind}, {i.Namespace, ref.Namespace}, {i.Name, ref.Name}} {
		if ok, err := glob.Match(m[0], m[1]); m[0] != "" && (err != nil || !ok) {
			return false
		}
	}
	return true
}

// pathKeys turns a path into the keys of a field set.
func pathKeys(text string) ([]string, error) {
	bad := func(why string) error {
		return fault.New(fault.Invalid, "ignore rule: path %q: %s", text, why).
			Hint(`write it as a plan shows it: spec.replicas, metadata.annotations["a.b/c"], spec.template.spec.containers[name=web].image`)
	}
	var keys []string
	for rest := text; rest != ""; {
		if rest[0] != '[' {
			end := strings.IndexAny(rest, ".[")
			if end < 0 {
				end = len(rest)
			}
			if end == 0 {
				return nil, bad("an element is empty")
			}
			keys, rest = append(keys, "f:"+rest[:end]), strings.TrimPrefix(rest[end:], ".")
			continue
		}
		key, after, err := bracket(rest)
		if err != nil {
			return nil, bad(err.Error())
		}
		keys, rest = append(keys, key), strings.TrimPrefix(after, ".")
	}
	if len(keys) == 0 {
		return nil, bad("it is empty")
	}
	return keys, nil
}

// bracket reads one element in brackets: a field name in quotes, or the keys
// of a list item.
func bracket(text string) (key, rest string, err error) {
	if strings.HasPrefix(text, `["`) {
		quoted, err := strconv.QuotedPrefix(text[1:])
		if err != nil {
			return "", "", fmt.Errorf("a quote is not closed")
		}
		name, err := strconv.Unquote(quoted)
		rest, closed := strings.CutPrefix(text[1+len(quoted):], "]")
		if err != nil || !closed {
			return "", "", fmt.Errorf("a bracket is not closed")
		}
		return "f:" + name, rest, nil
	}
	body, rest, closed := strings.Cut(text[1:], "]")
	if !closed {
		return "", "", fmt.Errorf("a bracket is not closed")
	}
	item := map[string]any{}
	for pair := range strings.SplitSeq(body, ",") {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return "", "", fmt.Errorf("[%s] does not name an item by key=value", body)
		}
		item[name] = value
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			item[name] = n
		}
	}
	data, err := json.Marshal(item)
	return "k:" + string(data), rest, err
}

// ignored are the fields of an object that rules leave to others.
func (c *computer) ignored(ref object.Ref) [][]string {
	var out [][]string
	for _, rule := range c.in.Ignore {
		if keys, err := pathKeys(rule.Path); err == nil && rule.matches(ref) {
			out = append(out, keys)
		}
	}
	return out
}

// giveUp takes ignored fields that others own out of what is sent and out of
// the entry that it would give, and puts the live value into the others.
func giveUp(o, live *object.Object, is fieldSet, before []owner, ignored [][]string) (*object.Object, fieldSet) {
	if len(ignored) == 0 {
		return o, is
	}
	o = o.Copy()
	for _, keys := range is.leaves() {
		if !below(keys, ignored) || namesItem(keys) {
			continue
		}
		theirs := slices.ContainsFunc(before, func(w owner) bool { return !w.mine() && w.fields.has(keys) })
		parent := follow(o.Fields, keys[:len(keys)-1])
		name, plain := strings.CutPrefix(keys[len(keys)-1], "f:")
		if parent == nil || !plain {
			continue
		}
		if theirs {
			delete(parent, name)
			is = is.without(keys)
			continue
		}
		if from := follow(live.Fields, keys[:len(keys)-1]); from != nil && from[name] != nil {
			parent[name] = from[name]
		}
	}
	return o, is
}

// below reports whether keys is at or below one of the prefixes.
func below(keys []string, prefixes [][]string) bool {
	return slices.ContainsFunc(prefixes, func(p []string) bool {
		return len(keys) >= len(p) && slices.Equal(keys[:len(p)], p)
	})
}

// namesItem reports whether the last of keys is a field that names the list
// item it stands in; without it the item could not be found.
func namesItem(keys []string) bool {
	if len(keys) < 2 {
		return false
	}
	item, isItem := strings.CutPrefix(keys[len(keys)-2], "k:")
	var names map[string]any
	if !isItem || json.Unmarshal([]byte(item), &names) != nil {
		return false
	}
	_, is := names[strings.TrimPrefix(keys[len(keys)-1], "f:")]
	return is
}

// follow goes down the keys of a field set; nil when there is no map there.
func follow(at map[string]any, keys []string) map[string]any {
	var v any = at
	for _, key := range keys {
		kind, body, _ := strings.Cut(key, ":")
		switch kind {
		case "f":
			m, _ := v.(map[string]any)
			v = m[body]
		case "k":
			v = itemOf(v, body)
		default:
			return nil
		}
	}
	m, _ := v.(map[string]any)
	return m
}

// itemOf finds the item of a list with the given keys. A key that the item
// does not have (a port's protocol, say) has its default.
func itemOf(v any, body string) any {
	var want map[string]any
	if json.Unmarshal([]byte(body), &want) != nil {
		return nil
	}
	for _, item := range items(v) {
		m, _ := item.(map[string]any)
		same := m != nil
		for k, w := range want {
			have, has := m[k]
			same = same && (!has || text(have) == text(w))
		}
		if same {
			return m
		}
	}
	return nil
}
