package check

import (
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/tugops/tug/internal/check/problem"
	"github.com/tugops/tug/internal/object"
)

// locator finds the line of the source that gave a field of a rendered object.
// Files are read once.
type locator struct {
	files fs.FS
	mu    sync.Mutex
	read  map[string]*sourceFile
	trees map[string][]string // YAML files of a kustomization and its bases
}

func newLocator(files fs.FS) *locator {
	return &locator{files: files, read: map[string]*sourceFile{}, trees: map[string][]string{}}
}

// maxSource bounds the size of a file that is searched for lines, in bytes.
const maxSource = 4 << 20

// open gives a file, or nil when it cannot be read.
func (l *locator) open(name string) *sourceFile {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f, ok := l.read[name]; ok {
		return f
	}
	l.read[name] = nil
	if l.files == nil || !fs.ValidPath(name) {
		return nil
	}
	info, err := fs.Stat(l.files, name)
	if err != nil || info.IsDir() || info.Size() > maxSource {
		return nil
	}
	data, err := fs.ReadFile(l.files, name)
	if err != nil {
		return nil
	}
	f := newSourceFile(data)
	l.read[name] = f
	return f
}

// place is the line of a field: in the file the object comes from, or in a
// patch of the same kustomization that sets it. A field that stands nowhere
// (it is missing, or made by an included template) has the place of what is
// around it.
func (l *locator) place(paths []string, o *object.Object, p problem.Path) object.Source {
	at := object.Source{File: o.Source.File}
	f := l.open(o.Source.File)
	depth := -1
	if f != nil {
		at.Line, depth = f.find(o, p)
	}
	if depth == len(p) {
		if !f.differs(o, p) {
			return at
		}
		depth-- // a patch that says it goes first
	}
	for _, root := range paths {
		for _, name := range l.overlay(root) {
			if name == o.Source.File {
				continue
			}
			if line, found := l.open(name).findPatch(o, p); found > depth {
				at, depth = object.Source{File: name, Line: line}, found
			}
		}
	}
	return at
}

// overlay lists the YAML files of a kustomization and of its bases, nearest
// first; nothing for other folders.
func (l *locator) overlay(root string) []string {
	l.mu.Lock()
	list, ok := l.trees[root]
	l.mu.Unlock()
	if ok {
		return list
	}
	seen := map[string]bool{}
	list = l.walkKustomization(root, seen, 0)
	l.mu.Lock()
	l.trees[root] = list
	l.mu.Unlock()
	return list
}

// maxBases bounds how deep kustomizations may lie in each other.
const maxBases = 20

func (l *locator) walkKustomization(dir string, seen map[string]bool, depth int) []string {
	if seen[dir] || depth > maxBases {
		return nil
	}
	seen[dir] = true
	var file *sourceFile
	var name string
	for _, n := range []string{"kustomization.yaml", "kustomization.yml", "Kustomization"} {
		name = path.Join(dir, n)
		if file = l.open(name); file != nil {
			break
		}
	}
	if file == nil {
		return nil
	}
	files := []string{name}
	var bases []string
	for _, entry := range file.strings() {
		target := path.Join(dir, entry)
		if !fs.ValidPath(target) || strings.Contains(entry, "\n") {
			continue
		}
		switch info, err := fs.Stat(l.files, target); {
		case err != nil:
		case info.IsDir():
			bases = append(bases, target)
		case slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(target)):
			files = append(files, target)
		}
	}
	for _, b := range bases {
		files = append(files, l.walkKustomization(b, seen, depth+1)...)
	}
	return files
}

// silenced reports whether a comment on the line, or on the one above it, says
// "tug:ignore RULE".
func (l *locator) silenced(file string, line int, rule string) bool {
	if line == 0 {
		return false
	}
	f := l.open(file)
	if f == nil {
		return false
	}
	for _, n := range []int{line - 1, line - 2} {
		if n < 0 || n >= len(f.lines) {
			continue
		}
		_, list, ok := strings.Cut(f.lines[n], "tug:ignore ")
		if !ok {
			continue
		}
		// Above, it must be a comment of its own, not that of another field.
		if above := strings.TrimSpace(f.lines[n]); n == line-2 && !strings.HasPrefix(above, "#") && !strings.HasPrefix(above, "{{") {
			continue
		}
		list, _, _ = strings.Cut(list, "*/")
		list, _, _ = strings.Cut(list, "--") // what follows is the reason
		if slices.Contains(splitRules(list), rule) {
			return true
		}
	}
	return false
}
