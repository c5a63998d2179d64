package outputs

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"secure-media-cdn/function/variant"
)

// flat renders an output's value in one line.
func flat(v reflect.Value) string {
	switch value := v.Interface().(type) {
	case []string:
		return strings.Join(value, ",")
	case []Service:
		pairs := make([]string, 0, len(value))
		for _, s := range value {
			pair := s.Name + "=" + s.Access
			if s.Viewers == ViewersTicket {
				pair += "=" + s.Viewers
			}
			pairs = append(pairs, pair)
		}
		return strings.Join(pairs, ",")
	case json.RawMessage:
		return string(value)
	case map[string]variant.Variant:
		return variant.EncodeSet(value)
	case map[string]string:
		pairs := make([]string, 0, len(value))
		for _, key := range slices.Sorted(maps.Keys(value)) {
			pairs = append(pairs, key+"="+value[key])
		}
		return strings.Join(pairs, ",")
	}
	return fmt.Sprint(v.Interface())
}

// quote makes s one word for a shell, whatever it holds.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
