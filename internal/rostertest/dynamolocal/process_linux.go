package dynamolocal

import (
	"os/exec"
	"syscall"
)

// ownChild makes the child leave with its parent: the kernel ends it when the thread that started it dies (the caller
// keeps that thread, see run), and a group of its own keeps a Ctrl-C meant for the parent away from it.
func ownChild(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
