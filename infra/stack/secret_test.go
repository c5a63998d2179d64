package stack_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/plan/recorder"
	"secure-media-cdn/infra/stack"
)

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

func TestStandInsAreValidKeysAndStandForEverySecret(t *testing.T) {
	keys, err := recorder.Declared(root)
	require.NoError(t, err)
	standIns := stack.StandIns()
	for _, key := range keys {
		if key.Secret {
			assert.NotEmpty(t, standIns[key.Name], key.Name)
		}
	}
	_, err = evaluate("dev", standIns)
	assert.NoError(t, err)
}
