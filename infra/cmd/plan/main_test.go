package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestThePlanIsOneDocument(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(&out, "../../..", "dev", ""))
	golden, err := os.ReadFile("../../stack/testdata/dev.golden.json")
	require.NoError(t, err)
	assert.JSONEq(t, string(golden), out.String())
}

func TestAStackWithEncryptedKeysIsPlannedWithoutItsPassphrase(t *testing.T) {
	file := filepath.Join(t.TempDir(), "Pulumi.sealed.yaml")
	require.NoError(t, os.WriteFile(file, []byte("encryptionsalt: v1:x\nconfig:\n  aws:region: eu-central-1\n  secure-media-cdn:linkKey:\n    secure: v1:eA==\n"), 0o600))
	var out bytes.Buffer
	require.NoError(t, run(&out, "../../..", "sealed", file))
	assert.True(t, json.Valid(out.Bytes()))
	assert.Contains(t, out.String(), "viewer-request", "the gate is there")
	assert.NotContains(t, out.String(), "0000000000000000000000000000000000000000000000000000000000000000", "not even the stand-in is shown")
}

func TestAStackThatDoesNotExistPrintsNothing(t *testing.T) {
	var out bytes.Buffer
	assert.ErrorContains(t, run(&out, "../../..", "nowhere", ""), `no configuration for stack "nowhere"`)
	assert.Empty(t, out.String())
}
