package check

import (
	"regexp"
	"strings"

	"github.com/tugops/tug/internal/check/problem"
	"github.com/tugops/tug/internal/object"
)

// template is the text of a template, read by its indentation: what stands in
// it as plain text can be found, whatever the directives around it do.
type template struct {
	lines []templateLine
	docs  [][2]int // first line and the one after the last, of each document
}

// templateLine is one line; key is "" for those without one.
type templateLine struct {
	indent int // of the key; a list mark counts as indentation
	dash   int // indentation of the list mark, -1 without one
	key    string
	value  string
	blank  bool // nothing but directives, comments and white space
}

var (
	directives = regexp.MustCompile(`\{\{.*?\}\}`)
	keyed      = regexp.MustCompile(`^(\s*)((?:-\s+)*)["']?([A-Za-z0-9_./$-]+)["']?\s*:(?:\s+(.*))?$`)
	dashed     = regexp.MustCompile(`^(\s*)-\s`)
)

func newTemplate(lines []string) *template {
	t := &template{}
	start := 0
	for i, raw := range lines {
		t.lines = append(t.lines, readLine(raw))
		if strings.HasPrefix(raw, "---") {
			t.docs = append(t.docs, [2]int{start, i})
			start = i + 1
		}
	}
	t.docs = append(t.docs, [2]int{start, len(lines)})
	return t
}

func readLine(raw string) templateLine {
	l := templateLine{dash: -1}
	text := strings.TrimRight(raw, "\r")
	if bare := strings.TrimSpace(directives.ReplaceAllString(text, "")); bare == "" || strings.HasPrefix(bare, "#") || strings.HasPrefix(bare, "{{") {
		l.blank = true
		return l
	}
	if m := dashed.FindStringSubmatch(text); m != nil {
		l.dash = len(m[1])
		l.indent = l.dash + 2
	}
	if m := keyed.FindStringSubmatch(text); m != nil {
		l.indent, l.key, l.value = len(m[1])+len(m[2]), m[3], strings.TrimSpace(m[4])
	} else if l.dash < 0 {
		l.indent = len(text) - len(strings.TrimLeft(text, " "))
	}
	return l
}

// find gives the 1-based line of a path, and how many of its steps were found;
// -1 when no document of the template can be the object's.
func (t *template) find(o *object.Object, p problem.Path) (line, depth int) {
	doc, head := t.document(o)
	if doc == nil {
		return 0, -1
	}
	at, from, to, indent := head, doc[0], doc[1], -1
	for i, step := range p {
		var next int
		switch s := step.(type) {
		case string:
			next = t.key(from, to, indent, s)
		case int:
			next = t.item(o, p[:i+1], from, to, s)
		}
		if next < 0 {
			return at + 1, i
		}
		at = next
		if _, isItem := step.(int); isItem {
			from, to = next, t.itemEnd(next, to)
			indent = t.lines[next].dash
		} else {
			from, to = next+1, t.blockEnd(next, to)
			indent = t.lines[next].indent
		}
	}
	return at + 1, len(p)
}

// document chooses the one whose kind and name can be the object's; head is the
// line of its kind.
func (t *template) document(o *object.Object) (doc *[2]int, head int) {
	best := 0
	for i := range t.docs {
		d := &t.docs[i]
		kind := t.key(d[0], d[1], -1, "kind")
		if kind < 0 {
			continue
		}
		score := likeness(t.lines[kind].value, o.GVK().Kind) * 10
		if score == 0 {
			continue
		}
		if meta := t.key(d[0], d[1], -1, "metadata"); meta >= 0 {
			if name := t.key(meta+1, t.blockEnd(meta, d[1]), t.lines[meta].indent, "name"); name >= 0 {
				fit := likeness(t.lines[name].value, o.Name())
				if fit == 0 {
					continue
				}
				score += fit
			}
		}
		if score > best {
			best, doc, head = score, d, kind
		}
	}
	return doc, head
}

// likeness says how well the text of a template fits a value: 0 not at all, 1
// if all of it is computed, 2 if its plain parts occur, 3 if it is the value.
func likeness(text, want string) int {
	text = strings.Trim(strings.SplitN(text, " #", 2)[0], `"' `)
	if text == want {
		return 3
	}
	if !strings.Contains(text, "{{") {
		return 0
	}
	rest := want
	plain := false
	for _, part := range directives.Split(text, -1) {
		part = strings.Trim(part, `"' `)
		if part == "" {
			continue
		}
		at := strings.Index(rest, part)
		if at < 0 {
			return 0
		}
		rest, plain = rest[at+len(part):], true
	}
	if plain {
		return 2
	}
	return 1
}

// key finds a key below an indentation: the outermost of that name.
func (t *template) key(from, to, indent int, name string) int {
	best := -1
	for i := from; i < to; i++ {
		l := t.lines[i]
		if l.blank || l.key != name || l.indent <= indent {
			continue
		}
		if best < 0 || l.indent < t.lines[best].indent {
			best = i
		}
	}
	return best
}

// blockEnd is the line after what belongs to a key.
func (t *template) blockEnd(key, limit int) int {
	indent := t.lines[key].indent
	for i := key + 1; i < limit; i++ {
		l := t.lines[i]
		if l.blank {
			continue
		}
		if l.dash >= 0 && l.dash == indent && t.lines[key].dash < 0 {
			continue // a list may stand as far left as its key
		}
		if l.indent <= indent || l.dash >= 0 && l.dash < indent {
			return i
		}
	}
	return limit
}

// item finds an item of a list: by its name where it has one, else by place.
func (t *template) item(o *object.Object, p problem.Path, from, to, place int) int {
	list := -1
	var items []int
	for i := from; i < to; i++ {
		if d := t.lines[i].dash; d >= 0 && (list < 0 || d == list) {
			list = d
			items = append(items, i)
		}
	}
	v, _ := p.Get(o.Fields)
	m, _ := v.(map[string]any)
	if name, ok := m["name"].(string); ok {
		best, found := 0, -1
		for _, i := range items {
			at := t.key(i, t.itemEnd(i, to), list, "name")
			if at < 0 {
				continue
			}
			if fit := likeness(t.lines[at].value, name); fit > best {
				best, found = fit, i
			}
		}
		return found
	}
	if place < len(items) {
		return items[place]
	}
	return -1
}

func (t *template) itemEnd(item, limit int) int {
	dash := t.lines[item].dash
	for i := item + 1; i < limit; i++ {
		l := t.lines[i]
		if !l.blank && (l.dash >= 0 && l.dash <= dash || l.dash < 0 && l.indent <= dash) {
			return i
		}
	}
	return limit
}
