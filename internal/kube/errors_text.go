package kube

import (
	"encoding/base64"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1"
)

// hidden stands for a value that must not be told.
const hidden = "***"

func causes(st v1.Status) []v1.StatusCause {
	if st.Details == nil {
		return nil
	}
	return st.Details.Causes
}

// message is the server's own text on one line, without the prefix that
// repeats the object, and without values of Secrets.
func (s subject) message(st v1.Status) string {
	text := strings.Join(strings.Fields(st.Message), " ")
	if st.Details != nil && st.Details.Name != "" {
		if _, rest, ok := strings.Cut(text, `"`+st.Details.Name+`" is invalid: `); ok {
			text = rest
		}
	}
	if _, rest, ok := strings.Cut(text, "Operation cannot be fulfilled on "); ok {
		if _, rest, ok = strings.Cut(rest, ": "); ok {
			text = rest
		}
	}
	if text == "" {
		text = string(st.Reason)
	}
	return s.scrub(text)
}

// scrub hides the values of a Secret in a text about it: those that were sent
// (as they are, and in base64), and whatever else the server quotes.
func (s subject) scrub(text string) string {
	if !s.secret() {
		return text
	}
	if s.sent != nil {
		for _, block := range []string{"data", "stringData"} {
			values, _ := s.sent.Fields[block].(map[string]any)
			for _, v := range values {
				value, _ := v.(string)
				text = hide(text, value)
				if plain, err := base64.StdEncoding.DecodeString(value); err == nil {
					text = hide(text, string(plain))
				}
			}
		}
	}
	return quoted.ReplaceAllStringFunc(text, func(q string) string {
		if name := strings.Trim(q, "\"`"); safeWord.MatchString(name) && !strings.Contains(text, "value: "+q) {
			return q
		}
		return hidden
	})
}

// quoted finds quoted texts; safeWord those that can be no secret of value: a
// webhook, object or field is quoted in lower case with dots and dashes.
// Both are compiled once and never written.
var (
	quoted   = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`")
	safeWord = regexp.MustCompile(`^[a-z][a-z0-9.\-/]*$`)
)

func hide(text, value string) string {
	if len(value) < 3 {
		return text
	}
	return strings.ReplaceAll(text, value, hidden)
}

// fieldPath is a field as people write it: without the leading dot.
func fieldPath(field string) string { return strings.TrimPrefix(field, ".") }

// managerOf finds the manager in `conflict with "x" using apps/v1 at ...`.
func managerOf(message string) string {
	_, rest, ok := strings.Cut(message, `conflict with "`)
	if !ok {
		return message
	}
	name, rest, _ := strings.Cut(rest, `"`)
	if sub, _, ok := strings.Cut(strings.TrimPrefix(rest, ` with subresource "`), `"`); ok && sub != rest {
		return name + ", subresource " + sub
	}
	return name
}

// list joins few texts, and counts the rest of many.
func list(texts []string) string {
	const most = 10
	if len(texts) <= most {
		return strings.Join(texts, "; ")
	}
	return strings.Join(texts[:most], "; ") + "; and more"
}
