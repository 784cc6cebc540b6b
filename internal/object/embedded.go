package object

import (
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxLeaves bounds the values that are taken out of one document.
const maxLeaves = 10_000

// leavesOf are the texts in a value that is a document itself: a map or list in
// YAML or JSON, such as the values of a chart in a Secret. Whoever reads the
// document hands on its parts, so they must not be shown either.
func leavesOf(plain string) []string {
	if len(plain) > maxEscaped || !strings.ContainsAny(plain, ":{[") {
		return nil
	}
	var root yaml.Node
	if yaml.Unmarshal([]byte(plain), &root) != nil || root.Kind != yaml.DocumentNode || len(root.Content) != 1 {
		return nil
	}
	var leaves []string
	openFields(root.Content[0])
	for nodes := root.Content; len(nodes) > 0 && len(leaves) < maxLeaves; nodes = nodes[1:] {
		n := nodes[0]
		switch n.Kind {
		case yaml.MappingNode:
			for i := 1; i < len(n.Content); i += 2 {
				nodes = append(nodes, n.Content[i])
			}
		case yaml.SequenceNode:
			nodes = append(nodes, n.Content...)
		case yaml.ScalarNode:
			if n.Value != plain && utf8.RuneCountInString(n.Value) >= minSensitive && !apiVersionForm.MatchString(n.Value) {
				leaves = append(leaves, n.Value)
			}
		}
	}
	return leaves
}

// openFields takes out of a manifest what any object shows (OpenField): its
// kind and name must not be masked wherever they turn up.
func openFields(n *yaml.Node) {
	keys := map[string]bool{}
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		keys[n.Content[i].Value] = true
	}
	if !keys["apiVersion"] || !keys["kind"] {
		return
	}
	var closed []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		if !OpenField(n.Content[i].Value) {
			closed = append(closed, n.Content[i], n.Content[i+1])
		}
	}
	n.Content = closed
}
