package object

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/fault"
)

// maxNodes bounds what one document may expand to through aliases. The largest
// real documents (CRDs) have some 100,000 nodes.
const maxNodes = 2_000_000

// maxDepth bounds nesting, as the API server does.
const maxDepth = 500

// converter turns YAML nodes into the JSON shape of Object.Fields.
type converter struct {
	file   string
	budget int
	depth  int
}

func (c *converter) value(n *yaml.Node) (any, error) {
	c.budget--
	c.depth++
	defer func() { c.depth-- }()
	if c.budget < 0 || c.depth > maxDepth {
		return nil, c.fault(n, "the document is too large or too deep once its aliases are expanded")
	}
	switch n.Kind {
	case yaml.AliasNode:
		return c.value(n.Alias)
	case yaml.MappingNode:
		return c.mapping(n)
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, item := range n.Content {
			v, err := c.value(item)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	}
	return c.scalar(n)
}

func (c *converter) mapping(n *yaml.Node) (any, error) {
	m := make(map[string]any, len(n.Content)/2)
	var merges []*yaml.Node
	lines := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, val := n.Content[i], n.Content[i+1]
		if key.ShortTag() == "!!merge" {
			merges = append(merges, val)
			continue
		}
		name, err := c.key(key)
		if err != nil {
			return nil, err
		}
		if first, dup := lines[name]; dup {
			return nil, c.fault(key, "key %q is already set in line %d", name, first).Hint("keep one of the two")
		}
		lines[name] = key.Line
		if m[name], err = c.value(val); err != nil {
			return nil, err
		}
	}
	for _, merge := range merges {
		if err := c.merge(m, merge); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// merge adds what a merge key ("<<") brings; keys that are set already win.
func (c *converter) merge(into map[string]any, n *yaml.Node) error {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind == yaml.SequenceNode {
		for _, item := range n.Content {
			if err := c.merge(into, item); err != nil {
				return err
			}
		}
		return nil
	}
	v, err := c.value(n)
	if err != nil {
		return err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return c.fault(n, "a merge key needs a map")
	}
	for k, v := range m {
		if _, set := into[k]; !set {
			into[k] = v
		}
	}
	return nil
}

// key gives map keys as JSON has them: text. Kubernetes turns other scalars
// into their text ("true", "8080").
func (c *converter) key(n *yaml.Node) (string, error) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.ScalarNode {
		return "", c.fault(n, "a map key is not a scalar")
	}
	v, err := c.scalar(n)
	if err != nil {
		return "", err
	}
	switch v := v.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case json.Number:
		return v.String(), nil
	}
	return "", c.fault(n, "a map key is null")
}

func (c *converter) scalar(n *yaml.Node) (any, error) {
	plain := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
	if plain && n.Style&yaml.TaggedStyle == 0 {
		if b, ok := oldBool(n.Value); ok {
			return b, nil
		}
	}
	switch n.ShortTag() {
	case "!!null":
		return nil, nil
	case "!!bool":
		if b, err := strconv.ParseBool(strings.ToLower(n.Value)); err == nil {
			return b, nil
		}
		return nil, c.fault(n, "%q is neither true nor false", n.Value)
	case "!!int":
		return c.integer(n)
	case "!!float":
		return c.float(n)
	case "!!binary":
		data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(n.Value), ""))
		if err != nil {
			return nil, c.fault(n, "binary value: %w", err)
		}
		return string(data), nil
	}
	return n.Value, nil
}

func (c *converter) integer(n *yaml.Node) (any, error) {
	text := strings.ReplaceAll(n.Value, "_", "")
	if i, err := strconv.ParseInt(text, 0, 64); err == nil {
		return i, nil
	}
	if u, err := strconv.ParseUint(text, 0, 64); err == nil {
		return json.Number(strconv.FormatUint(u, 10)), nil
	}
	return nil, c.fault(n, "%q is not a number that JSON can hold", n.Value)
}

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)

func (c *converter) float(n *yaml.Node) (any, error) {
	text := strings.ReplaceAll(n.Value, "_", "")
	if jsonNumber.MatchString(text) {
		return json.Number(text), nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, c.fault(n, "%q is not a number that JSON can hold", n.Value)
	}
	data, err := json.Marshal(f)
	if err != nil {
		return nil, c.fault(n, "%q is not a number that JSON can hold", n.Value)
	}
	if i, err := strconv.ParseInt(string(data), 10, 64); err == nil {
		return i, nil
	}
	return json.Number(data), nil
}

// oldBool reads the booleans that YAML 1.1 has beyond true and false.
// Kubernetes reads manifests as YAML 1.1 (sigs.k8s.io/yaml).
func oldBool(s string) (value, ok bool) {
	switch s {
	case "y", "Y", "yes", "Yes", "YES", "on", "On", "ON":
		return true, true
	case "n", "N", "no", "No", "NO", "off", "Off", "OFF":
		return false, true
	}
	return false, false
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

func (c *converter) fault(n *yaml.Node, format string, args ...any) *fault.Error {
	e := fault.New(fault.Invalid, format, args...)
	return fault.New(fault.Invalid, "%s:%d: %w", Source{File: c.file, Line: n.Line}, n.Column, e.Err)
}
