package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rosterhq/roster/internal/roster"
)

// importOptions is what the command line says about an import.
type importOptions struct {
	input   string
	refused string
	tenant  roster.TenantID
	workers int
	restart bool
	quiet   bool
	asJSON  bool
}

// The suffixes of the files beside an input.
const (
	progressSuffix = ".progress.json"
	refusedSuffix  = ".refused.jsonl"
)

func (t *tool) importCommand() *cobra.Command {
	var (
		o      importOptions
		tenant int32
	)
	c := &cobra.Command{
		Use:   "import FILE",
		Short: "Bring the lines of a file into a tenant",
		Long: `import reads a file of one JSON object a line, as export and generate write it, and stores what is
not there yet. Each user comes with its e-mail claim, identities and password hash, or not at all.
The file belongs to one tenant: the one of its tenant line, which is founded if it is not there, or
the one of --tenant. Whatever a line refers to (a parent, an organization, a role, a group, a
warehouse) must be there or stand in an earlier line; only delegates may come later.

Import never changes or doubles anything. A line that is there already, with what the line says, is
counted as such; one that is there otherwise is refused. What goes on by itself is no difference:
the last login, the number of devices, the time of the last change.

A line that cannot be taken is refused, and written to FILE` + refusedSuffix + ` with its number,
the reason and its text; the others go on. A mended line can be imported from a file of its own.

How far the import is, is kept in FILE` + progressSuffix + ` until it is done. Stop it with Ctrl-C,
or let it be killed: the same command goes on where it was.

Lines have a "type": tenant (id, name), organization (id, parent, name), role (id, name,
permissions), group (id, name), warehouse (id, name, inactive), user (organization, email, name, ...), client. A user may leave out
the id, which is then made, one form of its name (givenName and familyName, or name), status
(Active), roles ([3], User) and createdAt (now). Unknown fields, fields given twice, null and wrong types are refused, as
are lines of more than 256 KB. A byte order mark, CRLF and empty lines are taken.`,
		Example: `  rosterctl import people.jsonl
  rosterctl import --tenant 1306676258 new-hires.jsonl
  zcat northfield.jsonl.gz | rosterctl import --refused northfield.refused.jsonl -`,
		Args: cobra.ExactArgs(1),
	}
	flags := c.Flags()
	flags.Int32Var(&tenant, "tenant", 0, "the tenant's id (default the one of the file's tenant line)")
	flags.IntVar(&o.workers, "workers", 8, "how many transactions are under way at once")
	flags.StringVar(&o.refused, "refused", "", "the file for refused lines (default FILE"+refusedSuffix+")")
	flags.BoolVar(&o.restart, "restart", false, "start from the first line, whatever was done before")
	flags.BoolVar(&o.quiet, "quiet", false, "show no progress")
	flags.BoolVar(&o.asJSON, "json", false, "print the counts as JSON")
	at := t.placeFlags(c)
	t.does(c, func(ctx context.Context, args []string) error {
		o.input, o.tenant = args[0], roster.TenantID(tenant)
		if o.workers < 1 || tenant < 0 {
			return errors.New("--workers must be at least 1, --tenant must not be negative")
		}
		return t.importFile(ctx, at, o)
	})
	return c
}

// importFile runs an import from its checkpoint to its end, or to where it is stopped.
func (t *tool) importFile(ctx context.Context, at *place, o importOptions) error {
	operator, err := t.connect(ctx, at)
	if err != nil {
		return err
	}
	i := &importer{tool: t, operator: operator, form: newForm(), options: o}
	i.state = checkpoint{Place: *at, Tenant: o.tenant}
	closeInput, err := i.open()
	if err != nil {
		return err
	}
	defer closeInput()
	refused, err := openRefusals(i.options.refused, i.state.RefusedBytes)
	if err != nil {
		return fmt.Errorf("the file for refused lines: %w", err)
	}
	i.refused = refused
	i.bar = t.newProgress("importing", "lines", i.total, o.quiet)
	runErr := i.run(ctx)
	i.bar.close()
	return i.conclude(ctx, explain(runErr, at), refused.close())
}

// open opens the input at the place where the checkpoint says the last run stopped.
func (i *importer) open() (closeInput func(), err error) {
	o := &i.options
	if o.input == "-" {
		if o.refused == "" {
			o.refused = "stdin" + refusedSuffix
		}
		i.lines, i.total = newLineReader(i.stdin), -1
		return func() {}, nil
	}
	if o.refused == "" {
		o.refused = o.input + refusedSuffix
	}
	if filepath.Clean(o.refused) == filepath.Clean(o.input) {
		return nil, errors.New("refused lines cannot go to the file that is imported")
	}
	file, err := os.Open(o.input)
	if err != nil {
		return nil, err
	}
	closeInput = func() { file.Close() }
	if err := i.prepare(file); err != nil {
		closeInput()
		return nil, err
	}
	return closeInput, nil
}

// prepare counts the lines of a file and goes to where the last run stopped. What is no regular file can be read only
// once.
func (i *importer) prepare(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.IsDir() {
		return fmt.Errorf("%s is a folder", i.options.input)
	}
	if !info.Mode().IsRegular() {
		i.lines, i.total = newLineReader(file), -1
		return nil
	}
	if i.total, err = countLines(file); err != nil {
		return fmt.Errorf("reading %s: %w", i.options.input, err)
	}
	i.checkpointName = i.options.input + progressSuffix
	before, err := readCheckpoint(i.checkpointName)
	if err != nil {
		return err
	}
	if before != nil && !i.options.restart {
		resumed, err := i.resume(file, before)
		if err != nil || resumed {
			return err
		}
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	i.lines = newLineReader(file)
	return nil
}

// resume goes on where before says, if that was the same import.
func (i *importer) resume(file *os.File, before *checkpoint) (bool, error) {
	same := before.Place.Table == i.state.Place.Table && before.Place.Endpoint == i.state.Place.Endpoint &&
		before.Place.Region == i.state.Place.Region && (i.state.Tenant == 0 || before.Tenant == i.state.Tenant)
	if same {
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return false, err
		}
		i.lines = newLineReader(file)
		var err error
		if same, err = i.lines.resume(before.Done); err != nil {
			return false, err
		}
	}
	if !same {
		i.say("%s belongs to another import or another file: starting from the first line", i.checkpointName)
		return false, nil
	}
	place := i.state.Place
	i.state = *before
	i.state.Place = place
	i.total -= before.Done.Line
	i.say("going on after line %d", before.Done.Line)
	return true, nil
}

// say tells the operator something on the way.
func (i *importer) say(format string, args ...any) {
	if !i.options.quiet {
		fmt.Fprintf(i.stderr, format+"\n", args...)
	}
}

// conclude saves or removes the checkpoint, sums the import up and returns its error.
func (i *importer) conclude(ctx context.Context, runErr, closeErr error) error {
	if runErr != nil || closeErr != nil {
		err := errors.Join(runErr, closeErr)
		if ctx.Err() != nil {
			err = errors.New("stopped")
		}
		if i.state.Done.Line == 0 {
			return err
		}
		if i.checkpointName == "" {
			return fmt.Errorf("after line %d: %w (what is stored will be recognized when you import it again)", i.state.Done.Line, err)
		}
		if saveErr := i.state.save(i.checkpointName); saveErr != nil {
			return fmt.Errorf("after line %d: %w (and the checkpoint could not be saved: %w)", i.state.Done.Line, err, saveErr)
		}
		return fmt.Errorf("after line %d: %s (the same command goes on from there)", i.state.Done.Line, oneLine(err))
	}
	if i.checkpointName != "" {
		if err := os.Remove(i.checkpointName); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if err := i.summary(); err != nil {
		return err
	}
	if n := i.state.Counts.Refused; n > 0 {
		return fmt.Errorf("%d of %d lines were refused: see %s", n, i.state.Done.Line, i.options.refused)
	}
	return nil
}

func (i *importer) summary() error {
	c := &i.state.Counts
	if i.options.asJSON {
		return i.printJSON(struct {
			Tenant roster.TenantID `json:"tenant"`
			counts
		}{i.state.Tenant, *c})
	}
	if i.options.quiet {
		return nil
	}
	var parts []string
	for _, p := range []struct {
		n    int64
		what string
	}{
		{c.Tenants, "tenants"}, {c.Organizations, "organizations"}, {c.Roles, "roles"}, {c.Groups, "groups"}, {c.Warehouses, "warehouses"},
		{c.Clients, "clients"},
		{c.Existed, "lines that were there already"}, {c.Expired, "deleted users whose retention is over"},
	} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	took, rate := i.bar.rate(i.bar.done)
	text := fmt.Sprintf("%d users imported", c.Users)
	if i.state.Tenant != 0 {
		text = "tenant " + i.state.Tenant.String() + ": " + text
	}
	if len(parts) > 0 {
		text += ", " + strings.Join(parts, ", ")
	}
	_, err := fmt.Fprintf(i.stderr, "%s; %s, %.0f lines/s\n", text, took.Round(100*time.Millisecond), rate)
	return err
}
