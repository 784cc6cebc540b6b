package project

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
)

// field is one key of a map in tug.yaml, as the struct tags say.
type field struct {
	name     string
	doc      string
	required bool
	enum     []string
	rule     rule
	index    int
	typ      reflect.Type
}

// fieldsOf reads the tags of a struct type.
func fieldsOf(t reflect.Type) []field {
	fields := make([]field, 0, t.NumField())
	for i := range t.NumField() {
		sf := t.Field(i)
		f := field{name: sf.Tag.Get("yaml"), doc: sf.Tag.Get("doc"), index: i, typ: sf.Type}
		if enum := sf.Tag.Get("enum"); enum != "" {
			f.enum = strings.Split(enum, "|")
		}
		f.rule = rule(sf.Tag.Get("rule"))
		if f.rule == "required" {
			f.required, f.rule = true, ""
		}
		fields = append(fields, f)
	}
	return fields
}

func names(fields []field) []string {
	list := make([]string, len(fields))
	for i, f := range fields {
		list[i] = f.name
	}
	return list
}

// fieldEnum are the values that a key of T can have.
func fieldEnum[T any](key string) []string {
	f, ok := find(fieldsOf(reflect.TypeFor[T]()), key)
	if !ok {
		return nil
	}
	return f.enum
}

// rule names what a text must look like.
type rule string

const (
	nameRule rule = "name"
	// maxName leaves room for what Helm charts append to a release name: 53
	// is Helm's own limit.
	maxName      int = 53
	maxNamespace int = 63
	// positiveRule is for numbers; maxHistory bounds what is kept in a
	// cluster.
	positiveRule rule = "positive"
	maxHistory   int  = 1000

	labelPattern    = `^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	versionPattern  = `^v?[0-9]+\.[0-9]+(\.[0-9]+)?$`
	durationPattern = `^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	apiPattern      = `^([a-z0-9][-.a-z0-9]*/)?v[0-9][a-z0-9]*(/[A-Z][A-Za-z0-9]*)?$`
)

var (
	labelExp   = regexp.MustCompile(labelPattern)
	versionExp = regexp.MustCompile(versionPattern)
	apiExp     = regexp.MustCompile(apiPattern)
)

// check says what is wrong with a text under r, and what would be right.
func (r rule) check(text string) (wrong, hint string) {
	switch r {
	case "filled":
		if text == "" {
			return "is empty", "name something or remove the key"
		}
	case nameRule:
		return checkLabel(text, maxName)
	case "namespace":
		return checkLabel(text, maxNamespace)
	case "version":
		if !versionExp.MatchString(text) {
			return fmt.Sprintf("%q is not a Kubernetes version", text), `write major and minor version in quotes: "1.36"`
		}
	case "duration":
		return checkDuration(text)
	case "api":
		if !apiExp.MatchString(text) {
			return fmt.Sprintf("%q is not an API version", text), "write group/version or group/version/Kind: monitoring.coreos.com/v1"
		}
	}
	return "", ""
}

// schema is r in terms of JSON Schema.
func (r rule) schema() map[string]any {
	switch r {
	case "filled":
		return map[string]any{"minLength": 1}
	case nameRule:
		return map[string]any{"pattern": labelPattern, "maxLength": maxName}
	case "namespace":
		return map[string]any{"pattern": labelPattern, "maxLength": maxNamespace}
	case "version":
		return map[string]any{"pattern": versionPattern}
	case "duration":
		return map[string]any{"pattern": durationPattern}
	case "api":
		return map[string]any{"pattern": apiPattern}
	case positiveRule:
		return map[string]any{"minimum": 1, "maximum": maxHistory}
	}
	return nil
}

// checkLabel is the rule of DNS labels (RFC 1123), which namespaces and most
// object names follow.
func checkLabel(text string, limit int) (wrong, hint string) {
	if len(text) > limit {
		return fmt.Sprintf("%q has %d characters, %d are allowed", text, len(text), limit), ""
	}
	if !labelExp.MatchString(text) {
		return fmt.Sprintf("%q is not a DNS label", text), "use lower-case letters, digits and - between them"
	}
	return "", ""
}
