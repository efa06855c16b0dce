package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rosterhq/roster/internal/roster"
)

// The exit codes.
const (
	exitDone        = 0
	exitFailed      = 1 // also when an import refused a line, or a check found something
	exitUsage       = 2
	exitInterrupted = 130
)

// tool is one run of rosterctl and everything it touches of the world around it.
type tool struct {
	env            func(string) string
	stdin          io.Reader
	stdout, stderr io.Writer
	now            func() time.Time
	pause          func(context.Context, time.Duration) error
	// transport carries the requests to the table; nil means the SDK's own.
	transport http.RoundTripper
	// grace is how long writes under way may go on after the run was asked to stop.
	grace time.Duration
	// batch is how many users an import stores in one go.
	batch int
	// started is set once the command line is understood.
	started bool
}

// run is rosterctl: it does what args say and returns the exit code.
func run(ctx context.Context, args []string, env func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	t := &tool{
		env: env, stdin: stdin, stdout: stdout, stderr: stderr,
		now: time.Now, pause: pause, grace: 20 * time.Second, batch: batchUsers,
	}
	return t.run(ctx, args)
}

func (t *tool) run(ctx context.Context, args []string) int {
	root := t.command()
	root.SetArgs(args)
	root.SetIn(t.stdin)
	root.SetOut(t.stdout)
	root.SetErr(t.stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	fmt.Fprintln(t.stderr, "rosterctl: "+oneLine(err))
	switch {
	case !t.started:
		return exitUsage
	case ctx.Err() != nil:
		return exitInterrupted
	default:
		return exitFailed
	}
}

func (t *tool) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "rosterctl",
		Short: "Operate a Roster directory",
		Long: `rosterctl operates a Roster directory: it founds tenants, manages API clients and integrations, looks after invitations, makes
up realistic people, and imports and exports whole tenants.

It works on the table directly and needs nothing else to run. Which table, and where, is said by
flags or by the environment; credentials are found as every AWS tool finds them:

  --table     ROSTER_TABLE                the table's name
  --endpoint  ROSTER_DYNAMODB_ENDPOINT    the URL of DynamoDB Local; empty means the cloud
  --region    AWS_REGION                  the cloud's region
  --profile   AWS_PROFILE                 a profile of the AWS configuration

Exit codes: 0 done, 1 failed (also when an import refused a line or a check
found something), 2 the command line is wrong, 130
interrupted.`,
		Example: `  rosterctl bootstrap --organization "Northfield Energy" --admin-name "Ann Smith" --admin-email ann@northfield.example
  rosterctl generate --users 100000 --output people.jsonl
  rosterctl import people.jsonl
  rosterctl export --tenant 1306676258 --output northfield.jsonl
  rosterctl invitation list --tenant 1306676258
  rosterctl audit --tenant 1306676258
  rosterctl check`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(t.bootstrapCommand(), t.clientCommand(), t.integrationCommand(), t.generateCommand(), t.importCommand(), t.exportCommand())
	root.AddCommand(t.roleCommand(), t.groupCommand(), t.warehouseCommand(), t.invitationCommand(), t.auditCommand(), t.checkCommand())
	return root
}

// does makes a command do work. What cobra finds wrong before is the command line's fault.
func (t *tool) does(c *cobra.Command, work func(ctx context.Context, args []string) error) {
	c.RunE = func(c *cobra.Command, args []string) error {
		t.started = true
		return work(c.Context(), args)
	}
}

// oneLine returns what to tell an operator about an error, in one line.
func oneLine(err error) string {
	text := err.Error()
	if e, ok := errors.AsType[*roster.Error](err); ok && err == error(e) && e.Kind != roster.KindInternal {
		text = e.Message
		if e.Cause != nil && e.Kind == roster.KindUnavailable {
			text += ": " + e.Cause.Error()
		}
	}
	return strings.Join(strings.Fields(text), " ")
}

// printJSON writes a value for scripts.
func (t *tool) printJSON(value any) error {
	encoder := json.NewEncoder(t.stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// pause waits, or returns the context's error when that ends first.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// listCommand returns the command that lists what a tenant has of one sort.
func (t *tool) listCommand(short, example string, list func(ctx context.Context, at *place, tenant roster.TenantID, asJSON bool) error) *cobra.Command {
	var (
		tenant int32
		asJSON bool
	)
	c := &cobra.Command{Use: "list", Short: short, Example: example, Args: cobra.NoArgs}
	c.Flags().Int32Var(&tenant, "tenant", 0, "the tenant's id (required)")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	require(c, "tenant")
	at := t.placeFlags(c)
	t.does(c, func(ctx context.Context, _ []string) error {
		return list(ctx, at, roster.TenantID(tenant), asJSON)
	})
	return c
}
