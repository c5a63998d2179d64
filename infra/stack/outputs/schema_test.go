package outputs_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"secure-media-cdn/infra/stack/outputs"
)

// schema returns the JSON schema of the outputs, indented, as in schema.json.
func schema() ([]byte, error) {
	root, err := schemaOf(reflect.TypeFor[outputs.Outputs](), "")
	if err != nil {
		return nil, err
	}
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "Outputs of a secure-media-cdn stack"
	out, err := json.MarshalIndent(root, "", "  ")
	return append(out, '\n'), err
}

// schemaOf describes a type; tags are those of the field that has it.
func schemaOf(t reflect.Type, tags reflect.StructTag) (map[string]any, error) {
	s := map[string]any{}
	if doc := tags.Get("doc"); doc != "" {
		s["description"] = doc
	}
	if enum := tags.Get("enum"); enum != "" {
		s["enum"] = strings.Split(enum, ",")
	}
	if example, ok := tags.Lookup("example"); ok {
		value, err := exampleOf(t, example)
		if err != nil {
			return nil, err
		}
		s["examples"] = []any{value}
	}
	var err error
	if t == reflect.TypeFor[json.RawMessage]() {
		s["type"] = "object"
		return s, nil
	}
	switch t.Kind() {
	case reflect.String:
		s["type"], s["minLength"] = "string", 1
	case reflect.Int:
		s["type"], s["minimum"] = "integer", 1
	case reflect.Slice:
		s["type"] = "array"
		s["items"], err = schemaOf(t.Elem(), "")
	case reflect.Map:
		s["type"] = "object"
		s["additionalProperties"], err = schemaOf(t.Elem(), "")
	case reflect.Struct:
		s["type"] = "object"
		err = describeFields(t, s)
	default:
		err = fmt.Errorf("outputs of type %s have no schema", t)
	}
	return s, err
}

func describeFields(t reflect.Type, s map[string]any) error {
	properties, required := map[string]any{}, []string{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		property, err := schemaOf(f.Type, f.Tag)
		if err != nil {
			return fmt.Errorf("output %s: %w", name, err)
		}
		properties[name] = property
		if options != "omitempty" {
			required = append(required, name)
		}
	}
	s["properties"], s["required"] = properties, required
	return nil
}

// exampleOf reads an example's text as a value of type t.
func exampleOf(t reflect.Type, text string) (any, error) {
	if t.Kind() == reflect.String {
		return text, nil
	}
	v := reflect.New(t)
	if err := json.Unmarshal([]byte(text), v.Interface()); err != nil {
		return nil, fmt.Errorf("example %s: %w", text, err)
	}
	return v.Elem().Interface(), nil
}
