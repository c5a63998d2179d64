package bench

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestUsageIsReadFromTheKernelsOwnWords(t *testing.T) {
	stat := []byte("42 (a (strange) name) S 1 42 42 0 -1 4194304 900 0 0 0 17 8 5 3 20 0 6 0 1000 123 456\n")
	u, err := parseUsage(stat, "Name:\tedge\nVmHWM:\t   15000 kB\nVmRSS:\t   12000 kB\nThreads:\t6\n")
	require.NoError(t, err)
	assert.Equal(t, usage{cpu: 250 * time.Millisecond, resident: 12000 * 1024, peak: 15000 * 1024}, u)

	_, err = parseUsage([]byte("42 (cut"), "")
	assert.Error(t, err)
}
