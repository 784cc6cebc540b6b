package yamlmerge

import "testing"

// How is by which of its ways the merge of a document is written.
func How(t *testing.T, in Input) string {
	t.Helper()
	o, errO := parse(in.Origin)
	u, errU := parse(in.Ours)
	th, errT := parse(in.Theirs)
	if errO != nil || errU != nil || errT != nil || u == nil || th == nil {
		return "none"
	}
	m := &merger{prefer: in.Prefer, mask: show}
	r := m.merge("", "", o, u, th)
	if r == nil || r.leaf != nil {
		return "whole"
	}
	want, err := build(r.yaml())
	if err != nil {
		return "none"
	}
	text, err := splice(in.Ours, in.Theirs, r)
	if err != nil {
		return "written anew: " + err.Error()
	}
	if !says(text, want) {
		return "wrong: " + string(text)
	}
	return "spliced"
}
