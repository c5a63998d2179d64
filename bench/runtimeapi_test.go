package bench

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// nullSide builds the null function, the one that needs nothing but Go.
func nullSide(t *testing.T) side {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("processes are measured on Linux only")
	}
	binary := filepath.Join(t.TempDir(), "null")
	out, err := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", binary, "./cmd/null").CombinedOutput()
	require.NoError(t, err, string(out))
	log, err := os.CreateTemp(t.TempDir(), "log")
	require.NoError(t, err)
	return side{name: goNull, command: []string{binary}, dir: filepath.Dir(binary), log: log}
}

func TestAFunctionIsAskedThroughTheRuntimeAPI(t *testing.T) {
	s := nullSide(t)
	all, err := contenders(2, "http://127.0.0.1:0", s)
	defer endAll(all)
	require.NoError(t, err)
	c := all[1]
	require.NoError(t, warmSeries([]*contender{c}, 3, 2, 5))
	assert.Len(t, c.series, 2*2*5, "2 turns of 5 requests to 2 environments; warming counts for nothing")
	for _, took := range c.series {
		assert.Positive(t, took)
	}

	body, from, to, err := c.environments[0].ask(live.event())
	require.NoError(t, err)
	assert.True(t, from.Before(to))
	var request struct{ URI string }
	require.NoError(t, json.Unmarshal(body, &request))
	assert.Equal(t, live.URI, request.URI)

	cold, err := coldSeries(1, s)
	require.NoError(t, err)
	assert.Len(t, cold[goNull], 1)
}

func TestAProcessThatEndsIsAnError(t *testing.T) {
	s := nullSide(t)
	s.command = []string{"/bin/sh", "-c", "exit 1"}
	e, err := s.start()
	require.NoError(t, err)
	defer e.end()
	_, _, _, err = e.ask(live.event())
	assert.ErrorContains(t, err, "the process ended")
}
