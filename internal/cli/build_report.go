package cli

import (
	"fmt"
	"strings"

	"github.com/tugops/tug/internal/build"
	"github.com/tugops/tug/internal/registry"
)

// report writes the result.
func (o buildOptions) report(env *Env, r *build.Result) error {
	if env.Global.JSON() {
		return env.writeJSON("", r)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "version %s", r.Version)
	if r.Commit != "" {
		fmt.Fprintf(&b, " of commit %.12s", r.Commit)
	}
	if r.Dirty {
		b.WriteString(", with changes that are not committed")
	}
	b.WriteString("\n")
	for _, i := range r.Images {
		fmt.Fprintf(&b, "image %s: %s\n", i.Name, imageLine(i))
	}
	for _, c := range r.Charts {
		fmt.Fprintf(&b, "chart %s %s: %s\n", c.Name, c.Version, chartLine(c))
	}
	if r.Lock != "" {
		fmt.Fprintf(&b, "lock: %s\n", r.Lock)
	}
	return env.write("", []byte(b.String()))
}

func imageLine(i build.BuiltImage) string {
	at := i.Repository
	if at != "" && i.Tag != "" {
		at += ":" + i.Tag
	}
	var words []string
	for _, w := range []string{at, i.Digest} {
		if w != "" {
			words = append(words, w)
		}
	}
	text := strings.Join(append(words, string(i.State)), " ")
	if i.State == build.Planned {
		text += ", from " + i.From
	}
	if len(i.Platforms) > 1 {
		text += " (" + strings.Join(i.Platforms, ", ") + ")"
	}
	return text
}

func chartLine(c build.BuiltChart) string {
	var words []string
	if c.Repository != "" {
		words = append(words, registry.ChartAddress(c.Repository, c.Name))
	}
	if c.Digest != "" {
		words = append(words, c.Digest)
	}
	return strings.Join(append(words, string(c.State)), " ")
}
