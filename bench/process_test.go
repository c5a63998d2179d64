package bench

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestUsageIsReadFromTheKernelsStat(t *testing.T) {
	const tail = " S 1 42 42 0 -1 4194304 900 0 0 0 17 8 5 3 20 0 6 0 1000 99999 456 1\n"
	u, err := parseUsage([]byte("42 (a (strange) name)" + tail))
	require.NoError(t, err)
	assert.Equal(t, usage{cpu: 250 * time.Millisecond, resident: 456 * int64(os.Getpagesize())}, u)
	letters := strings.Replace(tail, "17 8", "17 eight", 1)
	for _, stat := range []string{"", "42 (cut", "42 (x)" + tail[:40], "42 (x)" + letters} {
		_, err := parseUsage([]byte(stat))
		assert.Error(t, err, stat)
	}
}

func TestThePeakOfMemoryIsReadFromTheKernelsStatus(t *testing.T) {
	peak, err := parsePeak([]byte("Name:\tgo\nVmPeak:\t  900 kB\nVmHWM:\t   12 kB\nVmRSS:\t    8 kB\n"))
	require.NoError(t, err)
	assert.EqualValues(t, 12*1024, peak)
	for _, status := range []string{"", "VmPeak:\t900 kB\n", "Name:\tgo\nVmHWM:\tmuch\n"} {
		_, err := parsePeak([]byte(status))
		assert.Error(t, err, status)
	}
}
