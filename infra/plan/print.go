package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"strings"
)

// Print writes the document as indented JSON, for people to read and for diffs
// to show. Policies and dashboards, which are JSON inside a string, are written
// as the structures they hold; source code as its digest.
func (d *Document) Print(w io.Writer) error {
	out := Document{Outputs: d.Outputs, Resources: make([]Resource, 0, len(d.Resources))}
	for _, r := range d.Resources {
		r.Inputs = readable(r.Inputs).(map[string]any)
		out.Resources = append(out.Resources, r)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}

// readable returns a copy of v with every string that holds JSON parsed, and
// every text of many lines replaced by its digest.
func readable(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, value := range v {
			out[key] = readable(value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			out[i] = readable(value)
		}
		return out
	case string:
		if strings.HasPrefix(v, "{") {
			var parsed any
			if json.Unmarshal([]byte(v), &parsed) == nil {
				return parsed
			}
		}
		if strings.Count(v, "\n") > 3 {
			sum := sha256.Sum256([]byte(v))
			return map[string]any{"sha256": hex.EncodeToString(sum[:])}
		}
	}
	return v
}
