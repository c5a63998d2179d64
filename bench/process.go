package bench

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// usage is what a process has used so far.
type usage struct {
	cpu      time.Duration // of all its threads, in user and in kernel mode
	resident int64         // bytes of memory now
	peak     int64         // the most that it ever was
}

// tick is the unit of processor times in /proc: USER_HZ, which is 100 on every
// Linux that Go runs on.
const tick = time.Second / 100

// usageOf reads /proc, so it works on Linux only.
// https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
func usageOf(pid int) (usage, error) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return usage{}, fmt.Errorf("measuring a process (Linux only): %w", err)
	}
	u, err := parseUsage(stat)
	if err != nil {
		return usage{}, err
	}
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return usage{}, fmt.Errorf("measuring a process (Linux only): %w", err)
	}
	u.peak, err = parsePeak(status)
	return u, err
}

// parsePeak reads the largest resident set size, which is in kibibytes.
// https://man7.org/linux/man-pages/man5/proc_pid_status.5.html
func parsePeak(status []byte) (int64, error) {
	_, rest, _ := bytes.Cut(status, []byte("\nVmHWM:"))
	var kibibytes int64
	if _, err := fmt.Sscan(string(rest), &kibibytes); err != nil {
		return 0, fmt.Errorf("measuring a process: its status names no VmHWM: %w", err)
	}
	return kibibytes * 1024, nil
}

func parseUsage(stat []byte) (usage, error) {
	// The program's name, in parentheses, may hold spaces. The first field behind
	// it is number 3.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	var numbers [3]int64
	for i, field := range []int{14, 15, 24} { // utime, stime, rss
		if field-3 >= len(fields) {
			return usage{}, fmt.Errorf("measuring a process: its stat has too few fields")
		}
		var err error
		if numbers[i], err = strconv.ParseInt(string(fields[field-3]), 10, 64); err != nil {
			return usage{}, fmt.Errorf("measuring a process: %w", err)
		}
	}
	return usage{
		cpu:      time.Duration(numbers[0]+numbers[1]) * tick,
		resident: numbers[2] * int64(os.Getpagesize()),
	}, nil
}
