package archtest

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/tugops/tug/"

// listed is one package as `go list` sees it.
type listed struct {
	ImportPath   string
	Dir          string
	Doc          string
	GoFiles      []string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func (p listed) name() string {
	return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "internal/")
}

func load(t *testing.T) []listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Dir,Doc,GoFiles,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = root(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p listed
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
	return packages
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestPackagesAreInTheTable(t *testing.T) {
	t.Parallel()
	table := Table()
	seen := map[string]bool{}
	for _, p := range load(t) {
		seen[p.name()] = true
		if _, ok := table[p.name()]; !ok {
			t.Errorf("package %s is not in the table", p.name())
		}
		if p.Doc == "" && len(p.GoFiles) > 0 {
			t.Errorf("package %s has no package comment", p.name())
		}
	}
	for name := range table {
		if !seen[name] {
			t.Errorf("the table lists package %s, which does not exist", name)
		}
	}
}

func TestImportsAreInTheTable(t *testing.T) {
	t.Parallel()
	table := Table()
	for _, p := range load(t) {
		rule := table[p.name()]
		for _, imported := range p.Imports {
			if !rule.allows(imported) {
				t.Errorf("%s imports %s, which the table does not allow", p.name(), imported)
			}
			if own, ok := ownName(imported); ok && slices.Contains(TestOnly(), own) && !slices.Contains(TestOnly(), p.name()) {
				t.Errorf("%s imports %s, which is for tests only", p.name(), own)
			}
		}
	}
}

func (r Rule) allows(imported string) bool {
	if own, ok := ownName(imported); ok {
		return slices.Contains(r.Imports, own)
	}
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
		return true
	}
	return slices.ContainsFunc(r.Libraries, func(prefix string) bool { return strings.HasPrefix(imported+"/", strings.TrimSuffix(prefix, "/")+"/") })
}

func ownName(imported string) (string, bool) {
	rest, ok := strings.CutPrefix(imported, module)
	return strings.TrimPrefix(rest, "internal/"), ok
}

func TestPackagesAreDocumented(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile(filepath.Join(root(t), "docs", "dev.md"))
	if err != nil {
		t.Fatal(err)
	}
	for name := range Table() {
		if !strings.Contains(string(doc), "`"+name+"`") {
			t.Errorf("docs/dev.md does not mention package `%s`", name)
		}
	}
}

func TestFences(t *testing.T) {
	t.Parallel()
	for _, p := range load(t) {
		if slices.Contains(TestOnly(), p.name()) {
			continue
		}
		for _, file := range p.GoFiles {
			checkFences(t, p.name(), filepath.Join(p.Dir, file))
		}
	}
}

func checkFences(t *testing.T, pkg, file string) {
	t.Helper()
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for _, imp := range tree.Imports {
		path, err := strconv.Unquote(imp.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		name := path[strings.LastIndex(path, "/")+1:]
		if imp.Name != nil {
			name = imp.Name.Name
		}
		names[name] = path
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		id, ok := sel.X.(*ast.Ident)
		if !ok || id.Obj != nil {
			return true
		}
		symbol := names[id.Name] + "." + sel.Sel.Name
		for _, f := range Fences() {
			if f.Symbol == symbol && !slices.Contains(f.Allowed, pkg) {
				t.Errorf("%s: %s uses %s: %s", set.Position(sel.Pos()), pkg, symbol, f.Why)
			}
		}
		return true
	})
}

// Nothing in the product may carry an init function or the words of unfinished
// work.
func TestNoInitFunctions(t *testing.T) {
	t.Parallel()
	err := filepath.WalkDir(root(t), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == ".cache" || d.Name() == "testdata" || d.Name() == "lab" || d.Name() == "bench") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		tree, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		for _, decl := range tree.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s has an init function", path)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The table is read as the architecture: an edge that nobody uses would lie.
func TestEdgesOfTheTableAreUsed(t *testing.T) {
	t.Parallel()
	table := Table()
	for _, p := range load(t) {
		rule := table[p.name()]
		for _, edge := range rule.Imports {
			if !slices.ContainsFunc(p.Imports, func(i string) bool { own, ok := ownName(i); return ok && own == edge }) {
				t.Errorf("the table lets %s import %s, and it does not", p.name(), edge)
			}
		}
		for _, prefix := range rule.Libraries {
			one := Rule{Libraries: []string{prefix}}
			if !slices.ContainsFunc(p.Imports, func(i string) bool { return strings.Contains(i, ".") && one.allows(i) }) {
				t.Errorf("the table lets %s import %s, and it does not", p.name(), prefix)
			}
		}
	}
}
