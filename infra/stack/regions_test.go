package stack_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/plan"
	"secure-media-cdn/infra/plan/recorder"
)

func TestThereIsOneProviderPerRegionAndNoneForHome(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		home := doc.Outputs["mediaBucketRegion"]
		used := map[string]bool{}
		for _, r := range doc.Resources {
			if r.Provider != "" {
				used[r.Provider] = true
				assert.Equal(t, r.Provider, r.Region, "a provider is named after its region")
			}
		}
		for _, r := range doc.Resources {
			if r.Type == "pulumi:providers:aws" {
				assert.Equal(t, r.Name, r.Inputs["region"])
				assert.NotEqual(t, home, r.Name)
				assert.True(t, used[r.Name], "provider %s is never used", r.Name)
			}
		}
	})
	assert.Empty(t, planOf(t, "dev", config{"aws:region": "us-east-1",
		"originShieldRegion": "us-east-1"}).ByType("pulumi:providers:aws"), "everything is at home")
	for _, name := range []string{"dev", "prod"} { // a provider is a process of some hundred megabytes
		assert.Len(t, planOf(t, name, nil).ByType("pulumi:providers:aws"), 1,
			"us-east-1, for what CloudFront takes only from there")
	}
}

// providerSettings are the names of everything that can be said of a provider.
func providerSettings() (names []string) {
	args := reflect.TypeFor[aws.ProviderArgs]()
	for i := range args.NumField() {
		field := args.Field(i)
		name := strings.ToLower(field.Name[:1]) + field.Name[1:]
		names = append(names, name)
	}
	return names
}

func TestEveryProviderHasAllSettingsOfTheStacksOwn(t *testing.T) {
	all := config{}
	want := map[string]any{}
	for _, name := range providerSettings() {
		if name != "region" {
			all["aws:"+name] = `{"of":"` + name + `"}` // lists and objects are JSON
			want[name] = all["aws:"+name]
		}
	}
	require.Contains(t, want, "assumeRole")
	require.Contains(t, want, "defaultTags")
	providers := planOf(t, "everything", all).ByType("pulumi:providers:aws")
	require.NotEmpty(t, providers)
	for _, provider := range providers {
		want["region"] = provider.Name
		assert.Equal(t, want, provider.Inputs)
	}
}

func TestASecretSettingOfAProviderStaysSecret(t *testing.T) {
	file := filepath.Join(t.TempDir(), "Pulumi.dev.yaml")
	require.NoError(t,
		os.WriteFile(file,
			[]byte("encryptionsalt: v1:x\nconfig:\n  aws:region: eu-central-1\n  aws:secretKey:\n    secure: v1:eA==\n"), 0o600))
	doc, err := evaluate("dev", nil, func(o *recorder.Options) { o.ConfigFile = file })
	require.NoError(t, err)
	for _, provider := range doc.ByType("pulumi:providers:aws") {
		assert.Equal(t, map[string]any{"secret": true}, provider.Inputs["secretKey"])
	}
}

func TestAStackIsNotSpreadOverAccounts(t *testing.T) {
	_, err := evaluate("dev", nil,
		func(o *recorder.Options) { o.Accounts = map[string]string{"us-east-1": "210987654321"} })
	assert.ErrorContains(t, err,
		"the provider of us-east-1 works in account 210987654321 and the stack's own in 123456789012")
}
