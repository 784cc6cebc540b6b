package yamledit_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tugops/tug/internal/yamledit"
)

// BenchmarkSet sets one value in a values file of 500 apps.
func BenchmarkSet(b *testing.B) {
	var text strings.Builder
	for i := range 500 {
		fmt.Fprintf(&text, "app%d:\n  image: {repository: registry.example/app%d, tag: v1} # text\n  replicas: 3\n", i, i)
	}
	data := []byte(text.String())
	e := yamledit.Edit{Path: yamledit.Keys("app250", "image", "tag"), Value: yamledit.String("v2")}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := yamledit.Set("values.yaml", data, e); err != nil {
			b.Fatal(err)
		}
	}
}
