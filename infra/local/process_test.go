//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestNothingIsLeftRunning runs the program as a developer does, with a DynamoDB Local of its own, ends it, and looks for what is
// left: after Ctrl-C, after kill, after a crash, and after the go command that started it was killed.
func TestNothingIsLeftRunning(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "go-build-local") // by its name, the program takes it for one that `go run` made
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, test := range []struct {
		name   string
		signal syscall.Signal
		parent bool // the signal is for the program's parent
		clean  bool // the program ends by itself, and without an error
	}{
		{"Ctrl-C", syscall.SIGINT, false, true},
		{"terminated", syscall.SIGTERM, false, true},
		{"crashed", syscall.SIGKILL, false, false},
		{"go run killed", syscall.SIGKILL, true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			arguments := []string{binary, "-memory", "-addr", "127.0.0.1:0", "-dir", t.TempDir(), "-users", "1"}
			if test.parent {
				arguments = append([]string{"sh", "-c", `"$@"; exit $?`, "sh"}, arguments...)
			}
			command := exec.Command(arguments[0], arguments[1:]...)
			var stdout, stderr output
			command.Stdout, command.Stderr = &stdout, &stderr
			command.WaitDelay = time.Minute // whoever inherits the output keeps it open
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			await(t, "the greeting", &stderr, func() bool { return strings.Contains(stdout.String(), "Try:") })
			family := descendants(t, command.Process.Pid)
			if want := 1; len(family) < want {
				t.Fatalf("the program has no DynamoDB Local below it: %v", family)
			}
			if err := command.Process.Signal(test.signal); err != nil {
				t.Fatal(err)
			}
			err := command.Wait()
			if test.clean && err != nil {
				t.Errorf("it ended with %v\n%s", err, &stderr)
			}
			await(t, "the end of everything", &stderr, func() bool { return !anyAlive(family) })
		})
	}
}

// descendants returns the processes below pid.
func descendants(t *testing.T, pid int) []int {
	t.Helper()
	var all []int
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue // the thread has ended
		}
		for field := range strings.FieldsSeq(string(text)) {
			child, err := strconv.Atoi(field)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, child)
			all = append(all, descendants(t, child)...)
		}
	}
	return all
}

// anyAlive reports whether any of the processes runs; one that has ended and waits to be collected does not.
func anyAlive(pids []int) bool {
	for _, pid := range pids {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		if _, after, ok := bytes.Cut(stat, []byte(") ")); ok && !bytes.HasPrefix(after, []byte("Z")) {
			return true
		}
	}
	return false
}
