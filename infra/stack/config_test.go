package stack_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/plan/recorder"
)

// stageNamed evaluates under another stack name.
func stageNamed(stage string) func(*recorder.Options) {
	return func(o *recorder.Options) { o.Stack = stage }
}

func TestEveryDeclaredKeyIsRead(t *testing.T) {
	// A value that no key takes: whoever reads the key must object, or the
	// resources must change.
	keys, err := recorder.Declared(root)
	require.NoError(t, err)
	require.NotEmpty(t, keys)
	before, err := json.Marshal(planOf(t, "dev", nil))
	require.NoError(t, err)
	for _, key := range keys {
		t.Run(key.Name, func(t *testing.T) {
			doc, err := evaluate("dev", config{key.Name: "#?"})
			if err != nil {
				assert.ErrorContains(t, err, "config "+key.Name)
				return
			}
			after, err := json.Marshal(doc)
			require.NoError(t, err)
			assert.NotEqual(t, string(before), string(after), "the key is declared and described but decides nothing")
		})
	}
}

func TestEveryKeyIsTypedAndDescribed(t *testing.T) {
	keys, err := recorder.Declared(root)
	require.NoError(t, err)
	for _, key := range keys {
		assert.Regexp(t, `^(string|integer|boolean|object|array<(string|object)>)$`, key.Type, key.Name)
		assert.Regexp(t, `^[A-Z].*\.$`, key.Description, key.Name)
	}
}
