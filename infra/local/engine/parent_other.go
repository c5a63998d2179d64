//go:build !linux

package engine

import "syscall"

// endWithParent can only spare the engine the terminal's Ctrl-C, which we pass
// on in order: ending with its parent is a thing of Linux.
func endWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
