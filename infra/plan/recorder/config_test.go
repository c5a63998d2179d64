package recorder_test

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/plan/recorder"
)

// configured returns the configuration that a program sees.
func configured(t *testing.T, set ...func(*recorder.Options)) map[string]string {
	t.Helper()
	seen := map[string]string{}
	_, err := evaluate(func(ctx *pulumi.Context) error {
		for _, key := range []string{"sample:greeting", "sample:count", "sample:loud", "sample:names", "sample:people", "sample:password", "aws:region", "pulumi:autonaming"} {
			if value, ok := ctx.GetConfig(key); ok {
				seen[key] = value
				if ctx.IsConfigSecret(key) {
					seen[key] += " (secret)"
				}
			}
		}
		return nil
	}, set...)
	require.NoError(t, err)
	return seen
}

func TestConfigurationIsWhatPulumiWouldHand(t *testing.T) {
	assert.Equal(t, map[string]string{
		"sample:greeting": "hello", "sample:count": "5", "sample:loud": "false", "sample:names": `["ann","bob"]`, "sample:people": `[{"name":"ann"}]`, "aws:region": "eu-central-1",
	}, configured(t), "defaults, then the stack's file; the engine's own settings are not a program's")
}

func TestOverridesCountLast(t *testing.T) {
	seen := configured(t, func(o *recorder.Options) {
		o.Config = map[string]string{"count": "7", "greeting": "", "password": "hush", "aws:region": "us-east-1"}
	})
	assert.Equal(t, "7", seen["sample:count"])
	assert.NotContains(t, seen, "sample:greeting", "the empty text unsets")
	assert.Equal(t, "hush (secret)", seen["sample:password"], "as Pulumi.yaml declares it")
	assert.Equal(t, "us-east-1", seen["aws:region"])
}

func TestAnEncryptedValueNeedsAStandIn(t *testing.T) {
	sealed := func(o *recorder.Options) { o.Stack = "sealed" }
	_, err := evaluate(topic("t"), sealed)
	assert.ErrorContains(t, err, "config sample:password is encrypted, and nothing stands in for it")
	seen := configured(t, sealed, func(o *recorder.Options) { o.StandIns = map[string]string{"password": "stand-in"} })
	assert.Equal(t, "stand-in (secret)", seen["sample:password"])
	seen = configured(t, sealed, func(o *recorder.Options) { o.Config = map[string]string{"password": "override"} })
	assert.Equal(t, "override (secret)", seen["sample:password"])
	seen = configured(t, func(o *recorder.Options) { o.StandIns = map[string]string{"password": "stand-in"} })
	assert.NotContains(t, seen, "sample:password", "where nothing is encrypted, nothing is stood in for")
}

func TestAnotherFileMayConfigureTheStack(t *testing.T) {
	seen := configured(t, func(o *recorder.Options) {
		o.Stack, o.ConfigFile = "elsewhere", "testdata/project/Pulumi.test.yaml"
	})
	assert.Equal(t, "5", seen["sample:count"])
}

func TestConfigurationThatPulumiWouldIgnoreOrRefuseIsRefused(t *testing.T) {
	for name, want := range map[string]string{
		"misspelt": "config greting is not declared in Pulumi.yaml",
		"mistyped": "config count must be of type integer",
		"missing":  `no configuration for stack "missing"`,
	} {
		_, err := evaluate(topic("t"), func(o *recorder.Options) { o.Stack = name })
		assert.ErrorContains(t, err, want)
	}
	_, err := evaluate(topic("t"), func(o *recorder.Options) { o.Config = map[string]string{"greting": "hi"} })
	assert.ErrorContains(t, err, "config greting is not declared")
	_, err = evaluate(topic("t"), func(o *recorder.Options) { o.Root = "testdata" })
	assert.ErrorContains(t, err, "Pulumi.yaml")
}

func TestDeclaredKeysAreListedForDocumentation(t *testing.T) {
	keys, err := recorder.Declared("testdata/project")
	require.NoError(t, err)
	assert.Equal(t, []recorder.Key{
		{Name: "count", Type: "integer", Default: "3", Description: "How often."},
		{Name: "greeting", Type: "string", Default: "hello", Description: "What to say."},
		{Name: "loud", Type: "boolean", Default: "false", Description: "Whether to shout."},
		{Name: "names", Type: "array<string>", Default: "[]", Description: "To whom."},
		{Name: "password", Type: "string", Secret: true, Description: "Unset by default."},
		{Name: "people", Type: "array<object>", Default: `[{"name":"ann"}]`, Description: "Who they are."},
	}, keys)
}
