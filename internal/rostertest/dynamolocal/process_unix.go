//go:build unix && !linux

package dynamolocal

import (
	"os/exec"
	"syscall"
)

// ownChild puts the child into a group of its own, which keeps a Ctrl-C meant for the parent away from it. Here no call
// ties it to its parent's life: only Stop ends it.
func ownChild(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
