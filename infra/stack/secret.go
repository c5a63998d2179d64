package stack

import (
	"encoding/json"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Secret is a value that must not be printed.
type Secret string

// StandIns are values of the right form for each secret key, for evaluating a
// stack whose secrets cannot be read. They seal nothing worth sealing.
func StandIns() map[string]string {
	zeros := strings.Repeat("00", 32)
	return map[string]string{"linkKey": "2:" + zeros, "previousLinkKey": "1:" + zeros}
}

// String hides the value from logs and error messages.
func (Secret) String() string { return "[secret]" }

// GoString hides the value from %#v.
func (Secret) GoString() string { return "[secret]" }

// input returns the value as one that Pulumi keeps secret in its state.
func (s Secret) input() pulumi.StringOutput {
	return pulumi.ToSecret(pulumi.String(string(s))).(pulumi.StringOutput)
}

// MarshalJSON hides the value from encoded configurations.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }
