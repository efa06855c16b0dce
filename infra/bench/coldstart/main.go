// Command coldstart prints the size of each function and what its cold start takes: from the start of the process to its first answer
// on a Runtime API of this command's own, on loopback. A hello-world Lambda in Go, built and started in the same way in the same run, is
// what they are held against, since a machine's own speed says nothing.
//
// There is no network in it but loopback, and no table: whatever a function asks for ahead of its first event, it is told at once
// that there is none. What a first TLS handshake costs is not measured here. The event is one that the function answers without the table.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"text/tabwriter"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	starts := flag.Int("starts", 21, "how many cold starts of each function to measure")
	flag.Parse()
	if err := run(ctx, *starts); err != nil {
		fmt.Fprintln(os.Stderr, "coldstart:", err)
		os.Exit(1)
	}
}

// hello is the function of the comparison.
const hello = "hello-world"

func run(ctx context.Context, starts int) error {
	dir, err := os.MkdirTemp("", "roster-coldstart-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	key := filepath.Join(dir, "key.pem")
	if err := writeKey(key); err != nil {
		return err
	}
	names, err := build(ctx, dir)
	if err != nil {
		return err
	}
	// All functions in turn, so that what else the machine does meanwhile hurts all alike.
	measured := map[string][]measure{}
	for range starts {
		for _, name := range names {
			m, err := start(ctx, filepath.Join(dir, name), key, eventOf(name))
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			measured[name] = append(measured[name], m)
		}
	}
	return report(os.Stdout, dir, names, measured)
}

// build builds hello-world and every function for this machine, as they are built for Lambda, and returns their names, hello-world first.
func build(ctx context.Context, dir string) ([]string, error) {
	folders, err := filepath.Glob("../../functions/*/main.go")
	if err != nil || len(folders) == 0 {
		return nil, errors.New("there are no functions: run this in infra/bench")
	}
	names := []string{hello}
	for _, file := range folders {
		names = append(names, filepath.Base(filepath.Dir(file)))
	}
	for _, name := range names {
		source, module := "./functions/"+name, "../.."
		if name == hello {
			source, module = "./coldstart/hello", "."
		}
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags=lambda.norpc", "-ldflags=-s -w", "-o", filepath.Join(dir, name), source)
		build.Dir = module
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("building %s: %w\n%s", name, err, out)
		}
	}
	return names, nil
}

// eventOf returns what a function is given first: something that it answers without the table.
func eventOf(name string) string {
	switch name {
	case hello:
		return `{}`
	case "authorizer":
		return `{"type":"REQUEST","methodArn":"arn:aws:execute-api:eu-central-1:123456789012:api/dev/GET/x","headers":{"Authorization":"Basic eA=="},"requestContext":{"requestId":"1"}}`
	case "bounces", "changes", "courier":
		return `{"Records":[]}`
	default:
		return `{"resource":"/none","path":"/none","httpMethod":"GET","headers":{},"requestContext":{"requestId":"1","stage":"dev","path":"/dev/none","resourcePath":"/none","httpMethod":"GET"}}`
	}
}

func environment(api, key string) []string {
	table := "http://" + api
	return []string{
		"AWS_LAMBDA_RUNTIME_API=" + api, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=1024", "AWS_LAMBDA_FUNCTION_NAME=bench", "AWS_REGION=local",
		"AWS_ACCESS_KEY_ID=roster", "AWS_SECRET_ACCESS_KEY=local", "GOGC=off",
		"ROSTER_TABLE=none", "ROSTER_DYNAMODB_ENDPOINT=" + table, "ROSTER_ISSUER=https://roster.example", "ROSTER_SIGNING_KEY_FILE=" + key,
		"ROSTER_MAIL_FROM=no-reply@roster.example", "ROSTER_LINK_BASE=https://roster.example", "ROSTER_REFUSALS_QUEUE=" + table + "/queue",
	}
}

// measure is what one cold start took.
type measure struct{ wall, cpu time.Duration }

// runtimeAPI hands one event to one process at a time (AWS, Using the Lambda runtime API for custom runtimes).
type runtimeAPI struct {
	http.Server
	address  string
	event    chan string
	answered chan time.Time
}

func serve() (*runtimeAPI, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	a := &runtimeAPI{address: listener.Addr().String(), event: make(chan string, 1), answered: make(chan time.Time, 1)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case event := <-a.event:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(20*time.Second).UnixMilli()))
			w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:123456789012:function:bench")
			_, _ = io.WriteString(w, event) // a process that has ended is noticed elsewhere
		case <-r.Context().Done():
		}
	})
	answer := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		a.answered <- time.Now()
		w.WriteHeader(http.StatusAccepted)
	}
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", answer)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", answer)
	mux.HandleFunc("POST /{$}", func(w http.ResponseWriter, _ *http.Request) { // DynamoDB, with an answer that nobody asks for twice
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"}`) // as above
	})
	a.Handler = mux
	go a.Serve(listener) // ends with Close
	return a, nil
}

// start starts the binary, waits for its first answer, and ends it. Each process has a Runtime API of its own, so that none takes the
// event of the next.
func start(ctx context.Context, binary, key, event string) (measure, error) {
	a, err := serve()
	if err != nil {
		return measure{}, err
	}
	defer a.Close()
	a.event <- event
	command := exec.CommandContext(ctx, binary)
	command.Env = environment(a.address, key)
	begun := time.Now()
	if err := command.Start(); err != nil {
		return measure{}, err
	}
	exited := make(chan error, 1)
	go func() { exited <- command.Wait() }()
	select {
	case at := <-a.answered:
		_ = command.Process.Kill() // it has nothing more to do, and would wait for the next event
		<-exited
		state := command.ProcessState
		return measure{at.Sub(begun), state.UserTime() + state.SystemTime()}, nil
	case err := <-exited:
		return measure{}, fmt.Errorf("it ended before it answered: %w", err)
	case <-time.After(30 * time.Second):
		_ = command.Process.Kill()
		<-exited
		return measure{}, errors.New("it did not answer within 30 s")
	}
}

// The targets that a function's CPU is held to, as multiples of hello-world's.
const (
	readTarget = 2.0
	anyTarget  = 2.5
)

var readFunctions = []string{"customers", "global", "organization", "workspace"}

func report(w io.Writer, dir string, names []string, measured map[string][]measure) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "function\tMB\tCPU ms\twall ms\tCPU / hello\twall / hello\ttarget\t")
	base := median(measured[hello])
	for _, name := range names {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		m := median(measured[name])
		target, verdict := "", ""
		if name != hello {
			most := anyTarget
			if slices.Contains(readFunctions, name) {
				most = readTarget
			}
			ratio := float64(m.cpu) / float64(base.cpu)
			if verdict = " met"; ratio > most {
				verdict = " missed"
			}
			target = fmt.Sprintf("%.1f%s", most, verdict)
		}
		fmt.Fprintf(out, "%s\t%.1f\t%.1f\t%.1f\t%.2f\t%.2f\t%s\t\n", name, float64(info.Size())/1e6, milliseconds(m.cpu), milliseconds(m.wall),
			float64(m.cpu)/float64(base.cpu), float64(m.wall)/float64(base.wall), target)
	}
	return out.Flush()
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// median returns the medians of both.
func median(all []measure) measure {
	middle := func(of func(measure) time.Duration) time.Duration {
		values := make([]time.Duration, len(all))
		for i, m := range all {
			values[i] = of(m)
		}
		slices.SortFunc(values, cmp.Compare)
		return values[len(values)/2]
	}
	return measure{middle(func(m measure) time.Duration { return m.wall }), middle(func(m measure) time.Duration { return m.cpu })}
}

// writeKey makes the file of the signing key that the function tokens needs.
func writeKey(path string) error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	text, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text}), 0o600)
}
