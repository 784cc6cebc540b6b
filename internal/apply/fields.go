package apply

import (
	"strings"

	v1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/tugops/tug/internal/object"
)

// maxLine bounds one line of a message, in bytes.
const maxLine = 400

// mapAt follows keys through nested maps; nil when one is missing.
func mapAt(m map[string]any, keys ...string) map[string]any {
	for _, k := range keys {
		m, _ = m[k].(map[string]any)
	}
	return m
}

// selectorOf is spec.selector of a workload; labels.Nothing, which is not
// Empty but matches nothing, when it has none or it cannot be read.
func selectorOf(o *object.Object) labels.Selector {
	fields := mapAt(o.Fields, "spec", "selector")
	var s v1.LabelSelector
	if fields == nil || runtime.DefaultUnstructuredConverter.FromUnstructured(fields, &s) != nil {
		return labels.Nothing()
	}
	selector, err := v1.LabelSelectorAsSelector(&s)
	if err != nil || selector.Empty() {
		return labels.Nothing()
	}
	return selector
}

// oneLine brings text into one line of bounded length.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) <= maxLine {
		return text
	}
	return strings.ToValidUTF8(text[:maxLine], "") + "..."
}
