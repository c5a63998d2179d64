package recorder

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// plainOptions say how property values become the document's plain ones.
type plainOptions struct {
	root   string // archives below it are named relative to it
	reveal bool   // show secrets
}

// plainMap turns properties into the values of encoding/json.
func plainMap(props resource.PropertyMap, opts plainOptions) (map[string]any, error) {
	out := make(map[string]any, len(props))
	for key, value := range props {
		plain, err := plainValue(value, opts)
		if err != nil {
			return nil, fmt.Errorf("property %s: %w", key, err)
		}
		out[string(key)] = plain
	}
	return out, nil
}

func plainValue(v resource.PropertyValue, opts plainOptions) (any, error) {
	switch {
	case v.IsNull():
		return nil, nil
	case v.IsBool():
		return v.BoolValue(), nil
	case v.IsNumber():
		return v.NumberValue(), nil
	case v.IsString():
		return v.StringValue(), nil
	case v.IsSecret():
		if !opts.reveal {
			return map[string]any{"secret": true}, nil
		}
		return plainValue(v.SecretValue().Element, opts)
	case v.IsArchive():
		path, isPath := v.ArchiveValue().GetPath()
		if !isPath {
			// Archives that Pulumi makes itself lose the execute bit.
			return nil, fmt.Errorf("an archive must be a file on disk")
		}
		if rel, err := filepath.Rel(opts.root, path); filepath.IsAbs(path) && err == nil {
			path = rel
		}
		return map[string]any{"archive": filepath.ToSlash(path)}, nil
	case v.IsArray():
		out := make([]any, 0, len(v.ArrayValue()))
		for i, element := range v.ArrayValue() {
			plain, err := plainValue(element, opts)
			if err != nil {
				return nil, fmt.Errorf("[%d]: %w", i, err)
			}
			out = append(out, plain)
		}
		return out, nil
	case v.IsObject():
		return plainMap(v.ObjectValue(), opts)
	}
	return nil, fmt.Errorf("a value of type %s cannot be shown", v.TypeString())
}

// viaJSON turns any value into those of encoding/json.
func viaJSON(v any) (map[string]any, error) {
	encoded, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var out map[string]any
	return out, json.Unmarshal(encoded, &out)
}
