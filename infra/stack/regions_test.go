package stack_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"secure-media-cdn/infra/plan"
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
	assert.Empty(t, planOf(t, "dev", config{"aws:region": "us-east-1", "originShieldRegion": "us-east-1"}).ByType("pulumi:providers:aws"), "everything is at home")
	for _, name := range []string{"dev", "prod"} { // a provider is a process of some hundred megabytes
		assert.Len(t, planOf(t, name, nil).ByType("pulumi:providers:aws"), 1, "us-east-1, for what CloudFront takes only from there")
	}
}
