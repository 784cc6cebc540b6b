package object

import (
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// minSensitive is the length, in characters, from which on a value is looked
// for in texts: shorter ones are everywhere (design.md section 7).
const minSensitive = 6

// Sensitive is what was decrypted and must not be shown: values, and the files
// they come from. It may be used by several goroutines, and shows
// nothing of itself however it is printed. A nil *Sensitive holds nothing.
//
// Values are recognised as they are, in base64 (also as a part of a longer
// text), as JSON, YAML, Go and URLs write them, and those of several lines
// line by line.
type Sensitive struct {
	mu     sync.RWMutex
	values map[string]bool
	files  map[string]bool
	find   finder
}

// NewSensitive holds some values from the start.
func NewSensitive(values ...string) *Sensitive {
	s := &Sensitive{}
	for _, v := range values {
		s.Value(v)
	}
	return s
}

// Value adds a value. What is base64 of text counts as that text, too.
func (s *Sensitive) Value(plain string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(plain)
}

func (s *Sensitive) add(plain string) {
	if s.values[plain] || utf8.RuneCountInString(strings.TrimSpace(plain)) < minSensitive {
		return
	}
	if s.values == nil {
		s.values = map[string]bool{}
	}
	s.values[plain] = true
	for _, form := range formsOf(plain) {
		s.find.add(pattern{text: form, value: plain, strong: secretLike(plain)})
	}
	for _, part := range partsOf(plain) {
		for _, form := range formsOf(part) {
			s.find.add(pattern{text: form, value: plain, strong: true})
		}
	}
	for _, leaf := range leavesOf(plain) {
		s.add(leaf)
	}
	if inner, err := base64.StdEncoding.DecodeString(plain); err == nil && readable(inner) {
		s.add(string(inner))
	}
}

// File adds a file that was decrypted; see Wholly.
func (s *Sensitive) File(name string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.files == nil {
		s.files = map[string]bool{}
	}
	s.files[name] = true
}

// Wholly reports whether o stands in a file that was decrypted, with all of its
// data: there is no text of some length in it that was in the clear. Then the
// short ones, which are not looked for in texts, were encrypted as well.
func (s *Sensitive) Wholly(o *Object) bool {
	if s == nil || o.Source.File == "" {
		return false
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.files[o.Source.File] {
		return false
	}
	for key, v := range o.Fields {
		if !OpenField(key) && s.inTheClear(v) {
			return false
		}
	}
	return true
}

// inTheClear reports whether a text in v was not decrypted.
func (s *Sensitive) inTheClear(v any) bool {
	switch v := v.(type) {
	case string:
		found := false
		s.find.each(v, func(_, _ int, _ pattern) bool { found = true; return false })
		return !found && utf8.RuneCountInString(v) >= minSensitive
	case map[string]any:
		for _, item := range v {
			if s.inTheClear(item) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, s.inTheClear)
	}
	return false
}

// Empty reports that there is nothing to hide.
func (s *Sensitive) Empty() bool {
	if s == nil {
		return true
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.values) == 0 && len(s.files) == 0
}

// Mask is text with Masked in place of every value.
func (s *Sensitive) Mask(text string) string { return s.replace(text, false) }

// MaskOutput is text with Masked in place of the values that no ordinary word
// could be. It is the last net under everything that is printed, where field
// names and words of tug's own must not be taken for a value like "default".
func (s *Sensitive) MaskOutput(text string) string { return s.replace(text, true) }

func (s *Sensitive) replace(text string, strong bool) string {
	if s == nil || len(text) < minSensitive {
		return text
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.find.replace(text, strong)
}

// Reveals reports whether text holds a value.
func (s *Sensitive) Reveals(text string) bool {
	if s == nil || len(text) < minSensitive {
		return false
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	found := false
	s.find.each(text, func(_, _ int, _ pattern) bool { found = true; return false })
	return found
}

// Join holds what both hold, and goes its own way from here.
func (s *Sensitive) Join(other *Sensitive) *Sensitive {
	joined := &Sensitive{}
	for _, from := range []*Sensitive{s, other} {
		if from == nil {
			continue
		}
		from.mu.RLock()
		for v := range from.values {
			joined.add(v)
		}
		for f := range from.files {
			joined.File(f)
		}
		from.mu.RUnlock()
	}
	return joined
}

// Found are the values that objects hold, sorted: what has to be remembered
// with them. It is the one way by which values come out again.
func (s *Sensitive) Found(objects []*Object) []string {
	if s == nil {
		return nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	found := map[string]bool{}
	for _, o := range objects {
		eachText(o.Fields, func(text string) {
			s.find.each(text, func(_, _ int, p pattern) bool { found[p.value] = true; return true })
		})
	}
	list := make([]string, 0, len(found))
	for v := range found {
		list = append(list, v)
	}
	slices.Sort(list)
	return list
}

// eachText visits every text in v, keys of maps included.
func eachText(v any, visit func(string)) {
	switch v := v.(type) {
	case string:
		visit(v)
	case map[string]any:
		for k, item := range v {
			visit(k)
			eachText(item, visit)
		}
	case []any:
		for _, item := range v {
			eachText(item, visit)
		}
	}
}

// redacted is all that is ever shown of a Sensitive.
const redacted = "(sensitive)"

// String implements fmt.Stringer.
func (s *Sensitive) String() string { return redacted }

// GoString implements fmt.GoStringer.
func (s *Sensitive) GoString() string { return redacted }

// Format implements fmt.Formatter, for every verb.
func (s *Sensitive) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, redacted)
}

// MarshalJSON implements json.Marshaler.
func (s *Sensitive) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText implements encoding.TextMarshaler.
func (s *Sensitive) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalYAML implements yaml.Marshaler.
func (s *Sensitive) MarshalYAML() (any, error) { return redacted, nil }

// LogValue implements slog.LogValuer.
func (s *Sensitive) LogValue() slog.Value { return slog.StringValue(redacted) }
