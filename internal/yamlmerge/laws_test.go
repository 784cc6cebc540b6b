package yamlmerge_test

import (
	"bytes"
	"fmt"
	"math/rand"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/yamlmerge"
)

// TestLaws: what one side left alone is what the other says; the merge of both
// is the same data, whoever is called ours; and nothing is lost.
func TestLaws(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewSource(7))
	for range 700 {
		origin := document(random, 0)
		ours, theirs := mutate(random, origin), mutate(random, origin)
		laws(t, write(t, origin), write(t, ours), write(t, theirs))
		if t.Failed() {
			return
		}
	}
}

func laws(t *testing.T, o, u, th []byte) {
	t.Helper()
	for _, c := range []struct {
		name          string
		o, u, t, want []byte
	}{{"o,o,x", o, o, th, th}, {"o,x,o", o, u, o, u}, {"o,x,x", o, u, u, u}} {
		out := yamlmerge.Merge(yamlmerge.Input{Origin: c.o, Ours: c.u, Theirs: c.t})
		if out.Plain && (!bytes.Equal(out.Text, c.want) || len(out.Conflicts) > 0) {
			t.Errorf("merge(%s) gives\n%s%v\norigin\n%s\nours\n%s\ntheirs\n%s", c.name, out.Text, out.Conflicts, c.o, c.u, c.t)
		}
	}
	if !yamlmerge.Structured(o) || !yamlmerge.Structured(u) || !yamlmerge.Structured(th) {
		return // a document that is the same on two sides need not be YAML
	}
	a := yamlmerge.Merge(yamlmerge.Input{Origin: o, Ours: u, Theirs: th, Prefer: yamlmerge.PreferTheirs})
	b := yamlmerge.Merge(yamlmerge.Input{Origin: o, Ours: th, Theirs: u, Prefer: yamlmerge.PreferOurs})
	if !a.Plain || !b.Plain {
		return // too odd to be written by the library: merged as text
	}
	if len(a.Conflicts) != len(b.Conflicts) {
		t.Errorf("not symmetric: %v and %v\norigin\n%s\nours\n%s\ntheirs\n%s", a.Conflicts, b.Conflicts, o, u, th)
		return
	}
	if x, y := content(t, a.Text), content(t, b.Text); x != y {
		t.Errorf("not symmetric:\n%s\nand\n%s\norigin\n%s\nours\n%s\ntheirs\n%s", a.Text, b.Text, o, u, th)
	}
	nothingLost(t, o, u, th, a)
}

// nothingLost: every scalar that a side has and the origin has not is in the
// result or in a conflict.
func nothingLost(t *testing.T, o, u, th []byte, out yamlmerge.Output) {
	t.Helper()
	there := scalars(out.Text)
	for _, c := range out.Conflicts {
		for _, text := range []string{c.Ours, c.Theirs} {
			for s := range scalars([]byte(text)) {
				there[s] = true
			}
		}
	}
	was := scalars(o)
	for _, side := range [][]byte{u, th} {
		for s := range scalars(side) {
			if !was[s] && !there[s] {
				t.Errorf("%q is lost in\n%s%v\norigin\n%s\nours\n%s\ntheirs\n%s", s, out.Text, out.Conflicts, o, u, th)
			}
		}
	}
}

func scalars(text []byte) map[string]bool {
	found := map[string]bool{}
	var doc yaml.Node
	if yaml.Unmarshal(text, &doc) != nil {
		return found
	}
	var walk func(*yaml.Node)
	walk = func(n *yaml.Node) {
		if n.Kind == yaml.ScalarNode && n.ShortTag() != "!!null" {
			found[strings.TrimRight(n.Value, "\n")] = true
		}
		for _, c := range n.Content {
			walk(c)
		}
	}
	walk(&doc)
	return found
}

// content is data as text, with items of lists in any order: both sides may
// add items in the same place.
func content(t *testing.T, text []byte) string {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatalf("the result is no YAML: %v\n%s", err, text)
	}
	var lines []string
	var walk func(string, *yaml.Node)
	walk = func(path string, n *yaml.Node) {
		switch n.Kind {
		case yaml.MappingNode:
			for i := 0; i < len(n.Content); i += 2 {
				walk(path+"."+n.Content[i].Value, n.Content[i+1])
			}
			lines = append(lines, path+"{}")
		case yaml.SequenceNode:
			for _, c := range n.Content {
				name := ""
				for i := 0; i+1 < len(c.Content); i += 2 {
					if c.Kind == yaml.MappingNode && c.Content[i].Value == "name" && c.Content[i+1].ShortTag() != "!!null" {
						name = c.Content[i+1].Value
					}
				}
				walk(path+"["+name+"]", c)
			}
			lines = append(lines, path+"[]")
		case yaml.DocumentNode:
			for _, c := range n.Content {
				walk(path, c)
			}
		default:
			if n.ShortTag() == "!!null" {
				n.Value = ""
			}
			lines = append(lines, path+"="+n.ShortTag()+n.Value)
		}
	}
	walk("", &doc)
	return sorted(strings.Join(lines, "\n"))
}

func write(t *testing.T, v *yaml.Node) []byte {
	t.Helper()
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// document makes a random map of maps, lists and scalars.
func document(random *rand.Rand, depth int) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	if depth > 0 && random.Intn(6) == 0 {
		n.Style = yaml.FlowStyle
	}
	for i := range 1 + random.Intn(5) {
		key := scalar(fmt.Sprintf("k%d", i))
		if random.Intn(8) == 0 {
			key.HeadComment = fmt.Sprintf("# about %d", random.Intn(9))
		}
		n.Content = append(n.Content, key, value(random, depth+1, n.Style))
	}
	return n
}

func value(random *rand.Rand, depth int, style yaml.Style) *yaml.Node {
	switch kind := random.Intn(8); {
	case kind < 2 && depth < 4 && style == 0:
		return document(random, depth)
	case kind == 2 && depth < 4 && style == 0:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for i := range random.Intn(4) {
			item := document(random, depth+1)
			item.Content = append([]*yaml.Node{scalar("name"), scalar(fmt.Sprintf("n%d", i))}, item.Content...)
			n.Content = append(n.Content, item)
		}
		return n
	case kind == 3 && style == 0:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for range random.Intn(4) {
			n.Content = append(n.Content, scalar(fmt.Sprintf("s%d", random.Intn(50))))
		}
		return n
	case kind == 4 && style == 0:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: fmt.Sprintf("# line\n\n  two %d\n", random.Intn(99)), Style: yaml.LiteralStyle}
	}
	v := scalar(fmt.Sprintf("v%d", random.Intn(1000)))
	switch random.Intn(5) {
	case 0:
		v.Style = yaml.DoubleQuotedStyle
	case 1:
		v.Value, v.Style = "it's: #"+v.Value, yaml.SingleQuotedStyle
	case 2:
		if style == 0 {
			v.LineComment = "# comment"
		}
	}
	return v
}

func scalar(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
}

// mutate changes a few things in a copy.
func mutate(random *rand.Rand, n *yaml.Node) *yaml.Node {
	c := *n
	c.Content = nil
	step := 1
	if n.Kind == yaml.MappingNode {
		step = 2
	}
	for i := 0; i+step <= len(n.Content); i += step {
		part := n.Content[i : i+step]
		switch random.Intn(14) {
		case 0:
			continue // deleted
		case 1:
			if step == 2 && part[0].Value != "name" {
				part = []*yaml.Node{part[0], value(random, 3, n.Style)}
			}
		case 2:
			if step == 2 {
				c.Content = append(c.Content, scalar(fmt.Sprintf("new%d", random.Intn(1000))), value(random, 3, n.Style))
			}
		}
		for j, p := range part {
			if j == step-1 {
				p = mutate(random, p)
			}
			c.Content = append(c.Content, p)
		}
	}
	return &c
}

func FuzzMerge(f *testing.F) {
	f.Add([]byte(deployment), []byte(replace(deployment, "1.0", "1.1")), []byte(replace(deployment, "80", "81")))
	f.Add([]byte("a: 1\n"), []byte("a: &x 1\nb: *x\n"), []byte("a: |+\n  x\n\n"))
	f.Add([]byte("a:\n- b\n- {c: d}\n"), []byte("a: [b, {c: e}]"), []byte("a:\n  - b\n  -\n    c: f\n"))
	f.Add([]byte("? a\n: b\n"), []byte("\"a\": 'b''c'\r\n"), []byte("a: b\n  c # d\n"))
	f.Add([]byte("a: {}\n"), []byte("a: {b: 1}\n"), []byte("a:\n  c: 2\n"))
	f.Fuzz(func(t *testing.T, o, u, th []byte) { laws(t, o, u, th) })
}

// TestSplicesHold: writing a document anew is for odd cases; most merges are
// splices, and splices say what they should.
func TestSplicesHold(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewSource(11))
	ways := map[string]int{}
	for range 500 {
		o := document(random, 0)
		in := yamlmerge.Input{Origin: write(t, o), Ours: write(t, mutate(random, o)), Theirs: write(t, mutate(random, o))}
		how, _, _ := strings.Cut(yamlmerge.How(t, in), ":")
		ways[how]++
		if how == "wrong" {
			t.Logf("%s\norigin\n%s\nours\n%s\ntheirs\n%s", yamlmerge.How(t, in), in.Origin, in.Ours, in.Theirs)
		}
	}
	if ways["wrong"] > 5 || ways["written anew"] > 25 {
		t.Errorf("%v", ways)
	}
}
