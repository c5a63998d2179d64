package lambda

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// ownGroup puts the process into a group of its own, to be killed as one, and makes the kernel end it if we die
// without closing it. The wish outlives exec.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// exited reports whether our child has ended, without taking note of its end.
func exited(pid int) bool {
	var info unix.Siginfo
	err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	return err != nil || info.Signo != 0
}
