package imagelock

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// reference is an image reference that a rule found.
type reference struct {
	image string
	place string
	// runs tells that the place or a lock file says that this is an image
	// and not only a string that happens to stand under that key.
	runs bool
}

// searcher walks the values of one object and offers every image reference to
// visit, which returns what to write instead, or false to leave it.
type searcher struct {
	rules  []Rule
	visit  func(reference) (string, bool)
	at     place
	prefix string // where the text stands that is searched inside
}

// builtinRules come after those of the lock files, so that these can say what
// an image is not.
func builtinRules() []Rule {
	return []Rule{{Key: &Key{Name: "image"}, order: orderBuiltin}, {Key: &Key{Name: "reference"}, order: orderVolume}}
}

// value is v with all references in it replaced; true when it differs. Maps
// and lists are copied where something in them changes, and nowhere else.
func (s *searcher) value(v any) (any, bool) {
	switch t := v.(type) {
	case map[string]any:
		return s.mapping(t)
	case []any:
		return s.list(t)
	}
	return v, false
}

func (s *searcher) mapping(m map[string]any) (any, bool) {
	changed := false
	for k, v := range m {
		n, ok := s.child(Step{Name: k}, v)
		if !ok {
			continue
		}
		if !changed {
			m, changed = maps.Clone(m), true
		}
		m[k] = n
	}
	return m, changed
}

func (s *searcher) list(l []any) (any, bool) {
	changed := false
	for i, v := range l {
		n, ok := s.child(Step{Index: i}, v)
		if !ok {
			continue
		}
		if !changed {
			l, changed = slices.Clone(l), true
		}
		l[i] = n
	}
	return l, changed
}

func (s *searcher) child(step Step, v any) (any, bool) {
	s.at = append(s.at, step)
	defer func() { s.at = s.at[:len(s.at)-1] }()
	for i := range s.rules {
		rule := &s.rules[i]
		if !rule.matches(s.at, v) || rule.order == orderVolume && !s.at.runsImage() {
			continue
		}
		if text, ok := v.(string); ok {
			return s.apply(rule, text)
		}
		break
	}
	return s.value(v)
}

func (s *searcher) apply(rule *Rule, text string) (any, bool) {
	switch rule.Update {
	case UpdateNone:
		return text, false
	case UpdateJSON:
		return s.json(rule, text)
	case UpdateYAML:
		if n, ok := s.json(rule, text); ok || json.Valid([]byte(text)) {
			return n, ok
		}
		return s.yaml(rule, text)
	}
	if text == "" {
		return text, false
	}
	runs := rule.order != orderBuiltin || s.prefix != "" || s.at.runsImage()
	n, ok := s.visit(reference{image: text, place: s.prefix + s.at.String(), runs: runs})
	return n, ok && n != text
}

// inside searches the decoded text at the current place.
func (s *searcher) inside(rule *Rule, v any) any {
	in := searcher{rules: rule.Nested, visit: s.visit, prefix: s.prefix + s.at.String() + ": "}
	n, _ := in.value(v)
	return n
}

// json searches in text of JSON. What is no JSON stays as it is. Like kbld it
// writes the text anew (compact, keys sorted) even when nothing inside changes,
// but it keeps large numbers as they are.
func (s *searcher) json(rule *Rule, text string) (any, bool) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var v any
	if decoder.Decode(&v) != nil {
		return text, false
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return text, false
	}
	out, err := json.Marshal(s.inside(rule, v))
	if err != nil {
		return text, false
	}
	return string(out), string(out) != text
}

// yaml is json for a YAML stream: each document is written after "---", empty
// ones are dropped.
func (s *searcher) yaml(rule *Rule, text string) (any, bool) {
	docs, err := decodeStream(text)
	if err != nil {
		return text, false
	}
	var out bytes.Buffer
	for _, doc := range docs {
		data, err := yaml.Marshal(s.inside(rule, doc))
		if err != nil {
			return text, false
		}
		out.WriteString("---\n")
		out.Write(data)
	}
	return out.String(), out.String() != text
}

func decodeStream(text string) ([]any, error) {
	var docs []any
	for _, data := range splitStream(text) {
		var v any
		if err := yaml.Unmarshal([]byte(data), &v, useNumber); err != nil {
			return nil, err
		}
		if v != nil {
			docs = append(docs, v)
		}
	}
	return docs, nil
}

// splitStream cuts a YAML stream where documents begin ("---", with what
// follows on the line) and end ("...").
func splitStream(text string) []string {
	var docs []string
	start, at := 0, 0
	for line := range strings.Lines(text) {
		mark := strings.TrimRight(line, " \t\r\n")
		if mark == "..." || mark == "---" || strings.HasPrefix(mark, "--- ") || strings.HasPrefix(mark, "---\t") {
			docs = append(docs, text[start:at])
			start = at + len("---")
		}
		at += len(line)
	}
	return append(docs, text[start:])
}

func useNumber(d *json.Decoder) *json.Decoder {
	d.UseNumber()
	return d
}
