//go:build unix

package main

import (
	"os"
	"syscall"
)

// lock takes the file for this process alone and reports whether it got it. The system gives it up when the process ends,
// however it does.
func lock(file *os.File) bool {
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}
