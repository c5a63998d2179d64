package variant

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"secure-media-cdn/function/seal"
)

// MaxVariants is how many variants a stack may name: each of them, in each
// format, is one more transformation that a viewer of a photo can cause.
const MaxVariants = 40

// CheckName returns an error that says why name cannot be the name of a variant,
// which is the last segment of its path.
func CheckName(name string) error {
	if name == seal.Download {
		return fmt.Errorf("%q stands for the photo as an attachment; choose another name", name)
	}
	if !seal.IsName(name) {
		return fmt.Errorf("%q: a name must be a letter from a to z and then at most %d of a to z, 0 to 9 and -",
			name, seal.MaxNameLength-1)
	}
	return nil
}

// EncodeSet returns the one spelling of named definitions, sorted by name, as in
// "avatar:width=96,height=96,fit=cover;w320:width=320". It is how the
// distribution tells the edge function what the names stand for.
func EncodeSet(set map[string]Variant) string {
	parts := make([]string, 0, len(set))
	for _, name := range slices.Sorted(maps.Keys(set)) {
		parts = append(parts, name+":"+set[name].String())
	}
	return strings.Join(parts, ";")
}

// ParseSet reads what EncodeSet writes of at least one definition, and nothing
// else.
func ParseSet(s string) (map[string]Variant, error) {
	set := map[string]Variant{}
	for part := range strings.SplitSeq(s, ";") {
		name, definition, _ := strings.Cut(part, ":")
		if err := CheckName(name); err != nil {
			return nil, fmt.Errorf("reading variants: %w", err)
		}
		v, err := Parse(definition)
		if err != nil {
			return nil, fmt.Errorf("reading variants: %s: %w", name, err)
		}
		set[name] = v
	}
	if EncodeSet(set) != s {
		return nil, fmt.Errorf("reading variants: the names are not sorted, or one is there twice: %q", s)
	}
	return set, nil
}
