package stack_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/plan/recorder"
)

func TestTheGateStandsBeforeThePrivateDefaultOnly(t *testing.T) {
	doc := planOf(t, "everything", nil)
	gate := find(t, doc, "Function", "gate")
	require.Equal(t, "aws:cloudfront/function:Function", gate.Type)
	for pattern, b := range behaviors(t, doc) {
		if pattern != "" {
			assert.Nil(t, at(b, "functionAssociations"), pattern)
			continue
		}
		associations := at(b, "functionAssociations").([]any)
		require.Len(t, associations, 1)
		assert.Equal(t, map[string]any{"eventType": "viewer-request", "functionArn": gate.Outputs["arn"]}, associations[0])
	}
	source, err := os.ReadFile(root + "/function/gate/gate.js")
	require.NoError(t, err)
	assert.Equal(t, string(source), gate.Inputs["code"])
	assert.LessOrEqual(t, len(source), 10240, "8.2")
	assert.Equal(t, "cloudfront-js-2.0", gate.Inputs["runtime"])
	assert.Equal(t, true, gate.Inputs["publish"])
	assert.Equal(t, []any{find(t, doc, "KeyValueStore", "gate").Outputs["arn"]}, gate.Inputs["keyValueStoreAssociations"], "8.1: one store per function")
}

func TestWithoutAKeyThereIsNoGate(t *testing.T) {
	for _, name := range []string{"dev", "prod"} {
		doc := planOf(t, name, nil)
		for _, kind := range []string{"KeyValueStore", "KeyvaluestoreKey", "Secret", "SecretVersion"} {
			assert.Empty(t, kinds(doc, kind), kind)
		}
		for pattern, b := range behaviors(t, doc) {
			assert.Nil(t, at(b, "functionAssociations"), pattern)
		}
	}
}

func TestKeysStaySecretFromConfigurationToState(t *testing.T) {
	doc := planOf(t, "everything", nil)
	all, err := json.Marshal(doc)
	require.NoError(t, err)
	assert.NotContains(t, string(all), testKey[2:])
	assert.NotContains(t, string(all), testPreviousKey[2:])
	hidden := map[string]any{"secret": true}
	assert.Equal(t, hidden, find(t, doc, "KeyvaluestoreKey", "current").Inputs["value"])
	assert.Equal(t, hidden, find(t, doc, "KeyvaluestoreKey", "previous").Inputs["value"])
	assert.Equal(t, hidden, find(t, doc, "SecretVersion", "seal").Inputs["secretString"])

	revealed, err := evaluate("everything", nil, func(o *recorder.Options) { o.RevealSecrets = true })
	require.NoError(t, err)
	assert.Equal(t, testKey, find(t, revealed, "KeyvaluestoreKey", "current").Inputs["value"])
	assert.Equal(t, "k.current", find(t, revealed, "KeyvaluestoreKey", "current").Inputs["key"])
	assert.Equal(t, testPreviousKey, find(t, revealed, "KeyvaluestoreKey", "previous").Inputs["value"])
	assert.Equal(t, "k.previous", find(t, revealed, "KeyvaluestoreKey", "previous").Inputs["key"])
	assert.JSONEq(t, `{"current":"`+testKey+`","previous":"`+testPreviousKey+`"}`, find(t, revealed, "SecretVersion", "seal").Inputs["secretString"].(string))
	outputs, err := json.Marshal(revealed.Outputs)
	require.NoError(t, err)
	assert.NotContains(t, string(outputs), testKey[2:], "no output holds a key, even revealed")
}

func TestKeysRotateWithoutRefusingALink(t *testing.T) {
	doc := planOf(t, "everything", nil)
	const current = "aws:cloudfront/keyvaluestoreKey:KeyvaluestoreKey::current"
	assert.Contains(t, find(t, doc, "KeyvaluestoreKey", "current").Options.DependsOn, "aws:cloudfront/keyvaluestoreKey:KeyvaluestoreKey::previous", "the old key is kept as the previous one before it is replaced")
	assert.Contains(t, find(t, doc, "SecretVersion", "seal").Options.DependsOn, current, "nobody seals with a key that the gate does not know")
	assert.Contains(t, find(t, doc, "Function", "gate").Options.DependsOn, current, "a gate without a key refuses everybody")
	assert.Contains(t, find(t, doc, "Distribution", "cdn").Options.DependsOn, "aws:cloudwatch/logGroup:LogGroup::gate")

	first := planOf(t, "dev", config{"linkKey": testKey})
	assert.Len(t, kinds(first, "KeyvaluestoreKey"), 1, "the first key has none before it")
}

func TestTheGatesLogsHaveARetention(t *testing.T) { // 4.8
	doc := planOf(t, "everything", nil)
	logs := find(t, doc, "LogGroup", "gate")
	assert.Equal(t, "us-east-1", logs.Region)
	assert.Equal(t, "/aws/cloudfront/function/"+find(t, doc, "Function", "gate").Outputs["name"].(string), logs.Inputs["name"])
	assert.Equal(t, 90.0, logs.Inputs["retentionInDays"])
}

func TestALostKeyOfAProtectedStackCanBeBroughtBack(t *testing.T) {
	assert.Equal(t, 30.0, find(t, planOf(t, "everything", nil), "Secret", "seal").Inputs["recoveryWindowInDays"])
	assert.Equal(t, 0.0, find(t, planOf(t, "dev", config{"linkKey": testKey}), "Secret", "seal").Inputs["recoveryWindowInDays"])
}
