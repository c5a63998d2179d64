package main

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"testing"

	"secure-media-cdn/infra/plan/recorder"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestThePlanIsOneDocument(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(&out, "../../..", "dev", ""))
	golden, err := os.ReadFile("../../stack/testdata/dev.golden.json")
	require.NoError(t, err)
	code := regexp.MustCompile(`"sha256": "[0-9a-f]{64}"`)
	assert.JSONEq(t, string(golden), code.ReplaceAllString(out.String(), `"sha256": "(source code)"`))
}

func TestThePlanShowsNoKey(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(&out, "../../..", "dev", ""))
	assert.True(t, json.Valid(out.Bytes()))
	assert.Contains(t, out.String(), `"k.1"`, "the entry is there")
	assert.NotContains(t, out.String(), recorder.FakePassword)
}

func TestAStackThatDoesNotExistPrintsNothing(t *testing.T) {
	var out bytes.Buffer
	assert.ErrorContains(t, run(&out, "../../..", "nowhere", ""), `no configuration for stack "nowhere"`)
	assert.Empty(t, out.String())
}
