package engine

import "syscall"

// endWithParent makes the kernel end the engine if we die without closing it.
func endWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
