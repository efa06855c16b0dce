//go:build unix

package dynamolocal

import (
	"os/exec"
	"syscall"
)

// end asks the child's group to stop: SIGTERM lets Java remove its temporary files.
func end(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }

// kill ends the child's group at once.
func kill(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
