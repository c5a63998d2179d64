package plan_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/plan"
)

func TestThePrintedPlanIsForReading(t *testing.T) {
	doc := &plan.Document{
		Resources: []plan.Resource{{
			Type: "aws:s3/bucketPolicy:BucketPolicy", Name: "content", ID: "made-up", Outputs: map[string]any{"made": "up"},
			Inputs: map[string]any{
				"policy": `{"Statement":[{"Condition":{"a":"<b>"}}]}`, "text": "{not json", "code": strings.Repeat("line\n", 9),
				"list": []any{`{"a":1}`, 2.0, nil},
			},
		}},
		Outputs: map[string]any{"url": "https://x/?a=b&c=d"},
	}
	var out bytes.Buffer
	require.NoError(t, doc.Print(&out))
	assert.JSONEq(t, `{
		"resources": [{
			"type": "aws:s3/bucketPolicy:BucketPolicy", "name": "content", "parent": "", "provider": "", "region": "", "options": {},
			"inputs": {
				"policy": {"Statement":[{"Condition":{"a":"<b>"}}]}, "text": "{not json",
				"code": {"sha256": "6004b7de7226176f60ac0f5dd65a56ecbe1565139fd3579ff95c5a6e2cd2a3a0"},
				"list": [{"a":1}, 2, null]
			}
		}],
		"outputs": {"url": "https://x/?a=b&c=d"}
	}`, out.String())
	assert.Contains(t, out.String(), "a=b&c=d", "nothing is escaped for HTML")
	assert.NotContains(t, out.String(), "made", "what the recorder made up is not planned")
	assert.Equal(t, `{"Statement":[{"Condition":{"a":"<b>"}}]}`, doc.Resources[0].Inputs["policy"],
		"the document itself keeps the text")
}
