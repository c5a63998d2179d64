// Package inputs reads the inputs of a plan's resources so that none of them is overlooked.
package inputs

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/go-viper/mapstructure/v2"

	"secure-media-cdn/infra/plan"
)

// Decode reads a resource's inputs into a struct with a field for every property that is supported. All that the
// struct does not know, however deep, and every value of the wrong type, is part of the error by its property path.
// The top-level properties that are listed are left out: somebody says elsewhere why they have no effect.
func Decode(r plan.Resource, into any, listed map[string]string) error {
	given := map[string]any{}
	for name, value := range r.Inputs {
		if _, out := listed[name]; !out {
			given[name] = value
		}
	}
	var meta mapstructure.Metadata
	decoder, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{Result: into, Metadata: &meta,
		DecodeHook: wholeNumbers, TagName: "json"})
	if err != nil {
		return err
	}
	var problems []error
	if err := decoder.Decode(given); err != nil {
		problems = append(problems, fmt.Errorf("%s %s: %s", r.Type, r.Name, spelled(err.Error())))
	}
	slices.Sort(meta.Unused)
	for _, path := range meta.Unused {
		problems = append(problems, fmt.Errorf("%s %s: property %s is not supported on one machine", r.Type, r.Name,
			spelled(path)))
	}
	return errors.Join(problems...)
}

var fieldStart = regexp.MustCompile(`(^|\.|')[A-Z]`)

// spelled names properties as the plan does, which mapstructure calls by their fields.
func spelled(path string) string { return fieldStart.ReplaceAllStringFunc(path, strings.ToLower) }

// wholeNumbers refuses to cut the fraction off a JSON number, as mapstructure would.
func wholeNumbers(_, to reflect.Type, data any) (any, error) {
	if f, ok := data.(float64); ok && to.Kind() == reflect.Int && f != math.Trunc(f) {
		return nil, fmt.Errorf("%v is not a whole number", f)
	}
	return data, nil
}
