package yamledit

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Value is what a path is set to.
type Value struct {
	Text string
	// Tag is !!str, !!bool, !!int or !!null.
	Tag string
	// guessed says that Tag comes from how Text looks, so that it gives way to
	// the type of what is replaced.
	guessed bool
}

// String is a text.
func String(text string) Value { return Value{Text: text, Tag: "!!str"} }

var wholeNumber = regexp.MustCompile(`\A-?(0|[1-9][0-9]{0,17})\z`)

// Scalar reads a value as Helm's --set does: true, false, null and whole
// numbers are what they look like, everything else is text, and "12" in
// double quotes too. Where it replaces a text it is a text.
func Scalar(text string) Value {
	var quoted string
	switch {
	case len(text) > 1 && text[0] == '"' && json.Unmarshal([]byte(text), &quoted) == nil:
		return String(quoted)
	case text == "true" || text == "false":
		return Value{Text: text, Tag: "!!bool", guessed: true}
	case text == "null":
		return Value{Text: text, Tag: "!!null"}
	case wholeNumber.MatchString(text):
		return Value{Text: text, Tag: "!!int", guessed: true}
	}
	return String(text)
}

// over is the value where it replaces a node.
func (v Value) over(old *yaml.Node) Value {
	if v.guessed && old != nil && old.Kind == yaml.ScalarNode && old.ShortTag() == "!!str" {
		return String(v.Text)
	}
	return v
}

// is reports whether a node says v.
func (v Value) is(y *yaml.Node) bool {
	if y.Kind != yaml.ScalarNode || y.ShortTag() != v.Tag {
		return false
	}
	return y.Value == v.Text || v.Tag == "!!null"
}

// otherwise are words and numbers that a parser of YAML 1.1, such as the one
// inside Helm, takes for something else than text.
var otherwise = regexp.MustCompile(`\A(?i:y|n|yes|no|on|off|true|false|null|~|=|<<|[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?|[-+]?[0-9][0-9_,]*(\.[0-9_]*)?(e[-+]?[0-9]+)?|[-+]?\.[0-9_]+(e[-+]?[0-9]+)?|0o?[0-7_]+|[-+]?0x[0-9a-f_]+|[-+]?0b[01_]+|[-+]?\.(inf|nan))\z`)

// texts are the ways to write v, best first, in the style of a scalar that is
// replaced or stands beside.
func (v Value) texts(style yaml.Style) []string {
	if v.Tag != "!!str" {
		return []string{v.Text}
	}
	double := strconv.Quote(v.Text)
	switch {
	case style&yaml.DoubleQuotedStyle != 0:
		return []string{double}
	case style&yaml.SingleQuotedStyle != 0 && printable(v.Text):
		return []string{"'" + strings.ReplaceAll(v.Text, "'", "''") + "'", double}
	case v.Text == "" || otherwise.MatchString(v.Text) || !printable(v.Text):
		return []string{double}
	}
	return []string{v.Text, double}
}

// printable tells a text that can stand in one line as it is.
func printable(text string) bool {
	for _, c := range text {
		if !strconv.IsPrint(c) {
			return false
		}
	}
	return true
}

var plainKey = regexp.MustCompile(`\A[A-Za-z_][A-Za-z0-9_./-]*\z`)

// keyText writes a key in the style of one beside it.
func keyText(key string, style yaml.Style) string {
	if style&yaml.DoubleQuotedStyle == 0 && plainKey.MatchString(key) && !otherwise.MatchString(key) {
		return key
	}
	return strconv.Quote(key)
}
