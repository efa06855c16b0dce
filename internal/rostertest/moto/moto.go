package moto

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Account is the AWS account that the server acts as, whatever the access key.
const Account = "123456789012"

// readyWithin is how long a start may take on a machine that is busy with other things; a calm one needs 1 s.
const readyWithin = 90 * time.Second

// program runs the server on the port that it is given, on the loopback interface, for as long as its standard input is open. The
// test process holds the other end and never writes: however the process ends, the system closes it, and the server leaves too.
const program = `
import os, sys, threading
def leave():
    sys.stdin.buffer.read()
    os._exit(0)
threading.Thread(target=leave, daemon=True).start()
from moto.server import main
main(["-H", "127.0.0.1", "-p", sys.argv[1]])
`

// server is what the tests of one process share. The server ends with the process, see program.
var server struct {
	sync.Mutex
	base string
	err  error // why it could not be started: tried once

	// turn is held by the test that uses the server, and holder is its name, guarded by the mutex above.
	turn   sync.Mutex
	holder string
}

// Start returns the URL of a moto server that is the test's own until it ends, and empty: without mails, endpoints, queues. The
// tests of one process share a server and take turns, those that run in parallel too. Without python3 and pip the test is skipped.
func Start(t testing.TB) string {
	t.Helper()
	base := shared(t)
	takeTurn(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/moto-api/reset", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatalf("emptying moto: %v", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("emptying moto: %s", response.Status)
	}
	return base
}

func takeTurn(t testing.TB) {
	t.Helper()
	server.Lock()
	holder := server.holder
	server.Unlock()
	if holder != "" && (t.Name() == holder || strings.HasPrefix(t.Name(), holder+"/")) {
		t.Fatalf("%s has started moto already and would wait for itself", holder)
	}
	server.turn.Lock()
	setHolder(t.Name())
	t.Cleanup(func() {
		setHolder("")
		server.turn.Unlock()
	})
}

func setHolder(name string) {
	server.Lock()
	defer server.Unlock()
	server.holder = name
}

// shared returns the URL of the server of this process, which it starts at the first call.
func shared(t testing.TB) string {
	t.Helper()
	server.Lock()
	defer server.Unlock()
	if server.base == "" && server.err == nil {
		// Not the test's context: the server outlives the test.
		server.base, server.err = start(context.Background(), os.Stderr)
	}
	if errors.Is(server.err, errNoTools) {
		t.Skip(server.err)
	}
	if server.err != nil {
		t.Fatal(server.err)
	}
	return server.base
}

func start(ctx context.Context, progress io.Writer) (string, error) {
	home, err := install(ctx, progress)
	if err != nil {
		return "", err
	}
	// Between picking a port and listening on it another process may take it, so it tries again.
	for try := 1; ; try++ {
		base, err := launch(ctx, home)
		if err == nil || try == 4 || !strings.Contains(err.Error(), "in use") {
			return base, err
		}
	}
}

func launch(ctx context.Context, home string) (string, error) {
	port, err := freePort()
	if err != nil {
		return "", err
	}
	cmd := exec.Command("python3", "-c", program, strconv.Itoa(port))
	cmd.Env = append(os.Environ(), "PYTHONPATH="+home)
	output := &tail{}
	cmd.Stdout, cmd.Stderr = output, output
	if _, err := cmd.StdinPipe(); err != nil { // closed by Wait, or with this process
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("moto did not start: %w", err)
	}
	exited := make(chan struct{})
	go func() { // ends with the server
		cmd.Wait() // how it ended does not matter: the output says why
		close(exited)
	}()
	base := "http://127.0.0.1:" + strconv.Itoa(port)
	if err := awaitReady(ctx, base, exited, output); err != nil {
		cmd.Process.Kill()
		<-exited
		return "", err
	}
	return base, nil
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("no port is free for moto: %w", err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

func awaitReady(ctx context.Context, base string, exited <-chan struct{}, output *tail) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/moto-api/data.json", nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			response.Body.Close()
		}
		select {
		case <-exited: // then it was another that answered, on the port that ours did not get
			return fmt.Errorf("moto ended at once: %s", output.lastLine())
		default:
		}
		if err == nil && response.StatusCode == http.StatusOK {
			return nil
		}
		select {
		case <-exited:
		case <-ctx.Done():
			return fmt.Errorf("moto did not answer within %v: %s", readyWithin, output.lastLine())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Models returns what the server keeps of one kind, each with moto's own names of its fields: Models[Mail](t, base, "ses",
// "Message"). A kind that the server has never heard of is none, for it loads each service at the first call.
func Models[T any](t testing.TB, base, service, kind string) []T {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/moto-api/data.json", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var services map[string]map[string]json.RawMessage
	if err := json.NewDecoder(response.Body).Decode(&services); err != nil {
		t.Fatalf("reading what moto keeps: %v", err)
	}
	kept, ok := services[service][kind]
	if !ok {
		return nil
	}
	var models []T
	if err := json.Unmarshal(kept, &models); err != nil {
		t.Fatalf("reading moto's %s of %s: %v", kind, service, err)
	}
	return models
}

// tail keeps the last of what a process prints.
type tail struct {
	mu   sync.Mutex
	text []byte // guarded by mu
}

// Write keeps p and forgets what is older than 16 KiB.
func (t *tail) Write(p []byte) (int, error) {
	const most = 16 << 10
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if extra := len(t.text) - most; extra > 0 {
		t.text = append(t.text[:0], t.text[extra:]...)
	}
	return len(p), nil
}

// lastLine returns the last line that says something; Python's traceback ends in the one that names the error.
func (t *tail) lastLine() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return lastLine(bytes.TrimSpace(t.text))
}
