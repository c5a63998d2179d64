package stack_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"secure-media-cdn/function/gate"
	"secure-media-cdn/function/seal"
	"secure-media-cdn/function/variant"
	"secure-media-cdn/infra/plan"
	"secure-media-cdn/infra/plan/recorder"
)

func TestAFunctionStandsBeforeEveryBehaviorAndOneBehindIt(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		for pattern, b := range behaviors(t, doc) {
			if pattern == "/session" { // its answers are none of S3's, and of no link
				continue
			}
			name := "public"
			if pattern == "" || strings.HasPrefix(pattern, "/images/") {
				name = "gate"
			}
			assert.ElementsMatch(t, []any{
				map[string]any{"eventType": "viewer-request", "functionArn": viewerFunction(t, doc, name).Outputs["arn"]},
				map[string]any{"eventType": "viewer-response", "functionArn": viewerFunction(t, doc, "headers").Outputs["arn"]},
			}, at(b, "functionAssociations"), pattern)
		}
	})
}

// viewerFunction finds a CloudFront Function and holds what all of them have in common.
func viewerFunction(t *testing.T, doc *plan.Document, name string) plan.Resource {
	t.Helper()
	f := find(t, doc, "Function", name)
	require.Equal(t, "aws:cloudfront/function:Function", f.Type)
	assert.Equal(t, "cloudfront-js-2.0", f.Inputs["runtime"])
	assert.Equal(t, true, f.Inputs["publish"])
	group := find(t, doc, "LogGroup", name)
	assert.Equal(t, "/aws/cloudfront/function/"+f.Outputs["name"].(string), group.Inputs["name"])
	return f
}

func TestTheFunctionsShipAsTheyAre(t *testing.T) {
	doc := planOf(t, "everything", nil)
	code, err := gate.Source(gate.Settings{Variants: []string{"avatar", "blur", "w1280", "w320", "w640"},
		Formats:  []variant.Format{variant.WebP, variant.AVIF},
		Carriers: []gate.Carrier{gate.Bearer, gate.Query, gate.Cookie}})
	require.NoError(t, err)
	for name, text := range map[string]string{"gate": code, "public": gate.Public, "headers": gate.Headers(120)} {
		assert.Equal(t, text, viewerFunction(t, doc, name).Inputs["code"])
	}
	assert.Equal(t, []any{find(t, doc, "KeyValueStore", "gate").Outputs["arn"]},
		viewerFunction(t, doc, "gate").Inputs["keyValueStoreAssociations"], "a function can have one store")
	assert.NotContains(t, viewerFunction(t, doc, "public").Inputs, "keyValueStoreAssociations")
}

func TestTheStoreHoldsTheKeysOfThisGenerationAndItsNeighbours(t *testing.T) {
	for generation, want := range map[string][]string{
		"1": {"audience", "key-1", "key-2"}, "2": {"audience", "key-1", "key-2", "key-3"},
		"7": {"audience", "key-6", "key-7", "key-8"}, "255": {"audience", "key-254", "key-255"},
	} {
		doc := planOf(t, "dev", config{"linkKeyGeneration": generation})
		var names []string
		for _, r := range kinds(doc, "KeyvaluestoreKey") {
			names = append(names, r.Name)
			assert.Equal(t, strings.Replace(r.Name, "key-", "k.", 1), r.Inputs["key"])
			assert.Equal(t, find(t, doc, "KeyValueStore", "gate").Outputs["arn"], r.Inputs["keyValueStoreArn"])
			assert.Equal(t, []string{"value"}, r.Options.IgnoreChanges, "it keeps the value that it was made with")
		}
		assert.Equal(t, want, names)
	}
}

func TestNoDocumentShowsAKey(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		all, err := json.Marshal(doc)
		require.NoError(t, err)
		assert.NotContains(t, string(all), recorder.FakePassword)
		for _, key := range kinds(doc, "KeyvaluestoreKey") {
			assert.Equal(t, map[string]any{"secret": true}, key.Inputs["value"])
		}
	})
	goldens, err := filepath.Glob("testdata/*.golden.json")
	require.NoError(t, err)
	require.NotEmpty(t, goldens)
	for _, golden := range goldens {
		text, err := os.ReadFile(golden)
		require.NoError(t, err)
		assert.NotContains(t, string(text), recorder.FakePassword)
	}

	revealed, err := evaluate("everything", nil, func(o *recorder.Options) { o.RevealSecrets = true })
	require.NoError(t, err)
	key := find(t, revealed, "KeyvaluestoreKey", "key-7").Inputs["value"].(string)
	assert.Contains(t, key, recorder.FakePassword, "this is where one is")
	assert.Len(t, key, seal.ValueLength)
	outputs, err := json.Marshal(revealed.Outputs)
	require.NoError(t, err)
	assert.NotContains(t, string(outputs), recorder.FakePassword, "no output holds a key, even revealed")
}

func TestARotationChangesTheRingAndOneSettingOfWhatSeals(t *testing.T) {
	const setting = "environment.variables.MEDIA_LINK_KEY_GENERATION"
	for _, name := range stacks {
		for _, to := range []int{2, 3, 200, 255} {
			before := planOf(t, name, config{"linkKeyGeneration": strconv.Itoa(to - 1)})
			after := planOf(t, name, config{"linkKeyGeneration": strconv.Itoa(to)})
			was, is := byName(before), byName(after)
			for id, r := range is {
				old, known := was[id]
				old.Options.DependsOn, r.Options.DependsOn = nil, nil // the dashboard waits for everything
				switch {
				case !known:
					assert.Equal(t, fmt.Sprintf("aws:cloudfront/keyvaluestoreKey:KeyvaluestoreKey key-%d", to+1), id)
				case id == "aws:lambda/function:Function issuer", id == "aws:lambda/function:Function session":
					assert.Equal(t, strconv.Itoa(to-1), at(old.Inputs, setting))
					assert.Equal(t, strconv.Itoa(to), at(r.Inputs, setting))
					assert.Equal(t, without(t, old.Inputs, setting), without(t, r.Inputs, setting))
					assert.Equal(t, old.Options, r.Options)
				default:
					assert.Equal(t, old, r, id)
				}
				delete(was, id)
			}
			gone := slices.Collect(maps.Keys(was))
			if to == 2 {
				assert.Empty(t, gone)
			} else {
				assert.Equal(t, []string{fmt.Sprintf("aws:cloudfront/keyvaluestoreKey:KeyvaluestoreKey key-%d", to-2)}, gone)
			}
			assert.Equal(t, before.Outputs, after.Outputs)
		}
	}
}

// byName returns the resources of a document by type and name.
func byName(doc *plan.Document) map[string]plan.Resource {
	all := map[string]plan.Resource{}
	for _, r := range doc.Resources {
		all[r.Type+" "+r.Name] = r
	}
	return all
}

// without returns a copy of the inputs in which the setting is empty.
func without(t *testing.T, inputs map[string]any, setting string) map[string]any {
	t.Helper()
	encoded, err := json.Marshal(inputs)
	require.NoError(t, err)
	var copied map[string]any
	require.NoError(t, json.Unmarshal(encoded, &copied))
	path := strings.Split(setting, ".")
	at(copied, strings.Join(path[:len(path)-1], ".")).(map[string]any)[path[len(path)-1]] = ""
	return copied
}

func TestTheGenerationIsOneByte(t *testing.T) {
	for _, generation := range []string{"0", "-1", "256"} {
		_, err := evaluate("dev", config{"linkKeyGeneration": generation})
		assert.ErrorContains(t, err, "config linkKeyGeneration is "+generation+": it must be 1 to 255")
	}
}

func TestAnEmptyStackFileIsEnough(t *testing.T) {
	file := filepath.Join(t.TempDir(), "Pulumi.dev.yaml")
	require.NoError(t, os.WriteFile(file, []byte("config:\n  aws:region: eu-central-1\n"), 0o600))
	doc, err := evaluate("dev", nil, func(o *recorder.Options) { o.ConfigFile = file })
	require.NoError(t, err)
	assert.Len(t, kinds(doc, "KeyvaluestoreKey"), 3)
}

func TestTheIssuerMayUseThisStoreOnly(t *testing.T) {
	everyStack(t, func(t *testing.T, doc *plan.Document) {
		statement := statementOf(t, find(t, doc, "RolePolicy", "issuer").Inputs["policy"], "ReadKeysAndRevoke")
		assert.Equal(t, []string{find(t, doc, "KeyValueStore", "gate").Outputs["arn"].(string)}, texts(statement["Resource"]))
		assert.Equal(t, []string{
			"cloudfront-keyvaluestore:DescribeKeyValueStore", "cloudfront-keyvaluestore:GetKey",
			"cloudfront-keyvaluestore:ListKeys", "cloudfront-keyvaluestore:UpdateKeys",
		}, texts(statement["Action"]))
	})
}

func TestTheGatesLogsHaveARetention(t *testing.T) {
	doc := planOf(t, "everything", nil)
	logs := find(t, doc, "LogGroup", "gate")
	assert.Equal(t, "us-east-1", logs.Region)
	assert.Equal(t, "/aws/cloudfront/function/"+find(t, doc, "Function", "gate").Outputs["name"].(string),
		logs.Inputs["name"])
	assert.Equal(t, 90.0, logs.Inputs["retentionInDays"])
}
