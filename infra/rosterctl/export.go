package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
)

func (t *tool) exportCommand() *cobra.Command {
	var (
		tenant         int32
		name           string
		secrets, quiet bool
	)
	c := &cobra.Command{
		Use:   "export",
		Short: "Write a whole tenant to a file that import reads",
		Long: `export writes everything that a tenant consists of, one JSON object a line: the tenant, its custom
roles, its groups, its warehouses, its organizations, the users of each organization in the order they were created in, and
after them its soft-deleted users whose retention is not over. The order depends on nothing but what
there is: exporting, importing into an empty table and exporting again gives the same bytes.

What changes while the export runs may or may not be in it. For a picture of one moment, let nobody
write meanwhile, or export a table restored from a point in time.

Without --secrets the file lets nobody in: after an import, users have no password and there are no
clients. With --secrets it also holds the hashes of passwords, and the clients with the hashes of
their secrets, so that everybody can go on as before. Keep such a file like the passwords
themselves. Refresh tokens, the tokens of integrations and signing keys are in neither: an integration
that is imported elsewhere needs a new token. A file is readable by its owner only,
and appears under its name only when it is whole.`,
		Example: `  rosterctl export --tenant 1306676258 --output northfield.jsonl
  rosterctl export --tenant 1306676258 | gzip > northfield.jsonl.gz`,
		Args: cobra.NoArgs,
	}
	flags := c.Flags()
	flags.Int32Var(&tenant, "tenant", 0, "the tenant's id (required)")
	flags.StringVarP(&name, "output", "o", "-", "the file to write, - for standard output")
	flags.BoolVar(&secrets, "secrets", false, "write password hashes and clients too")
	flags.BoolVar(&quiet, "quiet", false, "show no progress")
	require(c, "tenant")
	at := t.placeFlags(c)
	t.does(c, func(ctx context.Context, _ []string) error {
		return t.export(ctx, at, roster.TenantID(tenant), directory.ExportOptions{Secrets: secrets}, name, quiet)
	})
	return c
}

func (t *tool) export(ctx context.Context, at *place, tenant roster.TenantID, options directory.ExportOptions, name string, quiet bool) error {
	operator, err := t.connect(ctx, at)
	if err != nil {
		return err
	}
	out, err := t.create(name)
	if err != nil {
		return err
	}
	defer out.abandon()
	w := &lineWriter{form: newForm(), out: out}
	bar := t.newProgress("exporting", "lines", -1, quiet)
	defer bar.close()
	step, total := int64(0), int64(0)
	for record, err := range operator.Export(ctx, tenant, options) {
		if err != nil {
			return explain(err, at)
		}
		if err := w.write(&record); err != nil {
			return err
		}
		total++
		if step++; step == progressStep {
			bar.add(step)
			step = 0
		}
	}
	if err := out.finish(); err != nil {
		return err
	}
	if quiet {
		return nil
	}
	took, rate := bar.rate(total)
	bar.close()
	_, err = fmt.Fprintf(t.stderr, "exported %d lines in %s, %.0f lines/s\n", total, took.Round(1e8), rate)
	return err
}
