package courier_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/app"
	"github.com/rosterhq/roster/internal/app/courier"
	"github.com/rosterhq/roster/internal/lambdaio"
)

// courierVariable turns this test binary into the courier's: a process that can be killed.
const courierVariable = "ROSTER_TEST_COURIER"

// beCourier is the main of functions/courier. It ends with whoever serves its invocations.
func beCourier() {
	handler, err := courier.New(context.Background(), app.Environment{Getenv: os.Getenv, Log: os.Stdout, Now: time.Now})
	if err != nil {
		fmt.Fprintln(os.Stderr, "courier:", err)
		os.Exit(1)
	}
	lambdaio.Start(handler)
}

// function is the courier as Lambda runs it: in a process of its own that asks for events by the Runtime API (AWS, Using the
// Lambda runtime API for custom runtimes), one at a time, and that is replaced when it has died or outstayed its time.
type function struct {
	*testing.T
	settings map[string]string
	log      *journal
	// settle waits until nothing that the courier has begun is under way any more.
	settle func()

	mu      sync.Mutex
	running *environment           // guarded by mu
	latest  map[string]*invocation // of each environment, by its name; guarded by mu
}

// environment is one process, an execution environment of Lambda's.
type environment struct {
	// name is the access key that the process signs its calls with, so that services know it.
	name   string
	cmd    *exec.Cmd
	exited chan struct{}
	events chan *invocation
	killed bool // guarded by the mutex of its function
}

// invocation is one event that the courier was given.
type invocation struct {
	number   int
	payload  []byte
	deadline time.Time
	result   chan result

	// cut says that the process died in it, or that its time was over before all was done: it is settled when the invocation is.
	cut bool
}

type result struct {
	output []byte
	err    error
}

func newFunction(t *testing.T, settings map[string]string, log *journal, settle func()) *function {
	f := &function{T: t, settings: settings, log: log, settle: settle, latest: map[string]*invocation{}}
	t.Cleanup(func() {
		f.kill()
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.running != nil {
			<-f.running.exited
		}
	})
	return f
}

// overtime is how long Lambda lets a function run on that should have ended by itself. The real one has none: here it is for a
// machine that is busy.
const overtime = 30 * time.Second

// invoke gives the courier an event and returns its answer; an error says that it died, or outstayed its time.
func (f *function) invoke(payload []byte, within time.Duration) ([]byte, error) {
	e := f.environment()
	i := f.begin(e, payload, within)
	output, err := f.await(e, i)
	// What the last calls of somebody who was killed come to must be known before the next begins.
	i.cut = i.cut || !time.Now().Before(i.deadline.Add(-lambdaio.DefaultMargin))
	if i.cut {
		f.settle()
	}
	return output, err
}

func (f *function) await(e *environment, i *invocation) ([]byte, error) {
	select {
	case e.events <- i:
	case <-e.exited:
		i.cut = true
		return nil, errors.New("the courier died before it took the event")
	}
	select {
	case r := <-i.result:
		return r.output, r.err
	case <-e.exited:
	case <-time.After(time.Until(i.deadline) + overtime):
		f.Errorf("the courier does not end by itself: its time was over %v ago", overtime)
		f.kill()
		<-e.exited
	}
	i.cut = true
	return nil, errors.New("the courier died")
}

func (f *function) begin(e *environment, payload []byte, within time.Duration) *invocation {
	f.mu.Lock()
	defer f.mu.Unlock()
	number := 1
	for _, i := range f.latest {
		number = max(number, i.number+1)
	}
	i := &invocation{number: number, payload: payload, deadline: time.Now().Add(within), result: make(chan result, 1)}
	f.latest[e.name] = i
	return i
}

// of returns in which invocation the courier signed a call.
func (f *function) of(r *http.Request) *invocation {
	_, name, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	name, _, _ = strings.Cut(name, "/")
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.latest[name]
}

// kill ends the process, if there is one, as a machine that fails does.
func (f *function) kill() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.running == nil || f.running.killed {
		return false
	}
	select {
	case <-f.running.exited:
		return false
	default:
	}
	f.running.killed = true
	f.running.cmd.Process.Kill() // its end is seen by exited
	return true
}

// environment returns the process that runs, or a new one.
func (f *function) environment() *environment {
	f.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.running != nil {
		select {
		case <-f.running.exited:
		default:
			return f.running
		}
	}
	e, err := f.launch(fmt.Sprintf("COURIER%d", len(f.latest)+1))
	if err != nil {
		f.Fatal(err)
	}
	f.running, f.latest[e.name] = e, &invocation{}
	return e
}

func (f *function) launch(name string) (*environment, error) {
	e := &environment{name: name, exited: make(chan struct{}), events: make(chan *invocation)}
	runtime := httptest.NewServer(e.runtimeAPI())
	binary, err := os.Executable()
	if err != nil {
		return nil, err
	}
	e.cmd = exec.Command(binary)
	e.cmd.Stdout, e.cmd.Stderr = f.log, f.log
	e.cmd.Env = []string{
		courierVariable + "=1", "AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(runtime.URL, "http://"),
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256", "AWS_ACCESS_KEY_ID=" + name, "AWS_SECRET_ACCESS_KEY=local",
	}
	for name, value := range f.settings {
		e.cmd.Env = append(e.cmd.Env, name+"="+value)
	}
	if err := e.cmd.Start(); err != nil {
		runtime.Close()
		return nil, fmt.Errorf("starting the courier: %w", err)
	}
	go func() { // ends with the process
		e.cmd.Wait() // how it ended does not matter: that it did is what its invocation fails with
		runtime.CloseClientConnections()
		runtime.Close()
		close(e.exited)
	}()
	return e, nil
}

// runtimeAPI serves the events of one process.
func (e *environment) runtimeAPI() http.Handler {
	var mu sync.Mutex
	var current *invocation // guarded by mu
	finish := func(r *http.Request, finished func(body []byte) result) {
		body, err := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		if err == nil && current != nil && r.PathValue("id") == strconv.Itoa(current.number) {
			current.result <- finished(body)
			current = nil
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case i := <-e.events:
			mu.Lock()
			current = i
			mu.Unlock()
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", strconv.Itoa(i.number))
			w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(i.deadline.UnixMilli(), 10))
			w.Write(i.payload)
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", func(w http.ResponseWriter, r *http.Request) {
		finish(r, func(body []byte) result { return result{output: body} })
		w.WriteHeader(http.StatusAccepted)
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", func(w http.ResponseWriter, r *http.Request) {
		finish(r, func(body []byte) result { return result{err: fmt.Errorf("the courier failed: %s", body)} })
		w.WriteHeader(http.StatusAccepted)
	})
	return mux
}

// journal keeps what the couriers log.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

// Write keeps p.
func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}
