package schema

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tugops/tug/internal/check/problem"
)

// mapKeys refuses two items with the same keys in a list that is a map: a
// server-side apply fails on it, and a client-side one keeps the last.
func (w *walk) mapKeys(at problem.Path, n *node, list []any) {
	items, err := w.version.resolve(n.Items)
	if err != nil {
		w.err = err
		return
	}
	seen := map[string]int{}
	for i, item := range list {
		m, ok := item.(map[string]any)
		if !ok {
			continue
		}
		id, text, ok := keysOf(n.MapKeys, items, m)
		if !ok {
			continue
		}
		if first, twice := seen[id]; twice {
			w.add(problem.New(RuleDuplicate, at.At(i), "%s is there twice, at %s and here", text, at.At(first)).
				WithHint("remove or rename one of them: an item is known by its %s", strings.Join(n.MapKeys, " and ")))
			continue
		}
		seen[id] = i
	}
}

// keysOf is the identity of an item, with the defaults of keys that are left
// out, and its text for people.
func keysOf(keys []string, items *node, m map[string]any) (id, text string, ok bool) {
	var ids, texts []string
	for _, key := range keys {
		v, there := m[key]
		if !there || v == nil {
			if p := items.Properties[key]; p != nil {
				v = p.Default
			}
		} else {
			texts = append(texts, fmt.Sprintf("%s %v", key, v))
		}
		data, err := json.Marshal(v)
		if err != nil {
			return "", "", false
		}
		ids = append(ids, string(data))
	}
	return strings.Join(ids, " "), strings.Join(texts, ", "), len(texts) > 0
}

func (w *walk) set(at problem.Path, list []any) {
	seen := map[string]int{}
	for i, item := range list {
		data, err := json.Marshal(item)
		if err != nil {
			continue
		}
		if first, twice := seen[string(data)]; twice {
			w.add(problem.New(RuleDuplicate, at.At(i), "%s is there twice, at %s and here", data, at.At(first)).
				WithHint("remove one of them"))
			continue
		}
		seen[string(data)] = i
	}
}

// joined lists words, the first 12 of them.
func joined(words []string) string {
	if len(words) > 12 {
		return strings.Join(words[:12], ", ") + ", …"
	}
	return strings.Join(words, ", ")
}

// last is the last step of a path, for messages.
func last(at problem.Path) string {
	if len(at) == 0 {
		return "the object"
	}
	return problem.Path{at[len(at)-1]}.String()
}
