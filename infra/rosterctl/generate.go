package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest/people"
)

func (t *tool) generateCommand() *cobra.Command {
	var (
		users, organizations int
		seed                 uint64
		tenant               int32
		now, name            string
		quiet                bool
	)
	c := &cobra.Command{
		Use:   "generate",
		Short: "Make up a tenant full of realistic people, as a file to import",
		Long: `generate writes a made-up tenant in the form that import reads: organizations, custom roles, groups,
warehouses and any number of users, with names, e-mail addresses at example domains, titles, addresses, logins and so
on. Nobody in it exists, and none of them has a password.

The same --seed and --now make the same bytes. Without --tenant the tenant is made up too, and
importing the file founds it. With --tenant the people are for a tenant that is there already, made
by bootstrap for instance, and become part of it.`,
		Example: `  rosterctl generate --users 100000 --organizations 200 --seed 7 --output people.jsonl
  rosterctl generate --users 500 --tenant 1306676258 | rosterctl import --tenant 1306676258 -`,
		Args: cobra.NoArgs,
	}
	flags := c.Flags()
	flags.IntVar(&users, "users", 10_000, "the number of users")
	flags.IntVar(&organizations, "organizations", 30, "the number of organizations, the root included")
	flags.Uint64Var(&seed, "seed", 1, "which people to make up")
	flags.Int32Var(&tenant, "tenant", 0, "the tenant they are for, which exists (default one that is made up)")
	flags.StringVar(&now, "now", "", "the moment they are made up for, such as 2026-01-31T08:30:00Z (default now)")
	flags.StringVarP(&name, "output", "o", "-", "the file to write, - for standard output")
	flags.BoolVar(&quiet, "quiet", false, "show no progress")
	t.does(c, func(ctx context.Context, _ []string) error {
		config := people.Config{
			Seed: seed, Now: t.now(), Tenant: roster.TenantID(tenant), Organizations: organizations, Users: users,
		}
		if now != "" {
			at, err := time.Parse(time.RFC3339, now)
			if err != nil {
				return fmt.Errorf("--now must be a time such as 2026-01-31T08:30:00Z, not %q", now)
			}
			config.Now = at
		}
		if users < 0 || organizations < 1 || tenant < 0 {
			return errors.New("--users and --tenant must not be negative, --organizations must be at least 1")
		}
		return t.generate(ctx, config, name, quiet)
	})
	return c
}

func (t *tool) generate(ctx context.Context, config people.Config, name string, quiet bool) error {
	population := people.New(config)
	out, err := t.create(name)
	if err != nil {
		return err
	}
	defer out.abandon()
	w := &lineWriter{form: newForm(), out: out}
	if err := w.writeTree(population, config.Tenant == 0); err != nil {
		return err
	}
	bar := t.newProgress("generating", "users", int64(config.Users), quiet)
	defer bar.close()
	step := int64(0)
	for user := range population.Users() {
		if err := w.write(&line{User: &roster.NewUser{User: user}}); err != nil {
			return err
		}
		if step++; step == progressStep {
			bar.add(step)
			step = 0
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	bar.add(step)
	return out.finish()
}

// writeTree writes the organizations, roles, groups and warehouses of a population. The root is the tenant's line, and may be left out.
func (w *lineWriter) writeTree(population *people.Population, root bool) error {
	organizations, roles := population.Organizations(), population.Roles()
	if root {
		if err := w.write(&line{Organization: &organizations[0]}); err != nil {
			return err
		}
	}
	for i := range roles {
		if err := w.write(&line{Role: &roles[i]}); err != nil {
			return err
		}
	}
	groups := population.Groups()
	for i := range groups {
		if err := w.write(&line{Group: &groups[i]}); err != nil {
			return err
		}
	}
	warehouses := population.Warehouses()
	for i := range warehouses {
		if err := w.write(&line{Warehouse: &warehouses[i]}); err != nil {
			return err
		}
	}
	for i := range organizations[1:] {
		if err := w.write(&line{Organization: &organizations[1+i]}); err != nil {
			return err
		}
	}
	return nil
}

// progressStep is how many lines are written between two looks at the clock.
const progressStep = 1000

// lineWriter writes records as lines.
type lineWriter struct {
	form   *form
	out    *output
	buffer []byte
}

func (w *lineWriter) write(r *line) error {
	w.buffer = w.form.write(w.buffer[:0], r)
	_, err := w.out.Write(w.buffer)
	return err
}
