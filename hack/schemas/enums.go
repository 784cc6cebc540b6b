package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// readEnums reads the types of k8s.io/api: for each definition (by its name in
// the OpenAPI documents) the fields that hold an enumeration, and its values.
func readEnums(dir string) (map[string]map[string][]string, error) {
	found := map[string]map[string][]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		if strings.Count(rel, "/") != 1 || strings.HasPrefix(rel, "testdata") {
			return nil
		}
		p := enumPackage{values: map[string][]string{}, enums: map[string]bool{}}
		if err := p.read(path); err != nil {
			return err
		}
		prefix := "io.k8s.api." + strings.ReplaceAll(rel, "/", ".") + "."
		for name, fields := range p.fields() {
			found[prefix+name] = fields
		}
		return nil
	})
	return found, err
}

// enumPackage are the declarations of one package.
type enumPackage struct {
	files  []*ast.File
	enums  map[string]bool
	values map[string][]string
}

func (p *enumPackage) read(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return err
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		p.files = append(p.files, parsed)
		for _, d := range parsed.Decls {
			if g, ok := d.(*ast.GenDecl); ok {
				p.declaration(g)
			}
		}
	}
	return nil
}

func (p *enumPackage) declaration(g *ast.GenDecl) {
	for _, s := range g.Specs {
		switch spec := s.(type) {
		case *ast.TypeSpec:
			if marked(g.Doc, "+enum") || marked(spec.Doc, "+enum") {
				p.enums[spec.Name.Name] = true
			}
		case *ast.ValueSpec:
			typ, ok := spec.Type.(*ast.Ident)
			if g.Tok != token.CONST || !ok || marked(spec.Doc, "+k8s:enumExclude") {
				continue
			}
			for _, v := range spec.Values {
				lit, ok := v.(*ast.BasicLit)
				if !ok || lit.Kind != token.STRING {
					continue
				}
				text, err := strconv.Unquote(lit.Value)
				if err == nil && !slices.Contains(p.values[typ.Name], text) {
					p.values[typ.Name] = append(p.values[typ.Name], text)
				}
			}
		}
	}
}

func marked(doc *ast.CommentGroup, mark string) bool {
	if doc == nil {
		return false
	}
	for _, c := range doc.List {
		if strings.TrimSpace(strings.TrimPrefix(c.Text, "//")) == mark {
			return true
		}
	}
	return false
}

// fields are the JSON names of struct fields whose type is an enumeration, a
// list of one or a map to one.
func (p *enumPackage) fields() map[string]map[string][]string {
	found := map[string]map[string][]string{}
	for _, f := range p.files {
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if s, ok := spec.Type.(*ast.StructType); ok {
				if fields := p.structFields(s); len(fields) > 0 {
					found[spec.Name.Name] = fields
				}
			}
			return false
		})
	}
	return found
}

func (p *enumPackage) structFields(s *ast.StructType) map[string][]string {
	fields := map[string][]string{}
	for _, f := range s.Fields.List {
		name := element(f.Type)
		if !p.enums[name] || f.Tag == nil {
			continue
		}
		tag, _ := strconv.Unquote(f.Tag.Value)
		key, _, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
		values := slices.Clone(p.values[name])
		slices.Sort(values)
		fields[key] = values
	}
	return fields
}

func element(e ast.Expr) string {
	switch t := e.(type) {
	case *ast.Ident:
		return t.Name
	case *ast.StarExpr:
		return element(t.X)
	case *ast.ArrayType:
		return element(t.Elt)
	case *ast.MapType:
		return element(t.Value)
	}
	return ""
}
