package imagelock

import (
	"go.yaml.in/yaml/v3"
)

// maxRuleDepth bounds rules for text in text in text.
const maxRuleDepth = 8

func (r *reader) rules(n *yaml.Node, depth int) []Rule {
	var rules []Rule
	for _, item := range r.items(n, "searchRules") {
		if depth == 0 {
			r.fail(item, "search rules nest deeper than %d", maxRuleDepth)
			return nil
		}
		rules = append(rules, r.rule(item, depth))
	}
	return rules
}

func (r *reader) rule(n *yaml.Node, depth int) Rule {
	f := r.fields(n, "search rule", "keyMatcher", "valueMatcher", "updateStrategy")
	rule := Rule{Update: UpdateValue, order: orderSearchRule}
	if isNull(f["keyMatcher"]) && isNull(f["valueMatcher"]) {
		r.fail(n, "search rule without keyMatcher and valueMatcher").Hint("such a rule would find every value")
		return rule
	}
	if !isNull(f["keyMatcher"]) {
		rule.Key = r.key(f["keyMatcher"])
	}
	if v := f["valueMatcher"]; !isNull(v) {
		vf := r.fields(v, "valueMatcher", "image", "imageRepo")
		rule.Image, rule.Repo = r.text(vf["image"], "image"), r.text(vf["imageRepo"], "imageRepo")
		if rule.Image == "" && rule.Repo == "" {
			r.fail(v, "valueMatcher without image and imageRepo")
		}
	}
	r.update(f["updateStrategy"], &rule, depth)
	return rule
}

func (r *reader) key(n *yaml.Node) *Key {
	f := r.fields(n, "keyMatcher", "name", "path")
	k := &Key{Name: r.text(f["name"], "name")}
	for _, s := range r.items(f["path"], "path") {
		k.Path = append(k.Path, r.step(s))
	}
	if k.Name == "" && len(k.Path) == 0 {
		r.fail(n, "keyMatcher without name and path")
	}
	return k
}

// step is a string key, {index: 0} or {allIndexes: true}.
func (r *reader) step(n *yaml.Node) Step {
	n = r.follow(n)
	if n.Kind != yaml.MappingNode {
		return Step{Name: r.text(n, "step of a path")}
	}
	f := r.fields(n, "step of a path", "index", "allIndexes")
	if !isNull(f["index"]) {
		s := Step{Index: -1}
		r.anything(f["index"], &s.Index, "index")
		if s.Index < 0 {
			r.fail(n, "index must not be negative")
		}
		return s
	}
	if !r.flag(f["allIndexes"], "allIndexes") {
		r.fail(n, "step of a path is neither a key nor an index").Hint("write a key, {index: 0} or {allIndexes: true}")
	}
	return Step{Index: -1}
}

func (r *reader) update(n *yaml.Node, rule *Rule, depth int) {
	f := r.fields(n, "updateStrategy", string(UpdateNone), string(UpdateValue), string(UpdateJSON), string(UpdateYAML))
	if len(f) > 1 {
		r.fail(n, "updateStrategy with more than one strategy")
		return
	}
	for name, body := range f {
		rule.Update = Update(name)
		switch rule.Update {
		case UpdateJSON, UpdateYAML:
			bf := r.fields(body, name, "searchRules")
			rule.Nested = uniqueRules(r.rules(bf["searchRules"], depth-1))
		default:
			r.fields(body, name)
		}
	}
}
