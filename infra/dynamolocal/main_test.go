package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rosterhq/roster/internal/rostertest/dynamolocal"
)

func TestTheCommandFindsTheServerInItsEnvironment(t *testing.T) {
	t.Setenv(dynamolocal.TestEndpointVariable, "")
	seen := filepath.Join(t.TempDir(), "seen")
	code, err := run([]string{"sh", "-c", `printf %s "$` + dynamolocal.TestEndpointVariable + `" > "$0"; exit 7`, seen}, io.Discard, t.Output())
	if err != nil || code != 7 {
		t.Fatalf("run = %d, %v, want the command's exit code, 7", code, err)
	}
	endpoint, err := os.ReadFile(seen)
	if err != nil || !strings.HasPrefix(string(endpoint), "http://127.0.0.1:") {
		t.Errorf("the command saw %q, %v, want the address of a server", endpoint, err)
	}
}

func TestAServerThatRunsAlreadyIsUsed(t *testing.T) {
	t.Setenv(dynamolocal.TestEndpointVariable, "http://127.0.0.1:1")
	t.Setenv("PATH", filepath.Dir(shell(t))) // no Java is looked for
	var progress bytes.Buffer
	code, err := run([]string{"sh", "-c", `test "$` + dynamolocal.TestEndpointVariable + `" = http://127.0.0.1:1`}, io.Discard, &progress)
	if err != nil || code != 0 || progress.Len() != 0 {
		t.Errorf("run = %d, %v, saying %q, want 0 and silence", code, err, progress.String())
	}
}

func TestACommandThatIsNotThere(t *testing.T) {
	t.Setenv(dynamolocal.TestEndpointVariable, "http://127.0.0.1:1")
	_, err := run([]string{"no-such-command"}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "no-such-command did not run") {
		t.Errorf("run = %v, want it to name the command", err)
	}
}

// shell returns a sh alone in its folder.
func shell(t *testing.T) string {
	t.Helper()
	link := filepath.Join(t.TempDir(), "sh")
	if err := os.Symlink("/bin/sh", link); err != nil {
		t.Fatal(err)
	}
	return link
}
