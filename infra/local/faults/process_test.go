package faults

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// process is one of the function's processes, as the kernel sees it.
type process struct {
	pid         int
	descriptors int
	residentKB  int
	threads     int
}

// processes returns our children that run the edge binary.
func processes(tb testing.TB) []process {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	require.NoError(tb, err)
	var found []process
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // gone in between
		}
		// pid (command) state parent …
		before, after, ok := bytes.Cut(stat, []byte(" (edge) "))
		fields := bytes.Fields(after)
		if !ok || string(fields[1]) != strconv.Itoa(os.Getpid()) || string(fields[0]) == "Z" {
			continue
		}
		pid, err := strconv.Atoi(string(before))
		require.NoError(tb, err)
		p := process{pid: pid}
		descriptors, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
		if err != nil {
			continue // gone in between, as above
		}
		p.descriptors = len(descriptors)
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			continue
		}
		for text := range strings.Lines(string(status)) {
			switch name, value, _ := strings.Cut(text, ":"); name {
			case "VmRSS":
				_, err = fmt.Sscan(value, &p.residentKB)
				require.NoError(tb, err)
			case "Threads":
				_, err = fmt.Sscan(value, &p.threads)
				require.NoError(tb, err)
			}
		}
		found = append(found, p)
	}
	return found
}
