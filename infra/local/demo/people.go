package demo

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest/people"
)

const (
	// writers is how many calls write users side by side. DynamoDB Local writes one at a time; a few keep it busy.
	writers = 4
	// batchSize is the number of users per call.
	batchSize = 200
)

// populate brings the people into the tenant. What is there already stays as it is.
func (c *Config) populate(ctx context.Context, tenant *Tenant) error {
	population := people.New(people.Config{
		Seed: seed, Now: tenant.Now, Tenant: tenant.ID, Organizations: tenant.Organizations, Users: tenant.Users,
	})
	into := c.Operator.Import(tenant.ID)
	for _, organization := range population.Organizations()[1:] { // the root came with the tenant
		if _, err := into.Organization(ctx, organization); err != nil {
			return fmt.Errorf("organization %q: %w", organization.Name, err)
		}
	}
	for _, role := range population.Roles() {
		if _, err := into.Role(ctx, role); err != nil {
			return fmt.Errorf("role %q: %w", role.Name, err)
		}
	}
	for _, group := range population.Groups() {
		if _, err := into.Group(ctx, group); err != nil {
			return fmt.Errorf("group %q: %w", group.Name, err)
		}
	}
	for _, warehouse := range population.Warehouses() {
		if _, err := into.Warehouse(ctx, warehouse); err != nil {
			return fmt.Errorf("warehouse %q: %w", warehouse.Name, err)
		}
	}
	return c.storeUsers(ctx, into, population, tenant.Users)
}

// storeUsers stores all users. It reads the population in one goroutine, writes with several, and reports progress in one more.
func (c *Config) storeUsers(ctx context.Context, into *directory.Import, population *people.Population, total int) error {
	group, ctx := errgroup.WithContext(ctx)
	batches, stored := make(chan []roster.NewUser), make(chan int)
	group.Go(func() error {
		defer close(batches)
		return feed(ctx, population, batches)
	})
	var writing errgroup.Group
	for range writers {
		writing.Go(func() error {
			for batch := range batches {
				if err := firstError(into.Users(ctx, batch)); err != nil {
					return err
				}
				stored <- len(batch)
			}
			return nil
		})
	}
	group.Go(func() error {
		defer close(stored)
		return writing.Wait()
	})
	group.Go(func() error {
		done := 0
		for n := range stored {
			done += n
			if c.Progress != nil {
				c.Progress(done, total)
			}
		}
		return nil
	})
	return group.Wait()
}

// feed sends the users in batches until the context ends.
func feed(ctx context.Context, population *people.Population, batches chan<- []roster.NewUser) error {
	var batch []roster.NewUser
	send := func() error {
		if len(batch) == 0 {
			return nil
		}
		select {
		case batches <- batch:
			batch = nil
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for user := range population.Users() {
		batch = append(batch, roster.NewUser{User: user})
		if len(batch) == batchSize {
			if err := send(); err != nil {
				return err
			}
		}
	}
	return send()
}

func firstError(outcomes []directory.UserOutcome) error {
	for _, outcome := range outcomes {
		if outcome.Err != nil {
			return outcome.Err
		}
	}
	return nil
}
