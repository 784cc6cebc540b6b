package yamledit_test

import (
	"bytes"
	"fmt"
	"math/rand"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/tugops/tug/internal/yamledit"
)

// TestOnlyTheValueChanges: in documents of every style, setting one value
// leaves all other bytes as they are, and all other values what they were.
func TestOnlyTheValueChanges(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewSource(11))
	values := []string{"v2", "1.10", "it's", "a: b", "x #y", "", "ü, {é}", "true", "registry.example/a@sha256:00"}
	for range 120 {
		d := newDoc(random)
		text := d.text()
		before := decode(t, text)
		for _, l := range d.leaves {
			v := values[random.Intn(len(values))]
			out, err := yamledit.Set("f", []byte(text), yamledit.Edit{Path: l.path, Value: yamledit.String(v)})
			if err != nil {
				t.Fatalf("%s: %v in\n%s", l.path, err, text)
			}
			end := len(text) - l.to
			if !strings.HasPrefix(string(out), text[:l.from]) || !strings.HasSuffix(string(out), text[l.to:]) || len(out) < l.from+end {
				t.Fatalf("%s set to %q touches other bytes:\n%s\nbefore\n%s", l.path, v, out, text)
			}
			want := decode(t, text)
			put(want, l.path, v)
			if got := decode(t, string(out)); !reflect.DeepEqual(got, want) {
				t.Fatalf("%s set to %q:\n%s", l.path, v, cmp.Diff(want, got))
			}
		}
		if !reflect.DeepEqual(before, decode(t, text)) {
			t.Fatal("the input changed")
		}
	}
}

// TestOnlyTheKeyIsAdded: a key that is missing is inserted in one place.
func TestOnlyTheKeyIsAdded(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewSource(12))
	for range 120 {
		d := newDoc(random)
		text := d.text()
		for _, m := range d.maps {
			path := m.Child("added").Child("deep")
			out, err := yamledit.Set("f", []byte(text), yamledit.Edit{Path: path, Value: yamledit.String("v2")})
			if err != nil {
				t.Fatalf("%s: %v in\n%s\n%q", path, err, text, text)
			}
			if n := inserted([]byte(text), out); n < 0 {
				t.Fatalf("%s is not inserted in one place:\n%s\nbefore\n%s", path, out, text)
			}
			want := decode(t, text)
			put(want, path, "v2")
			if got := decode(t, string(out)); !reflect.DeepEqual(got, want) {
				t.Fatalf("%s:\n%s\n%s", path, cmp.Diff(want, got), out)
			}
		}
	}
}

// inserted is how many bytes were inserted in one place, -1 when more changed.
func inserted(before, after []byte) int {
	head := 0
	for head < len(before) && head < len(after) && before[head] == after[head] {
		head++
	}
	if len(after) >= len(before) && bytes.HasSuffix(after, before[head:]) {
		return len(after) - len(before)
	}
	return -1
}

func decode(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return v
}

func put(v any, p yamledit.Path, value string) {
	for i, s := range p {
		switch c := v.(type) {
		case map[string]any:
			if i == len(p)-1 {
				c[s.Key] = value
				return
			}
			if c[s.Key] == nil {
				c[s.Key] = map[string]any{}
			}
			v = c[s.Key]
		case []any:
			if i == len(p)-1 {
				c[s.Index] = value
				return
			}
			v = c[s.Index]
		}
	}
}

// randomDoc is a document whose writer knows where each scalar stands.
type randomDoc struct {
	*rand.Rand
	b      strings.Builder
	eol    string
	leaves []leafAt
	maps   []yamledit.Path
}

type leafAt struct {
	path     yamledit.Path
	from, to int
}

func newDoc(r *rand.Rand) *randomDoc {
	d := &randomDoc{Rand: r, eol: "\n"}
	if r.Intn(4) == 0 {
		d.eol = "\r\n"
	}
	if r.Intn(4) == 0 {
		d.b.WriteString("\ufeff")
	}
	d.noise(0)
	if r.Intn(4) == 0 {
		d.b.WriteString("---" + d.eol)
	}
	d.blockMap(nil, 0, 0, false)
	return d
}

func (d *randomDoc) text() string {
	s := d.b.String()
	if len(d.leaves) == 0 || strings.HasSuffix(strings.TrimSpace(s), "{block") {
		return s // the last line end is part of a block of text
	}
	if last := d.leaves[len(d.leaves)-1]; d.Intn(3) == 0 && last.to <= len(strings.TrimRight(s, "\r\n")) {
		return strings.TrimRight(s, "\r\n")
	}
	return s
}

func (d *randomDoc) noise(indent int) {
	for range d.Intn(3) {
		switch d.Intn(3) {
		case 0:
			d.b.WriteString(d.eol)
		case 1:
			d.b.WriteString(strings.Repeat(" ", indent) + "# é: {not, [yaml" + d.eol)
		}
	}
}

func (d *randomDoc) lineEnd() {
	if d.Intn(3) == 0 {
		d.b.WriteString("  # 'comment' \" ü")
	}
	d.b.WriteString(d.eol)
}

func (d *randomDoc) key(i int) string {
	return []string{"a", "tag", "é", "image-name", "日本", "x.y"}[d.Intn(6)] + fmt.Sprint(i)
}

func (d *randomDoc) scalar(p yamledit.Path, flow bool) {
	from := d.b.Len()
	texts := []string{"v1", `"v 1"`, `'it''s'`, `"a\"b, {"`, "12", "true", "a-b:c", "日本", `"x # y"`, "two words"}
	if !flow {
		texts = append(texts, "a, b", "it's [x]", "v1"+d.eol+strings.Repeat(" ", 20)+"more")
	}
	d.b.WriteString(texts[d.Intn(len(texts))])
	d.leaves = append(d.leaves, leafAt{p, from, d.b.Len()})
}

func (d *randomDoc) blockMap(p yamledit.Path, indent, depth int, started bool) {
	d.maps = append(d.maps, p)
	for i := range 1 + d.Intn(3) {
		if !started || i > 0 {
			d.noise(indent)
			d.b.WriteString(strings.Repeat(" ", indent))
		}
		key := d.key(i)
		d.b.WriteString(key + ":")
		d.value(p.Child(key), indent, depth)
	}
}

func (d *randomDoc) value(p yamledit.Path, indent, depth int) {
	kind := d.Intn(7)
	if depth > 3 {
		kind = 0
	}
	switch kind {
	case 1, 2:
		d.lineEnd()
		d.blockMap(p, indent+1+d.Intn(4), depth+1, false)
	case 3:
		d.lineEnd()
		d.blockList(p, indent+d.Intn(3), depth+1)
	case 4, 5:
		d.b.WriteString(" ")
		d.flow(p, depth+1)
		d.lineEnd()
	case 6:
		d.b.WriteString(" |" + d.eol + strings.Repeat(" ", indent+2) + "a: {block" + d.eol)
	default:
		d.b.WriteString(strings.Repeat(" ", 1+d.Intn(3)))
		d.scalar(p, false)
		d.lineEnd()
	}
}

func (d *randomDoc) blockList(p yamledit.Path, indent, depth int) {
	for i := range 1 + d.Intn(3) {
		d.noise(indent)
		d.b.WriteString(strings.Repeat(" ", indent) + "- ")
		if d.Intn(2) == 0 && depth < 4 {
			d.blockMap(p.At(i), indent+2, depth+1, true)
			continue
		}
		d.scalar(p.At(i), false)
		d.lineEnd()
	}
}

func (d *randomDoc) flow(p yamledit.Path, depth int) {
	if depth > 4 || d.Intn(3) == 0 {
		d.scalar(p, true)
		return
	}
	gap := strings.Repeat(" ", d.Intn(2))
	if d.Intn(2) == 0 {
		d.b.WriteString("[" + gap)
		for i := range 1 + d.Intn(2) {
			if i > 0 {
				d.b.WriteString(", ")
			}
			d.flow(p.At(i), depth+1)
		}
		d.b.WriteString(gap + "]")
		return
	}
	d.maps = append(d.maps, p)
	d.b.WriteString("{" + gap)
	for i := range 1 + d.Intn(2) {
		if i > 0 {
			d.b.WriteString(", ")
		}
		key := d.key(i)
		d.b.WriteString(key + ": ")
		d.flow(p.Child(key), depth+1)
	}
	d.b.WriteString(gap + "}")
}
