package imagelock

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/fault"
	"github.com/tugops/tug/internal/object"
)

// reader takes values out of the YAML nodes of one lock file. It is strict:
// unknown and repeated keys and wrong types are errors with file and line. The
// first error stays and makes the rest of the reading pointless but harmless.
type reader struct {
	file string
	err  error
	// nodes is how many more nodes may be read: a bound on files that are
	// large only through aliases.
	nodes int
	// mixed files hold other documents as well.
	mixed bool
}

// maxNodes is what a reader starts with: ten times the largest lock file that
// is accepted could hold sensibly.
const maxNodes = 2_000_000

func (r *reader) source(n *yaml.Node) object.Source {
	if n == nil {
		return object.Source{File: r.file}
	}
	return object.Source{File: r.file, Line: n.Line}
}

// fail notes an error at n unless there is one already, and returns the fault
// for hints.
func (r *reader) fail(n *yaml.Node, format string, args ...any) *fault.Error {
	e := fault.New(fault.Invalid, "%s: %s", r.source(n), fmt.Sprintf(format, args...))
	if r.err == nil {
		r.err = e
	}
	return e
}

// follow is the node that n stands for.
func (r *reader) follow(n *yaml.Node) *yaml.Node {
	if r.nodes--; r.nodes < 0 {
		r.fail(n, "too many aliases").Hint("write the values out instead of repeating them through anchors and aliases")
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: n.Line}
	}
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool {
	return n == nil || n.Kind == 0 || n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

// fields are the values of a mapping whose keys must all be known.
func (r *reader) fields(n *yaml.Node, what string, known ...string) map[string]*yaml.Node {
	if isNull(n) || r.err != nil {
		return nil
	}
	n = r.follow(n)
	if n.Kind != yaml.MappingNode {
		r.fail(n, "%s must be a mapping", what)
		return nil
	}
	fields := make(map[string]*yaml.Node, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if !slices.Contains(known, key.Value) {
			e := r.fail(key, "unknown key %q in %s", key.Value, what)
			for _, near := range fault.Nearest(key.Value, known, 1) {
				e.Hint("did you mean %q?", near)
			}
			return nil
		}
		if fields[key.Value] != nil {
			r.fail(key, "key %q stands twice in %s", key.Value, what)
			return nil
		}
		fields[key.Value] = n.Content[i+1]
	}
	return fields
}

// items are the elements of a list; none for null.
func (r *reader) items(n *yaml.Node, what string) []*yaml.Node {
	if isNull(n) || r.err != nil {
		return nil
	}
	n = r.follow(n)
	if n.Kind != yaml.SequenceNode {
		r.fail(n, "%s must be a list", what)
		return nil
	}
	return n.Content
}

// text is a string; "" for null.
func (r *reader) text(n *yaml.Node, what string) string {
	if isNull(n) || r.err != nil {
		return ""
	}
	n = r.follow(n)
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" {
		r.fail(n, "%s must be a string", what).Hint("put it in quotes")
		return ""
	}
	return n.Value
}

// texts is a list of strings.
func (r *reader) texts(n *yaml.Node, what string) []string {
	var list []string
	for _, item := range r.items(n, what) {
		list = append(list, r.text(item, what))
	}
	return list
}

func (r *reader) flag(n *yaml.Node, what string) bool {
	if isNull(n) || r.err != nil {
		return false
	}
	var v bool
	if n = r.follow(n); n.Kind != yaml.ScalarNode || n.Decode(&v) != nil {
		r.fail(n, "%s must be true or false", what)
	}
	return v
}

// anything decodes free-form data.
func (r *reader) anything(n *yaml.Node, into any, what string) {
	if isNull(n) || r.err != nil {
		return
	}
	if err := n.Decode(into); err != nil {
		r.fail(n, "%s: %s", what, err)
	}
}
