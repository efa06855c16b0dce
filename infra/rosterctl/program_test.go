package main

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/rostertest"
)

// asProgram makes the test binary be rosterctl.
const asProgram = "ROSTERCTL_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	rostertest.Main(m)
}

// program returns rosterctl as a process of its own.
func (c *console) program(args ...string) (*exec.Cmd, *strings.Builder) {
	c.Helper()
	self, err := os.Executable()
	if err != nil {
		c.Fatal(err)
	}
	var stderr strings.Builder
	p := exec.CommandContext(c.Context(), self, args...)
	p.Env = append(os.Environ(), asProgram+"=1", "ROSTER_TABLE="+c.table, "ROSTER_DYNAMODB_ENDPOINT="+c.endpoint)
	p.Stderr = &stderr
	return p, &stderr
}

// exitCode returns the code that a process ended with, -1 for a kill.
func (c *console) exitCode(err error) int {
	c.Helper()
	if err == nil {
		return exitDone
	}
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		c.Fatal(err)
	}
	return exit.ExitCode()
}

func TestTheProgramGoesOnAfterASignal(t *testing.T) {
	for name, signal := range map[string]syscall.Signal{"interrupted": syscall.SIGINT, "killed": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			c := newConsole(t)
			in := c.path("in.jsonl")
			c.must("generate", "--quiet", "--users", "1500", "--output", in)
			p, stderr := c.program("import", "--workers", "2", in)
			if err := p.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- p.Wait() }()
			// The first checkpoint says that it is at work. A machine that is done before there is one has nothing to
			// show here.
			code := -2
			for code == -2 && c.read("in.jsonl"+progressSuffix) == "" {
				select {
				case err := <-ended:
					code = c.exitCode(err)
				case <-time.After(5 * time.Millisecond):
				}
			}
			if code == -2 {
				if err := p.Process.Signal(signal); err != nil {
					t.Fatal(err)
				}
				code = c.exitCode(<-ended)
			}
			t.Logf("exit code %d: %s", code, stderr)
			switch {
			case code == exitDone:
				t.Log("it was faster than the signal")
			case signal == syscall.SIGINT && (code != exitInterrupted || !strings.Contains(stderr.String(), ": stopped (the same command goes on from there)")):
				t.Errorf("exit code %d, want %d: %s", code, exitInterrupted, stderr)
			case signal == syscall.SIGKILL && code != -1:
				t.Errorf("exit code %d: %s", code, stderr)
			}
			c.must("import", "--quiet", in)
			generated := c.read("in.jsonl")
			if exported := c.export(tenantOf(t, generated)); sortedLines(exported) != sortedLines(generated) {
				t.Error("what was exported is not what was imported")
			}
		})
	}
}
