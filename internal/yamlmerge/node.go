// Package yamlmerge merges two changed versions of YAML with the version that
// both come from. Resources are matched by identity, their fields by name, the
// items of lists by the keys that Kubernetes merges them by. What did not change
// stays as it is in our version, byte for byte: a merge is a list of splices.
//
// The structure decides, the text follows: every result is read again and must
// say what the structural merge says. What both sides changed differently is a
// Conflict, never a silent choice.
//
// The package is pure: it reads and writes no files.
package yamlmerge

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// sum is a hash of content.
type sum [sha256.Size]byte

// node is a YAML node with the hashes that make comparing cheap.
type node struct {
	y     *yaml.Node
	keys  []*yaml.Node // of a mapping, in the order of the text
	kids  []*node      // values of a mapping, or items of a sequence
	index map[string]int
	// data leaves out comments, order of keys and style; full counts the
	// comments at the ends of lines.
	data, full sum
}

func (n *node) mapping() bool  { return n != nil && n.y.Kind == yaml.MappingNode }
func (n *node) sequence() bool { return n != nil && n.y.Kind == yaml.SequenceNode }
func (n *node) scalar() bool   { return n != nil && n.y.Kind == yaml.ScalarNode }
func (n *node) flow() bool     { return n.y.Style&yaml.FlowStyle != 0 }

// block tells a collection that is written in lines of its own.
func (n *node) block() bool { return !n.scalar() && n.y.Kind != yaml.AliasNode && !n.flow() }

// get is the value of a key, nil when there is none.
func (n *node) get(key string) *node {
	if !n.mapping() {
		return nil
	}
	if i, ok := n.index[key]; ok {
		return n.kids[i]
	}
	return nil
}

// text is the value of a scalar key, empty when there is none.
func (n *node) text(key string) string {
	if v := n.get(key); v.scalar() {
		return v.y.Value
	}
	return ""
}

func same(a, b *node) bool { return a == b || a != nil && b != nil && a.full == b.full }

func sameData(a, b *node) bool { return a == b || a != nil && b != nil && a.data == b.data }

var errNotPlain = errors.New("YAML that is more than maps, lists and scalars")

// build makes a tree. Keys that are no scalars or stand twice are refused:
// such text is merged as text.
func build(y *yaml.Node) (*node, error) {
	n := &node{y: y}
	switch y.Kind {
	case yaml.MappingNode:
		n.index = make(map[string]int, len(y.Content)/2)
		for i := 0; i+1 < len(y.Content); i += 2 {
			key := y.Content[i]
			if key.Kind != yaml.ScalarNode {
				return nil, errNotPlain
			}
			if _, twice := n.index[key.Value]; twice {
				return nil, fmt.Errorf("line %d: key %q is set twice", key.Line, key.Value)
			}
			kid, err := build(y.Content[i+1])
			if err != nil {
				return nil, err
			}
			n.index[key.Value] = len(n.kids)
			n.keys, n.kids = append(n.keys, key), append(n.kids, kid)
		}
	case yaml.SequenceNode:
		for _, c := range y.Content {
			kid, err := build(c)
			if err != nil {
				return nil, err
			}
			n.kids = append(n.kids, kid)
		}
	case yaml.ScalarNode, yaml.AliasNode:
	default:
		return nil, errNotPlain
	}
	n.hash()
	return n, nil
}

// hash fills in the hashes from those of the children. Without comments, full
// is the same as data.
func (n *node) hash() {
	data := put(append(make([]byte, 0, 256), byte(n.y.Kind)), n.y.Anchor)
	comments := put(nil, n.y.LineComment)
	commented := n.y.LineComment != ""
	switch n.y.Kind {
	case yaml.MappingNode:
		order := make([]int, len(n.kids))
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(a, b int) int { return strings.Compare(n.keys[a].Value, n.keys[b].Value) })
		for _, i := range order {
			key := n.keys[i]
			data = append(put(put(data, key.ShortTag()), key.Value), n.kids[i].data[:]...)
			commented = commented || key.LineComment != "" || n.kids[i].full != n.kids[i].data
			comments = append(put(comments, key.LineComment), n.kids[i].full[:]...)
		}
	case yaml.SequenceNode:
		for _, k := range n.kids {
			data = append(data, k.data[:]...)
			commented = commented || k.full != k.data
			comments = append(comments, k.full[:]...)
		}
	default:
		value := n.y.Value
		if n.y.ShortTag() == "!!null" {
			value = "" // "null", "~" and nothing at all are the same
		}
		data = put(put(data, n.y.ShortTag()), value)
	}
	n.data = sha256.Sum256(data)
	n.full = n.data
	if commented {
		n.full = sha256.Sum256(append(comments, n.data[:]...))
	}
}

// put appends a text with its length.
func put(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// parse reads exactly one document. It is nil for one without content.
func parse(text []byte) (*node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc, more yaml.Node
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errNotPlain
	}
	if len(doc.Content) != 1 {
		return nil, nil
	}
	root := doc.Content[0]
	if root.Kind == yaml.ScalarNode && root.ShortTag() == "!!null" && root.Value == "" {
		return nil, nil
	}
	return build(root)
}

// show is a node as text for people, empty for none.
func show(n *node) string {
	if n == nil {
		return ""
	}
	return showYAML(n.y)
}

func showYAML(y *yaml.Node) string {
	bare := plainCopy(y, 0)
	data, err := yaml.Marshal(bare)
	if err != nil {
		return bare.Value
	}
	return strings.TrimRight(string(data), "\n")
}

// plainCopy is a node without comments, and with a style of its own.
func plainCopy(y *yaml.Node, style yaml.Style) *yaml.Node {
	c := *y
	c.HeadComment, c.LineComment, c.FootComment = "", "", ""
	if y.Kind == yaml.AliasNode {
		// The text of the alias is what counts; its target may be elsewhere.
		return &yaml.Node{Kind: yaml.ScalarNode, Value: "*" + y.Value}
	}
	if y.Kind != yaml.ScalarNode {
		c.Style = style
	}
	c.Content = make([]*yaml.Node, len(y.Content))
	for i, k := range y.Content {
		c.Content[i] = plainCopy(k, style)
	}
	return &c
}
