package object

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

// WriteYAML writes objects as one YAML stream: apiVersion, kind and metadata
// first, other keys sorted, each document headed by "---" and, when known, a
// "# Source:" comment. The same objects give the same bytes. All of them are
// encoded, on all processors, before the first byte is written.
func WriteYAML(w io.Writer, objects []*Object) error {
	parts := make([]bytes.Buffer, min(len(objects), runtime.GOMAXPROCS(0)))
	errs := make([]error, len(parts))
	var group sync.WaitGroup
	for i := range parts {
		mine := objects[i*len(objects)/len(parts) : (i+1)*len(objects)/len(parts)]
		group.Go(func() { errs[i] = encode(&parts[i], mine) })
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for i := range parts {
		if _, err := parts[i].WriteTo(w); err != nil {
			return err
		}
	}
	return nil
}

func encode(w *bytes.Buffer, objects []*Object) error {
	for _, o := range objects {
		if err := writeDocument(w, o); err != nil {
			return fmt.Errorf("write %s: %w", o.Ref(), err)
		}
	}
	return nil
}

func writeDocument(w io.Writer, o *Object) error {
	head := "---\n"
	if o.Source.File != "" {
		head += "# Source: " + strings.Join(strings.Fields(o.Source.File), " ") + "\n"
	}
	if _, err := io.WriteString(w, head); err != nil {
		return err
	}
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	if err := enc.Encode(mapNode(o.Fields, "apiVersion", "kind", "metadata")); err != nil {
		return err
	}
	return enc.Close()
}

func mapNode(m map[string]any, first ...string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	if len(m) == 0 {
		n.Style = yaml.FlowStyle
	}
	keys := slices.DeleteFunc(slices.Clone(first), func(k string) bool { _, has := m[k]; return !has })
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if !slices.Contains(first, k) {
			keys = append(keys, k)
		}
	}
	for _, k := range keys {
		n.Content = append(n.Content, textNode(k), valueNode(m[k]))
	}
	return n
}

func valueNode(v any) *yaml.Node {
	switch v := v.(type) {
	case map[string]any:
		return mapNode(v)
	case []any:
		n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		if len(v) == 0 {
			n.Style = yaml.FlowStyle
		}
		for _, item := range v {
			n.Content = append(n.Content, valueNode(item))
		}
		return n
	case string:
		return textNode(v)
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(v)}
	case nil:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
	}
	return numberNode(v)
}

func numberNode(v any) *yaml.Node {
	data, err := json.Marshal(v)
	if err != nil {
		return textNode(fmt.Sprint(v))
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Value: string(data)}
}

// textNode quotes what a YAML 1.1 reader would take for a boolean.
func textNode(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	if _, old := oldBool(s); old {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}
