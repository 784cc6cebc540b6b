package project

import (
	"encoding/json"
	"maps"
	"reflect"
)

// Schema is the JSON Schema (2020-12) of tug.yaml for editors, made from the
// types that Load decodes into. What needs more than one place of the file to
// decide (references, cycles) is beyond it.
func Schema() []byte {
	s := mapSchema(reflect.TypeFor[document]())
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = FileName
	s["description"] = "A config repository of tug: what runs where."
	app := mapSchema(reflect.TypeFor[App]())
	app["type"] = "object"
	app["oneOf"] = []any{required("chart"), required("kustomize"), required("manifests")}
	app["dependentRequired"] = map[string]any{"values": []any{"chart"}, "set": []any{"chart"}}
	s["$defs"] = map[string]any{
		"Environment": mapSchema(reflect.TypeFor[Environment]()),
		"App":         app,
		"Place":       mapSchema(reflect.TypeFor[Place]()),
		"Channel":     mapSchema(reflect.TypeFor[Channel]()),
		"Wording":     mapSchema(reflect.TypeFor[Wording]()),
	}
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		// Maps of text, numbers and lists always have a JSON form.
		panic(err)
	}
	return append(data, '\n')
}

func required(key string) any { return map[string]any{"required": []any{key}} }

// mapSchema is the schema of a map with known keys.
func mapSchema(t reflect.Type) map[string]any {
	properties := map[string]any{}
	var needed []any
	fields := fieldsOf(t)
	for _, f := range fields {
		s := f.schema()
		s["description"] = f.doc
		properties[f.name] = s
		if f.required {
			needed = append(needed, f.name)
		}
	}
	s := map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
	if needed != nil {
		s["required"] = needed
	} else {
		s["type"] = []any{"object", "null"}
	}
	return s
}

func (f field) schema() map[string]any {
	if s, ok := reflect.New(f.typ).Interface().(shaped); ok {
		return s.schema()
	}
	switch f.typ.Kind() {
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int:
		return with(f.rule.schema(), "type", "integer")
	case reflect.Slice:
		if f.typ.Elem().Kind() == reflect.Struct {
			return map[string]any{"type": "array", "items": mapSchema(f.typ.Elem())}
		}
		items := with(f.rule.schema(), "type", "string")
		if len(f.enum) > 0 {
			items["enum"] = f.enum
		}
		return map[string]any{"type": "array", "items": items}
	case reflect.Struct:
		return mapSchema(f.typ)
	case reflect.Map:
		s := map[string]any{
			"type": "object", "propertyNames": nameRule.schema(),
			"additionalProperties": map[string]any{"$ref": "#/$defs/" + f.typ.Elem().Name()},
		}
		if f.required {
			s["minProperties"] = 1
		}
		return s
	}
	if len(f.enum) > 0 {
		return map[string]any{"type": "string", "enum": f.enum}
	}
	return with(f.rule.schema(), "type", "string")
}

func with(s map[string]any, key string, value any) map[string]any {
	s = maps.Clone(s)
	if s == nil {
		s = map[string]any{}
	}
	s[key] = value
	return s
}
