package stage

import (
	"bytes"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

func TestRenderIsCompleteYAML(t *testing.T) {
	data, err := render("the.log", 4711)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(data, []byte("[[ ")) || !bytes.Contains(data, []byte("True:4711")) {
		t.Error("placeholders left, or no port")
	}
	var names []string
	for _, document := range strings.Split(string(data), "\n---\n") {
		var object struct {
			Kind     string
			Metadata struct{ Name string }
		}
		if err := yaml.Unmarshal([]byte(document), &object); err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
		if object.Kind != "" {
			names = append(names, object.Metadata.Name)
		}
	}
	want := "node-ready pod-ready pod-complete pod-fail pod-delete pod-missing pod-missing-backoff pod-crash " +
		"pod-crash-backoff pod-crash-again pod-hang claim-provision volume-delete every-pod"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("documents: %s, want %s", got, want)
	}
}
