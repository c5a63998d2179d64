package stack

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/texttheater/golang-levenshtein/levenshtein"
)

// reader reads configuration values and collects what is wrong with them.
type reader struct {
	ctx      *pulumi.Context
	config   map[string]string
	known    map[string]bool // the keys that were read
	problems []error
}

func (r *reader) problem(key, format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf("config %s "+format, append([]any{key}, args...)...))
}

// region returns the region of the default provider.
func (r *reader) region() string {
	region := r.config["aws:region"]
	if region == "" {
		r.problem("aws:region", "is missing: set the stack's home region")
	}
	return region
}

// text returns the key's value. Pulumi itself makes sure that every declared
// key has one.
func (r *reader) text(key string) string {
	full := r.ctx.Project() + ":" + key
	r.known[full] = true
	return r.config[full]
}

func (r *reader) number(key string) int {
	value := r.text(key)
	n, err := strconv.Atoi(value)
	if err != nil {
		r.problem(key, "is %q: it must be a whole number", value)
	}
	return n
}

func (r *reader) boolean(key string) bool {
	value := r.text(key)
	b, err := strconv.ParseBool(value)
	if err != nil {
		r.problem(key, "is %q: it must be true or false", value)
	}
	return b
}

// structure reads a list or an object. A misspelt field of an object is an
// error.
func (r *reader) structure(key string, into any) {
	value := r.text(key)
	if err := strictJSON([]byte(value), into); err != nil {
		r.problem(key, "is %s: %s", value, plainJSON(err))
	}
}

// plainJSON says without Go's words what is wrong with a value's form.
func plainJSON(err error) string {
	var wrong *json.UnmarshalTypeError
	if !errors.As(err, &wrong) {
		return strings.TrimPrefix(err.Error(), "json: ")
	}
	want := cmp.Or(map[reflect.Kind]string{reflect.String: "a string", reflect.Int: "a whole number",
		reflect.Slice: "a list"}[wrong.Type.Kind()], "an object")
	return fmt.Sprintf("%s must be %s, not the JSON %s", cmp.Or(wrong.Field, "each of its values"), want, wrong.Value)
}

// refuseUnknown finds keys of the project that nothing has read. Pulumi passes
// them on silently, so a misspelt key would leave its default in force.
func (r *reader) refuseUnknown() {
	for _, full := range slices.Sorted(maps.Keys(r.config)) {
		namespace, key, _ := strings.Cut(full, ":")
		if namespace == r.ctx.Project() && !r.known[full] {
			r.problem(key, "is not a key of this program: did you mean %s?", r.nearest(key))
		}
	}
}

// nearest returns the known key that takes the fewest edits to get to.
func (r *reader) nearest(key string) string {
	best, fewest := "", math.MaxInt
	for _, full := range slices.Sorted(maps.Keys(r.known)) {
		_, known, _ := strings.Cut(full, ":")
		edits := levenshtein.DistanceForStrings([]rune(strings.ToLower(key)), []rune(strings.ToLower(known)),
			levenshtein.DefaultOptionsWithSub)
		if edits < fewest {
			best, fewest = known, edits
		}
	}
	return best
}
