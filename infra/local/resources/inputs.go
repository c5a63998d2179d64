package resources

import (
	"fmt"

	"github.com/go-viper/mapstructure/v2"

	"secure-media-cdn/infra/plan"
)

// decode reads a resource's inputs into a struct with a field for everything
// that is supported. What the struct does not know, however deep, is an error
// with its path; the top level was checked before, against kinds.
func decode(r plan.Resource, into any) error {
	inputs := map[string]any{}
	for name, value := range r.Inputs {
		if _, not := kinds[r.Type].not[name]; !not {
			inputs[name] = value
		}
	}
	d, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{Result: into, ErrorUnused: true, TagName: "json"})
	if err != nil {
		return err
	}
	if err := d.Decode(inputs); err != nil {
		return fmt.Errorf("%s %s is not implemented in this form: %w", r.Type, r.Name, err)
	}
	return nil
}

// text returns an output that the program saw, or "".
func text(r plan.Resource, name string) string {
	s, _ := r.Outputs[name].(string)
	return s
}
