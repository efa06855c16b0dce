//go:build !unix

package dynamolocal

import "os/exec"

func ownChild(*exec.Cmd) {}

func end(cmd *exec.Cmd) error { return cmd.Process.Kill() }

func kill(cmd *exec.Cmd) error { return cmd.Process.Kill() }
