package bench

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

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

func TestAFunctionIsMeasuredThroughTheRuntimeAPI(t *testing.T) {
	s := nullSide(t)
	floored := 0
	floor := func() (time.Duration, error) { floored++; return 1, nil }
	j := job{event: live.event(), check: goesOn}
	series, used, err := warm(plan{warmUp: 3, warm: 10}, []side{s}, j, contender{name: bare, ask: floor})
	require.NoError(t, err)
	assert.Len(t, series[goNull], 10, "warming counts for nothing")
	assert.Len(t, series[bare], 10)
	assert.Equal(t, 13, floored)
	for _, took := range series[goNull] {
		assert.Positive(t, took)
	}
	assert.Positive(t, used[goNull].resident)
	assert.GreaterOrEqual(t, used[goNull].peak, used[goNull].resident)
	assert.NotContains(t, used, bare)

	starts, err := cold(1, []side{s}, j)
	require.NoError(t, err)
	assert.Len(t, starts[goNull], 1)
}

func TestAWrongAnswerEndsTheBench(t *testing.T) {
	s := nullSide(t)
	j := job{event: []byte(`{}`), check: goesOn}
	_, err := cold(1, []side{s}, j)
	assert.ErrorContains(t, err, "wrong answer")
	_, _, err = warm(plan{warmUp: 1, warm: 1}, []side{s}, j)
	assert.ErrorContains(t, err, "wrong answer")
}

func TestAnAnswerComesWithTheTimesAroundIt(t *testing.T) {
	e, err := nullSide(t).start()
	require.NoError(t, err)
	defer e.end()
	body, from, to, err := e.ask(live.event())
	require.NoError(t, err)
	assert.True(t, from.Before(to))
	var request struct{ URI string }
	require.NoError(t, json.Unmarshal(body, &request))
	assert.Equal(t, live.uri, request.URI)
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
