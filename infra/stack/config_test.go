package stack_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/recorder"
	"secure-media-cdn/infra/stack"
)

// stageNamed evaluates under another stack name.
func stageNamed(stage string) func(*recorder.Options) {
	return func(o *recorder.Options) { o.Stack = stage }
}

func TestASecretDoesNotShowItself(t *testing.T) {
	secret := stack.Secret("7:very-secret")
	encoded, err := json.Marshal(struct{ Key stack.Secret }{secret})
	require.NoError(t, err)
	for _, shown := range []string{fmt.Sprint(secret), fmt.Sprintf("%v", secret), fmt.Sprintf("%q", secret), fmt.Sprintf("%#v", struct{ Key stack.Secret }{secret}), string(encoded)} {
		assert.NotContains(t, shown, "very-secret")
	}
}

func TestALinkKeyInPlainTextIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "Pulumi.dev.yaml")
	require.NoError(t, os.WriteFile(file, []byte("config:\n  aws:region: eu-central-1\n  secure-media-cdn:linkKey: "+testKey+"\n"), 0o600))
	_, err := evaluate("dev", nil, func(o *recorder.Options) { o.ConfigFile = file })
	require.ErrorContains(t, err, "config linkKey is in plain text: set it with `pulumi config set --secret`")
	assert.NotContains(t, err.Error(), testKey)
}

func TestEveryDeclaredKeyIsRead(t *testing.T) {
	// A value that no key takes: whoever reads the key must object, or the
	// resources must change.
	keys, err := recorder.Declared(root)
	require.NoError(t, err)
	require.NotEmpty(t, keys)
	before, err := json.Marshal(plan(t, "dev", nil))
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
