package yamlmerge

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"
)

// encodeMember writes a pair, or an item when there is no key.
func encodeMember(key, value *yaml.Node, eol string) (string, error) {
	y := &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{value}}
	if key != nil {
		bare := *key
		bare.HeadComment, bare.FootComment = "", ""
		y = &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{&bare, value}}
	}
	return encode(y, eol)
}

// encode writes a node in the library's style, indented by two.
func encode(y *yaml.Node, eol string) (string, error) {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(written(y)); err != nil {
		return "", err
	}
	if err := enc.Close(); err != nil {
		return "", err
	}
	return strings.ReplaceAll(b.String(), "\n", eol), nil
}

// written is a node in which every null has a text.
func written(y *yaml.Node) *yaml.Node {
	c := *y
	if y.Kind == yaml.ScalarNode && y.Value == "" && y.ShortTag() == "!!null" {
		c.Value = "null"
	}
	c.Content = make([]*yaml.Node, len(y.Content))
	for i, k := range y.Content {
		c.Content[i] = written(k)
	}
	return &c
}
