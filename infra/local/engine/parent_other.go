//go:build !linux

package engine

import "syscall"

// endWithParent can only spare the engine the terminal's Ctrl-C, which we pass
// on in order: ending with its parent is possible on Linux only.
func endWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
