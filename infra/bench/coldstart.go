package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
)

// measureColdStarts writes what the command in the folder coldstart prints, and nothing where there is no such folder.
func measureColdStarts(ctx context.Context, _ *options, r *report) error {
	if _, err := os.Stat("coldstart"); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	command := exec.CommandContext(ctx, "go", "run", "./coldstart")
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return fmt.Errorf("go run ./coldstart: %w", err)
	}
	r.say("By `go run ./coldstart`:\n\n```\n%s\n```", strings.TrimRight(string(out), "\n"))
	return nil
}
