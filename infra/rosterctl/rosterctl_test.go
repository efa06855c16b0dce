package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/rostertest"
)

// now is when the runs of the tests take place.
var now = time.Date(2026, time.November, 20, 9, 30, 0, 0, time.UTC)

// console is where a test runs rosterctl: an empty folder and a table.
type console struct {
	*testing.T
	table, endpoint string
	dir             string
	clock           *rostertest.Clock
	// adjust changes the tool before each run, if it is set.
	adjust func(*tool)
}

func newConsole(t *testing.T) *console {
	t.Helper()
	return &console{T: t, table: rostertest.CreateTable(t), endpoint: rostertest.Endpoint(t), dir: t.TempDir(), clock: rostertest.NewClock(now)}
}

// emptyTable returns a console of the same folder on another table.
func (c *console) emptyTable() *console {
	c.Helper()
	other := *c
	other.table = rostertest.CreateTable(c.T)
	return &other
}

func (c *console) path(name string) string { return filepath.Join(c.dir, name) }

// result is what a run left behind.
type result struct {
	code           int
	stdout, stderr string
}

// run runs rosterctl with that standard input.
func (c *console) run(ctx context.Context, stdin string, args ...string) result {
	var stdout, stderr bytes.Buffer
	env := map[string]string{"ROSTER_TABLE": c.table, "ROSTER_DYNAMODB_ENDPOINT": c.endpoint}
	t := &tool{
		env: func(name string) string { return env[name] }, stdin: strings.NewReader(stdin), stdout: &stdout, stderr: &stderr,
		now: c.clock.Now, pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }, grace: time.Minute, batch: 20,
	}
	if c.adjust != nil {
		c.adjust(t)
	}
	code := t.run(ctx, args)
	return result{code, stdout.String(), stderr.String()}
}

// must runs rosterctl and returns its standard output. It must succeed.
func (c *console) must(args ...string) string {
	c.Helper()
	r := c.run(c.Context(), "", args...)
	if r.code != exitDone {
		c.Fatalf("rosterctl %s: exit code %d\n%s", strings.Join(args, " "), r.code, r.stderr)
	}
	return r.stdout
}

// mustJSON is must for output that is JSON.
func mustJSON[T any](c *console, args ...string) T {
	c.Helper()
	var v T
	out := c.must(args...)
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		c.Fatalf("rosterctl %s printed %q: %v", strings.Join(args, " "), out, err)
	}
	return v
}

// write writes a file of the console's folder and returns its path.
func (c *console) write(name, text string) string {
	c.Helper()
	if err := os.WriteFile(c.path(name), []byte(text), 0o600); err != nil {
		c.Fatal(err)
	}
	return c.path(name)
}

// read returns a file of the console's folder, empty if it is not there.
func (c *console) read(name string) string {
	c.Helper()
	data, err := os.ReadFile(c.path(name))
	if err != nil && !os.IsNotExist(err) {
		c.Fatal(err)
	}
	return string(data)
}

// export returns what export writes.
func (c *console) export(tenant string, flags ...string) string {
	c.Helper()
	return c.must(append([]string{"export", "--quiet", "--tenant", tenant}, flags...)...)
}

// founded is what bootstrap --json prints.
type founded struct {
	Tenant        json.Number `json:"tenant"`
	AdminID       json.Number `json:"adminId"`
	AdminUsername string      `json:"adminUsername"`
	AdminPassword string      `json:"adminPassword"`
	ClientID      string      `json:"clientId"`
	ClientSecret  string      `json:"clientSecret"`
}

func (c *console) bootstrap(email string, flags ...string) founded {
	c.Helper()
	return mustJSON[founded](c, append([]string{
		"bootstrap", "--json", "--organization", "Northfield Energy", "--admin-name", "Ann Smith", "--admin-email", email,
	}, flags...)...)
}

// names returns the files of the console's folder.
func (c *console) names() []string {
	c.Helper()
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		c.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
