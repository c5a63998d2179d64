package stack_test

import (
	"encoding/json"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/infra/plan/recorder"
)

// stageNamed evaluates under another stack name.
func stageNamed(stage string) func(*recorder.Options) {
	return func(o *recorder.Options) { o.Stack = stage }
}

// strange are values of each type that no key takes.
var strange = map[string]string{
	"": "#?", "string": "#?", "integer": "-7", "array<string>": `["#?"]`, "array<object>": `[{"#?":1}]`,
	"object": `{"#?":1}`,
}

func TestEveryDeclaredKeyIsRead(t *testing.T) {
	// Whoever reads the key must object to a strange value, or the resources
	// must change.
	keys, err := declared(root)
	require.NoError(t, err)
	require.NotEmpty(t, keys)
	before, err := json.Marshal(planOf(t, "dev", nil))
	require.NoError(t, err)
	for _, key := range keys {
		t.Run(key.Name, func(t *testing.T) {
			value := strange[key.Type]
			if key.Type == "boolean" {
				value = strconv.FormatBool(key.Default == "false")
				if key.Name == "protect" {
					value = key.Default // the stack dev has the other
				}
			}
			doc, err := evaluate("dev", config{key.Name: value})
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

func TestAKeyThatTheProgramDoesNotKnowIsRefusedWithTheNearestName(t *testing.T) {
	for given, nearest := range map[string]string{
		"replicaRegion": "replicaRegions", "linkTTLDays": "linkTtlDays", "alarmEmail": "alarmEmails", "protcet": "protect",
		"kmsKey": "kmsKeyArn",
	} {
		_, err := evaluate("dev", config{given: "x", "linkTtlDays": "0"})
		assert.ErrorContains(t, err, "config "+given+" is not a key of this program: did you mean "+nearest+"?")
	}
	_, err := evaluate("dev", config{"replicaRegion": "x", "linkTtlDays": "0"})
	assert.ErrorContains(t, err, "config linkTtlDays is 0", "every problem is told at once")
	_, err = evaluate("dev", config{"aws:skipMetadataApiCheck": "true", "other:replicaRegion": "x"})
	assert.NoError(t, err, "other namespaces are not the program's")
}

func TestEveryKeyIsTypedAndDescribed(t *testing.T) {
	keys, err := declared(root)
	require.NoError(t, err)
	for _, key := range keys {
		assert.Regexp(t, `^[A-Z].*\.$`, key.Description, key.Name)
		if !key.Secret { // Pulumi refuses a typed secret with a default
			assert.Regexp(t, `^(string|integer|boolean|object|array<(string|object)>)$`, key.Type, key.Name)
		}
	}
}
