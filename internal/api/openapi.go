package api

import (
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"time"
)

func (s *Server) openapi(w http.ResponseWriter, _ *http.Request) { write(w, s.Document()) }

// Document is the OpenAPI document (3.1) of the API.
func (s *Server) Document() map[string]any {
	schemas, paths := map[string]any{}, map[string]any{}
	problem := schemaOf(reflect.TypeFor[Problem](), schemas)
	for _, r := range s.routes() {
		ok := map[string]any{"description": r.summary}
		switch {
		case r.stream:
			ok["content"] = map[string]any{"text/event-stream": map[string]any{"schema": map[string]any{"type": "string"}, "x-event": schemaOf(r.answer, schemas)}}
		case r.answer != nil:
			ok["content"] = map[string]any{"application/json": map[string]any{"schema": schemaOf(r.answer, schemas)}}
		}
		operation := map[string]any{
			"summary": r.summary, "operationId": operationID(r.path), "parameters": parameters(r),
			"responses": map[string]any{
				"200":     ok,
				"default": map[string]any{"description": "An error.", "content": map[string]any{"application/json": map[string]any{"schema": problem}}},
			},
		}
		if r.open {
			operation["security"] = []any{}
		}
		paths[r.path] = map[string]any{"get": operation}
	}
	return map[string]any{
		"openapi": "3.1.0",
		"info": map[string]any{
			"title": "tug agent", "version": "v1",
			"description": "What the agent knows, as far as the caller's Kubernetes token may see it. Read-only.",
		},
		"security": []any{map[string]any{"token": []any{}}},
		"paths":    paths,
		"components": map[string]any{
			"schemas":         schemas,
			"securitySchemes": map[string]any{"token": map[string]any{"type": "http", "scheme": "bearer", "description": "A token that the cluster takes: of a user or of a service account."}},
		},
	}
}

var pathExp = regexp.MustCompile(`\{([a-z]+)\}`)

func parameters(r route) []any {
	list := []any{}
	for _, m := range pathExp.FindAllStringSubmatch(r.path, -1) {
		list = append(list, map[string]any{"name": m[1], "in": "path", "required": true, "schema": map[string]any{"type": "string"}})
	}
	for _, p := range r.query {
		schema := map[string]any{"type": "string"}
		if p.integer {
			schema = map[string]any{"type": "integer", "minimum": 1}
		}
		list = append(list, map[string]any{"name": p.name, "in": "query", "required": p.required, "description": p.doc, "schema": schema})
	}
	return list
}

// operationID is the path in one word: getAppsTree.
func operationID(path string) string {
	id := []string{"get"}
	for part := range strings.FieldsFuncSeq(pathExp.ReplaceAllString(path, "one"), func(r rune) bool { return r == '/' || r == '.' }) {
		if part != "api" && part != "v1" {
			id = append(id, strings.ToUpper(part[:1])+part[1:])
		}
	}
	return strings.Join(id, "")
}

// schemaOf is the JSON Schema of a type as encoding/json writes it; types with
// a name become components.
func schemaOf(t reflect.Type, components map[string]any) map[string]any {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case t.Kind() == reflect.Struct:
		name := componentName(t)
		if _, done := components[name]; !done {
			components[name] = map[string]any{} // for types that hold themselves
			components[name] = structSchema(t, components)
		}
		return map[string]any{"$ref": "#/components/schemas/" + name}
	}
	switch t.Kind() {
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem(), components)}
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer"}
	}
	return map[string]any{} // any value
}

var instanceExp = regexp.MustCompile(`\[.*\.([A-Za-z]+)\]$`)

// componentName is the name of a type; List[App] is AppList.
func componentName(t reflect.Type) string {
	if m := instanceExp.FindStringSubmatch(t.Name()); m != nil {
		return m[1] + "List"
	}
	return t.Name()
}

func structSchema(t reflect.Type, components map[string]any) map[string]any {
	properties, required := map[string]any{}, []any{}
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" || name == "" || !f.IsExported() {
			continue
		}
		s := schemaOf(f.Type, components)
		if enum := f.Tag.Get("enum"); enum != "" {
			s["enum"] = strings.Split(enum, "|")
		}
		properties[name] = s
		if !strings.Contains(options, "omit") {
			required = append(required, name)
		}
	}
	return map[string]any{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
}
