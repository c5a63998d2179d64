// Package plan defines the plan document: every resource that the Pulumi
// program registers for a stack, and the stack's outputs, as plain JSON values.
//
// It is what `make plan` prints and what the local run makes real, so a program
// and its plan can be compared, and acted on, without the Pulumi SDK.
package plan

// Document is one evaluation of the program for one stack.
type Document struct {
	Resources []Resource     `json:"resources"`
	Outputs   map[string]any `json:"outputs"`
}

// Resource is one registered resource. Values in Inputs and Outputs are those
// of encoding/json: bool, float64, string, []any, map[string]any and nil.
type Resource struct {
	// Type is the Pulumi type token, for example "aws:s3/bucketV2:BucketV2".
	Type string `json:"type"`
	// Name is the logical name, unique within its type.
	Name string `json:"name"`
	// ID is the identifier that the cloud would give; other resources' inputs
	// refer to it. It is made up, and is not part of the printed document.
	ID string `json:"-"`
	// Parent and Provider are logical names; empty means the stack itself and
	// the default provider.
	Parent   string `json:"parent"`
	Provider string `json:"provider"`
	// Region is the AWS region of the provider, empty if the stack's default.
	Region  string         `json:"region"`
	Inputs  map[string]any `json:"inputs"`
	Options Options        `json:"options"`
	// Outputs are the made-up values that the program saw for the resource's
	// computed properties, its inputs included.
	Outputs map[string]any `json:"-"`
}

// Options are the resource options that change what happens to a resource
// rather than what it is.
type Options struct {
	// Read means that somebody else made the resource, and the program only reads it.
	Read           bool     `json:"read,omitempty"`
	Protect        bool     `json:"protect,omitempty"`
	RetainOnDelete bool     `json:"retainOnDelete,omitempty"`
	IgnoreChanges  []string `json:"ignoreChanges,omitempty"`
	DependsOn      []string `json:"dependsOn,omitempty"`
}

// Find returns the resource with the given type token and logical name.
func (d *Document) Find(typ, name string) (Resource, bool) {
	for _, r := range d.Resources {
		if r.Type == typ && r.Name == name {
			return r, true
		}
	}
	return Resource{}, false
}

// ByType returns all resources with the given type token, in their order in
// the document.
func (d *Document) ByType(typ string) []Resource {
	var found []Resource
	for _, r := range d.Resources {
		if r.Type == typ {
			found = append(found, r)
		}
	}
	return found
}

// ByID returns the resource of the given type whose made-up identifier is id.
func (d *Document) ByID(typ, id string) (Resource, bool) {
	for _, r := range d.Resources {
		if r.Type == typ && r.ID == id {
			return r, true
		}
	}
	return Resource{}, false
}
