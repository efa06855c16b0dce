package main

import (
	"context"
	"os"
	"strings"
	"time"
)

// leftByGo returns a channel that is closed when `go run`, which started this program, has ended: a go command that is killed, or told
// to terminate, does not tell the program it runs, and what that started would go on for ever. A program that was built and
// started by itself may well outlive its parent.
func leftByGo(ctx context.Context) <-chan struct{} {
	executable, err := os.Executable()
	if err != nil || !strings.Contains(executable, "go-build") {
		return nil
	}
	left, parent := make(chan struct{}), os.Getppid()
	go func() {
		defer close(left)
		for os.Getppid() == parent && ctx.Err() == nil {
			time.Sleep(500 * time.Millisecond)
		}
	}()
	return left
}
