package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// processor returns the model of the processor, as Linux tells it.
func processor() string { return field("/proc/cpuinfo", "model name", "unknown processor") }

// memory returns how much memory the machine has, as Linux tells it.
func memory() string {
	var kB float64
	if _, err := fmt.Sscan(field("/proc/meminfo", "MemTotal", ""), &kB); err != nil {
		return "an unknown amount"
	}
	return fmt.Sprintf("%.0f GiB", kB/(1<<20))
}

func field(file, name, otherwise string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return otherwise
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return otherwise
}

// rosterCommand returns a go command that runs in the module of Roster.
func rosterCommand(ctx context.Context, arguments ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, "go", arguments...)
	command.Dir = "../.."
	command.Stderr = os.Stderr
	return command
}
