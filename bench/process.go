package bench

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// usage is what a process has used so far.
type usage struct {
	cpu      time.Duration // of all its threads, in user and in kernel mode
	resident int64         // bytes of memory now
	peak     int64         // bytes of memory at the most
}

// tick is the unit of processor times in /proc: USER_HZ, which is 100 on every
// Linux that Go runs on.
const tick = time.Second / 100

// usageOf reads /proc, so it works on Linux only.
// https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
func usageOf(pid int) (usage, error) {
	dir := "/proc/" + strconv.Itoa(pid)
	stat, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return usage{}, fmt.Errorf("measuring a process (Linux only): %w", err)
	}
	status, err := os.ReadFile(dir + "/status")
	if err != nil {
		return usage{}, fmt.Errorf("measuring a process (Linux only): %w", err)
	}
	return parseUsage(stat, string(status))
}

func parseUsage(stat []byte, status string) (usage, error) {
	// The name of the program, in parentheses, may hold spaces. Behind it, utime
	// and stime are fields 14 and 15, the first one there being field 3.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 13 {
		return usage{}, fmt.Errorf("measuring a process: its stat has %d fields", len(fields))
	}
	var u usage
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return usage{}, fmt.Errorf("measuring a process: %w", err)
		}
		u.cpu += time.Duration(n) * tick
	}
	for line := range strings.Lines(status) {
		name, value, _ := strings.Cut(line, ":")
		into := map[string]*int64{"VmRSS": &u.resident, "VmHWM": &u.peak}[name]
		if into == nil {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			return usage{}, fmt.Errorf("measuring a process: %s: %w", name, err)
		}
		*into = n * 1024
	}
	return u, nil
}
