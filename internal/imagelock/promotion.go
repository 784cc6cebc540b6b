package imagelock

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/fault"
)

// Promotion says which build of a part of an app a lock file is at, so that an
// older build that comes later is told apart from a newer one. In tug's form it
// is an entry of "promotions"; kbld's form has no place for it but a comment,
// which kbld passes over.
type Promotion struct {
	// Of is the part: the app itself, or a chart or image of it.
	Of string `json:"of"`
	// Version is for people; empty when only digests were promoted.
	Version string `json:"version,omitempty"`
	// Sequence orders the builds of a part; 0 where the build has none. Newest
	// is the highest that was ever promoted, where a rollback went below it.
	Sequence int64 `json:"sequence,omitempty"`
	Newest   int64 `json:"newest,omitempty"`
	// Key is that of the intent, which is not carried out twice.
	Key string `json:"key,omitempty"`
	// Repository and Commit are what it was built from.
	Repository string `json:"repository,omitempty"`
	Commit     string `json:"commit,omitempty"`
	// Images are those that came with it, as the locks name them.
	Images []string `json:"images,omitempty"`
}

// Highest is the sequence that a build must exceed to be newer.
func (p Promotion) Highest() int64 { return max(p.Sequence, p.Newest) }

// promotion reads an entry of "promotions".
func (r *reader) promotion(n *yaml.Node) Promotion {
	f := r.fields(n, "promotion of an ImageLock", "of", "version", "sequence", "newest", "key", "source", "images")
	source := r.fields(f["source"], "source", "repository", "commit")
	p := Promotion{
		Of: r.text(f["of"], "of"), Version: r.text(f["version"], "version"), Key: r.text(f["key"], "key"),
		Sequence: r.number(f["sequence"], "sequence"), Newest: r.number(f["newest"], "newest"),
		Repository: r.text(source["repository"], "repository"), Commit: r.text(source["commit"], "commit"),
	}
	for _, image := range r.items(f["images"], "images") {
		p.Images = append(p.Images, r.text(image, "image"))
	}
	if p.Of == "" && r.err == nil {
		r.fail(n, "promotion needs a name (of)")
	}
	return p
}

// number reads a whole number that is not negative; nothing is 0.
func (r *reader) number(n *yaml.Node, what string) int64 {
	if isNull(n) || r.err != nil {
		return 0
	}
	v, err := strconv.ParseInt(n.Value, 10, 64)
	if n.Kind != yaml.ScalarNode || err != nil || v < 0 {
		r.fail(n, "%s %q is no whole number", what, n.Value)
		return 0
	}
	return v
}

// encode is the entry in tug's form.
func (p Promotion) encode() string {
	var b strings.Builder
	line := func(indent, key, text string) {
		if text != "" {
			fmt.Fprintf(&b, "%s%s: %s\n", indent, key, scalar(text))
		}
	}
	line("- ", "of", p.Of)
	line("  ", "version", p.Version)
	for _, n := range []struct {
		key   string
		value int64
	}{{"sequence", p.Sequence}, {"newest", p.Newest}} {
		if n.value > 0 {
			fmt.Fprintf(&b, "  %s: %d\n", n.key, n.value)
		}
	}
	line("  ", "key", p.Key)
	if p.Repository != "" || p.Commit != "" {
		b.WriteString("  source:\n")
		line("    ", "repository", p.Repository)
		line("    ", "commit", p.Commit)
	}
	if len(p.Images) > 0 {
		b.WriteString("  images:\n")
		for _, image := range p.Images {
			fmt.Fprintf(&b, "  - %s\n", scalar(image))
		}
	}
	return b.String()
}

// promotionMark begins the comment that holds a promotion in kbld's form.
const promotionMark = "# tug promotion: "

func (p Promotion) comment() (string, error) {
	data, err := json.Marshal(p)
	return promotionMark + string(data) + "\n", err
}

// commentPromotions reads the comments at the beginning of a file.
func commentPromotions(name string, data []byte) ([]Promotion, error) {
	var list []Promotion
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		if !strings.HasPrefix(line, "#") {
			break
		}
		text, ok := strings.CutPrefix(strings.TrimSpace(line), promotionMark)
		if !ok {
			continue
		}
		var p Promotion
		if err := json.Unmarshal([]byte(text), &p); err != nil || p.Of == "" {
			return nil, fault.New(fault.Invalid, "%s:%d: the comment of a promotion cannot be read", name, n).
				Hint("take the file from an earlier commit, or remove the line: the next promotion writes it anew")
		}
		list = append(list, p)
	}
	return list, nil
}
