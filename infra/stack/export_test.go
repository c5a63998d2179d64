package stack_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/plan"
	"secure-media-cdn/infra/stack/outputs"
)

func TestTheStackExportsExactlyTheContract(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		encoded, err := json.Marshal(doc.Outputs)
		require.NoError(t, err)
		typed, err := outputs.Read(bytes.NewReader(encoded))
		require.NoError(t, err)
		back, err := json.Marshal(typed)
		require.NoError(t, err)
		assert.JSONEq(t, string(encoded), string(back), "every output is in the type, and nothing else is exported")
	})
}

func TestOutputsTellApplicationsWhatTheyNeed(t *testing.T) {
	out := planOf(t, "everything", nil).Outputs
	for name, want := range map[string]any{
		"cdnBaseUrl": "https://media.example.com", "distributionDomain": "d111111abcdef8.cloudfront.net",
		"distributionId": "EDFDVBD6EXAMPLE",
		"mediaBucket":    "secure-media-cdn-everything-123456789012", "mediaBucketRegion": "eu-west-1",
		"mappingRegions": []any{"eu-west-1", "us-east-1", "ap-southeast-2"}, "linkTtlSeconds": 1209600.0,
		"issuerUrl": "https://issuer.lambda-url.eu-west-1.on.aws/",
		"services": []any{map[string]any{"name": "discussion", "access": "private", "viewers": "ticket"},
			map[string]any{"name": "simple-chat", "access": "private", "viewers": "link"},
			map[string]any{"name": "marketplace", "access": "public"}},
	} {
		assert.Equal(t, want, out[name], name)
	}
	assert.Equal(t, []any{
		map[string]any{"name": "discussion", "access": "private", "viewers": "link"},
		map[string]any{"name": "marketplace", "access": "public"},
		map[string]any{"name": "nudges", "access": "public"},
		map[string]any{"name": "regulatory-notice", "access": "private", "viewers": "link"},
		map[string]any{"name": "simple-chat", "access": "private", "viewers": "link"},
	}, planOf(t, "prod", nil).Outputs["services"])
}
