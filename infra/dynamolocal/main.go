// Command dynamolocal runs a command with a DynamoDB Local of its own, in memory:
//
//	go run ./infra/dynamolocal go test ./...
//
// The command finds its address in ROSTER_TEST_DYNAMODB_ENDPOINT. One server for a whole test run costs less time and
// memory than one for each package. Where the variable is set already the command just runs. Without a command it runs
// the server alone until Ctrl-C, for tests run one by one. How the server is fetched and run is in package
// internal/rostertest/dynamolocal; the developer server with its data is infra/local.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/rosterhq/roster/internal/rostertest/dynamolocal"
)

// preferredPort is below the ports that systems give out by themselves. With the same port, and so the same variable, in
// every run, the go command finds the results of tests that need not run again in its cache.
const preferredPort = 18431

func main() {
	code, err := run(os.Args[1:], os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(code)
}

// run returns the exit code of the command.
func run(command []string, out, progress io.Writer) (int, error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if os.Getenv(dynamolocal.TestEndpointVariable) != "" && len(command) > 0 {
		return runCommand(ctx, command, os.Environ())
	}
	server, err := dynamolocal.Start(ctx, dynamolocal.Options{Memory: true, Port: preferredPort, Progress: progress})
	if errors.Is(err, dynamolocal.ErrPortTaken) { // by another test run, perhaps
		server, err = dynamolocal.Start(ctx, dynamolocal.Options{Memory: true, Progress: progress})
	}
	if err != nil {
		return 0, err
	}
	defer server.Stop()
	setting := dynamolocal.TestEndpointVariable + "=" + server.Endpoint()
	if len(command) > 0 {
		return runCommand(ctx, command, append(os.Environ(), setting))
	}
	fmt.Fprintf(out, "export %s\n", setting)
	select {
	case <-ctx.Done():
		return 0, nil
	case <-server.Exited():
		return 0, errors.New("DynamoDB Local ended by itself")
	}
}

// runCommand runs the command on this terminal. A Ctrl-C reaches it by itself; a signal to this process alone is passed on.
func runCommand(ctx context.Context, command, environment []string) (int, error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = environment
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		if code := exit.ExitCode(); code > 0 {
			return code, nil
		}
		return 1, nil // ended by a signal
	}
	if err != nil {
		return 0, fmt.Errorf("%s did not run: %w", command[0], err)
	}
	return 0, nil
}
