package dynamolocal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// readyWithin is how long a start may take on a machine that is busy with other things; a calm one needs 1.5 s.
const readyWithin = 90 * time.Second

// stopWithin is how long Java gets to leave by itself.
const stopWithin = 5 * time.Second

// ErrPortTaken is in the error of a Start whose port another process listens on.
var ErrPortTaken = errors.New("it is taken")

// Options say how to run DynamoDB Local.
type Options struct {
	// Memory keeps the data in memory only; Dir is then not used.
	Memory bool
	// Dir is the folder of the data, made if it is not there. It is required unless Memory is set.
	Dir string
	// Port is the port to listen on; 0 picks one that is free.
	Port int
	// Brief is for a server that lives for seconds: Java compiles simply, which pays at once, and never as well as it would
	// in minutes.
	Brief bool
	// Progress is told, a line each, what takes time; nil tells nobody.
	Progress io.Writer
}

// Server is a DynamoDB Local that runs. It ends with Stop, and on Linux also with this process, however that ends.
type Server struct {
	port   int
	cmd    *exec.Cmd
	exited chan struct{} // closed when the process has ended
	output *tail
	stop   sync.Once
}

// Start runs DynamoDB Local, fetching it first if need be, and returns once it answers. One shared database serves every
// Region and access key. The context bounds the start only, not the life of the server. The error is one line: no Java,
// nothing to fetch from, the port taken, or what Java said.
func Start(ctx context.Context, options Options) (*Server, error) {
	if options.Port != 0 {
		if err := checkPort(options.Port); err != nil {
			return nil, err
		}
	}
	java, err := FindJava(ctx)
	if err != nil {
		return nil, err
	}
	lib, err := fetch(ctx, java, options.Progress)
	if err != nil {
		return nil, err
	}
	data, err := dataArguments(options)
	if err != nil {
		return nil, err
	}
	// A simple collector starts faster; 2 GiB hold some 400,000 items.
	command := []string{java, "-Xmx2g", "-XX:+UseSerialGC", "-XX:-UsePerfData"}
	if options.Brief {
		command = append(command, "-XX:TieredStopAtLevel=1")
	}
	command = append(command, "-cp", filepath.Join(lib, "*"), mainClass, "-disableTelemetry", "-sharedDb")
	command = append(command, data...)
	if options.Port != 0 {
		return launch(ctx, command, options.Port)
	}
	return launchAnywhere(ctx, command)
}

func dataArguments(options Options) ([]string, error) {
	if options.Memory {
		return []string{"-inMemory"}, nil
	}
	if options.Dir == "" {
		return nil, errors.New("DynamoDB Local needs a folder for its data, or Memory")
	}
	dir, err := filepath.Abs(options.Dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("DynamoDB Local has no folder for its data: %w", err)
	}
	return []string{"-dbPath", dir}, nil
}

// checkPort reports a port that is taken. Java listens on every interface, so every interface is tried.
func checkPort(port int) error {
	for _, host := range []string{"127.0.0.1", ""} {
		listener, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err != nil {
			return fmt.Errorf("DynamoDB Local cannot have port %d, %w (%v): stop what listens there or choose another port", port, ErrPortTaken, err)
		}
		listener.Close()
	}
	return nil
}

// launchAnywhere picks a free port. Between picking and listening another process may take it, so it tries again.
func launchAnywhere(ctx context.Context, command []string) (*Server, error) {
	const tries = 4
	for try := 1; ; try++ {
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		server, err := launch(ctx, command, port)
		if err == nil || try == tries || !strings.Contains(err.Error(), "Address already in use") {
			return server, err
		}
	}
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", ":0")
	if err != nil {
		return 0, fmt.Errorf("no port is free for DynamoDB Local: %w", err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

func launch(ctx context.Context, command []string, port int) (*Server, error) {
	s := &Server{port: port, exited: make(chan struct{}), output: &tail{}}
	s.cmd = exec.Command(command[0], slices.Concat(command[1:], []string{"-port", strconv.Itoa(port)})...)
	s.cmd.Stdout, s.cmd.Stderr = s.output, s.output
	ownChild(s.cmd)
	if err := s.run(); err != nil {
		return nil, fmt.Errorf("DynamoDB Local did not start: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, readyWithin, fmt.Errorf("no answer within %v", readyWithin))
	defer cancel()
	if err := s.awaitReady(ctx); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// run starts the process and waits for it in the background, on one thread that it keeps: the kernel sends the death
// signal when the thread that made the child ends, and Go ends threads as it likes.
func (s *Server) run() error {
	started := make(chan error)
	go func() { // ends with the process, which Stop ends
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := s.cmd.Start()
		started <- err
		if err == nil {
			s.cmd.Wait() // how it ended does not matter: the output says why
			close(s.exited)
		}
	}()
	return <-started
}

func (s *Server) awaitReady(ctx context.Context) error {
	for {
		if answers(ctx, s.Endpoint()) {
			break
		}
		select {
		case <-s.exited:
			return fmt.Errorf("DynamoDB Local ended at once: %s", s.output.reason())
		case <-ctx.Done():
			return fmt.Errorf("DynamoDB Local does not answer on port %d (%w): %s", s.port, context.Cause(ctx), s.output.reason())
		case <-time.After(50 * time.Millisecond):
		}
	}
	select {
	case <-s.exited: // then it was another that answered, on the port that ours did not get
		return fmt.Errorf("DynamoDB Local ended at once: %s", s.output.reason())
	default:
		return nil
	}
}

// answers reports whether a DynamoDB answers ListTables at endpoint. It checks no signature, but wants one.
func answers(ctx context.Context, endpoint string) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(`{"Limit":1}`))
	if err != nil {
		return false
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.0")
	request.Header.Set("X-Amz-Target", "DynamoDB_20120810.ListTables")
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=local/20240101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	return err == nil && response.StatusCode == http.StatusOK && bytes.Contains(body, []byte("TableNames"))
}

// Endpoint returns the URL that it answers at, on the loopback interface.
func (s *Server) Endpoint() string { return "http://127.0.0.1:" + strconv.Itoa(s.port) }

// Exited is closed once the server has ended, by Stop or by itself.
func (s *Server) Exited() <-chan struct{} { return s.exited }

// Stop ends the server and waits until it has ended. It may be called more than once.
func (s *Server) Stop() {
	s.stop.Do(func() {
		select {
		case <-s.exited:
			return // its id may be another's by now
		default:
		}
		end(s.cmd)
		select {
		case <-s.exited:
		case <-time.After(stopWithin):
			kill(s.cmd)
		}
	})
	<-s.exited
}

// Kill ends the server at once (SIGKILL), as a crash does, and waits until it has ended: it finishes nothing and closes no
// file. The data in its folder is there for the next one.
func (s *Server) Kill() {
	s.stop.Do(func() {
		select {
		case <-s.exited:
		default:
			kill(s.cmd)
		}
	})
	<-s.exited
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

// reason returns the line that says what went wrong: Java's last "Caused by" or exception, or else the last line.
func (t *tail) reason() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	found := ""
	for line := range strings.Lines(string(t.text)) {
		if strings.Contains(line, "Exception") || strings.Contains(line, "Error") || strings.Contains(line, "Address already in use") {
			if !strings.HasPrefix(strings.TrimSpace(line), "at ") {
				found = strings.TrimSpace(line)
			}
		}
	}
	if found == "" {
		found = lastLine(string(t.text))
	}
	if found == "" {
		return "it printed nothing"
	}
	return shorten(found)
}
