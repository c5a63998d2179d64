package recorder_test

import (
	"fmt"
	"maps"
	"os"
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
		for _, key := range []string{"sample:greeting", "sample:count", "sample:loud", "sample:names", "sample:people",
			"sample:password", "aws:region", "pulumi:autonaming"} {
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
		"sample:greeting": "hello", "sample:count": "5", "sample:loud": "false", "sample:names": `["ann","bob"]`,
		"sample:people": `[{"name":"ann"}]`, "sample:password": "", "aws:region": "eu-central-1",
	}, configured(t), "defaults, then the stack's file; the engine's own settings are not a program's")
}

func TestOverridesCountLast(t *testing.T) {
	seen := configured(t, func(o *recorder.Options) {
		o.Config = map[string]string{"count": "7", "greeting": "", "aws:region": "us-east-1"}
	})
	assert.Equal(t, "7", seen["sample:count"])
	assert.Equal(t, "hello", seen["sample:greeting"], "the empty text unsets, and the default counts")
	assert.Equal(t, "us-east-1", seen["aws:region"])
}

func TestAnEncryptedValueIsNotReadAndStaysSecret(t *testing.T) {
	seen := configured(t, func(o *recorder.Options) { o.Stack = "sealed" })
	assert.Equal(t, "[secret] (secret)", seen["sample:password"])
}

func TestAnotherFileMayConfigureTheStack(t *testing.T) {
	seen := configured(t, func(o *recorder.Options) {
		o.Stack, o.ConfigFile = "elsewhere", "testdata/project/Pulumi.test.yaml"
	})
	assert.Equal(t, "5", seen["sample:count"])
}

func TestConfigurationThatPulumiRefusesIsRefused(t *testing.T) {
	const file = "config:\n  aws:region: eu-central-1\n"
	for name, tt := range map[string]struct{ declared, stack, want string }{
		"an integer that is none": {"count: {type: integer, default: 1}", "count: many",
			"'count' must be of type 'integer'"},
		"a boolean that is none": {"loud: {type: boolean, default: false}", "loud: very",
			"'loud' must be of type 'boolean'"},
		"text for a list": {"names: {type: array, items: {type: string}, default: []}", "names: ann",
			"'names' must be of type 'array<string>'"},
		"a list of something else": {"names: {type: array, items: {type: string}, default: []}",
			"names: [{a: b}]", "'names' must be of type 'array<string>'"},
		"text for an object": {"geo: {type: object, default: {}}", "geo: DE",
			"'geo' must be of type 'object'"},
		"a declared key without a default": {"greeting: {type: string}", "", "missing configuration values 'greeting'"},
		"several of them": {"a: {type: string}\n  b: {description: B.}", "",
			"missing configuration values 'a', 'b'"},
		"a typed secret in plain text": {"password: {type: string, secret: true}", "password: hush",
			"'password' must be encrypted as it's secret"},
		"a typed secret with a plain default": {"password: {type: string, secret: true, default: ''}", "",
			"'password' must be encrypted as it's secret"},
		"a default of another type": {"count: {type: integer, default: many}", "",
			"default value specified for configuration key 'count' is not of the expected type"},
		"a declared key that has only the null": {"greeting: {type: string, default: null}", "",
			"missing configuration values 'greeting'"},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			require.NoError(t, os.WriteFile(root+"/Pulumi.yaml",
				[]byte("name: sample\nruntime: go\nconfig:\n  "+tt.declared+"\n"), 0o600))
			given := file
			if tt.stack != "" {
				given += "  sample:" + tt.stack + "\n"
			}
			require.NoError(t, os.WriteFile(root+"/Pulumi.test.yaml", []byte(given), 0o600))
			_, err := evaluate(topic("t"), func(o *recorder.Options) { o.Root = root })
			assert.ErrorContains(t, err, tt.want)
			assert.NotContains(t, fmt.Sprint(err), "hush")
		})
	}
	_, err := evaluate(topic("t"), func(o *recorder.Options) { o.Stack = "missing" })
	assert.ErrorContains(t, err, `no configuration for stack "missing"`)
	_, err = evaluate(topic("t"), func(o *recorder.Options) { o.Root = "testdata" })
	assert.ErrorContains(t, err, "Pulumi.yaml")
}

func TestConfigurationThatPulumiPassesPasses(t *testing.T) {
	seen := map[string]string{}
	_, err := recorder.Evaluate(recorder.Options{
		Program: func(ctx *pulumi.Context, config map[string]string) error {
			maps.Copy(seen, config)
			return topic("t")(ctx)
		},
		Root: "testdata/project", Stack: "test",
		Config: map[string]string{"undeclared": "passes", "count": "-4", "loud": "true", "names": `["ann"]`, "greeting": ""},
	})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{
		"aws:region": "eu-central-1", "sample:undeclared": "passes", "sample:count": "-4", "sample:loud": "true",
		"sample:names": `["ann"]`, "sample:greeting": "hello", "sample:people": `[{"name":"ann"}]`, "sample:password": "",
	}, seen, "the program sees every key, declared or not")
}
