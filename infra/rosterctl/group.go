package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/rosterhq/roster/internal/roster"
)

// groupView is a group as it is printed.
type groupView struct {
	ID        roster.GroupID `json:"id"`
	Name      string         `json:"name"`
	CreatedAt time.Time      `json:"createdAt"`
}

func (t *tool) groupCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "group",
		Short: "Manage the groups that users can be in",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(t.groupCreateCommand(), t.groupListCommand())
	return c
}

func (t *tool) groupCreateCommand() *cobra.Command {
	var (
		name   string
		tenant int32
		asJSON bool
	)
	c := &cobra.Command{
		Use:   "create",
		Short: "Make a group",
		Long: `create makes a group for one tenant. Names need not be unique: the id counts, and each run makes a
new group. Who is in a group stands on the users, which import brings in.`,
		Example: `  rosterctl group create --tenant 1306676258 --name "Tax, New York"`,
		Args:    cobra.NoArgs,
	}
	flags := c.Flags()
	flags.Int32Var(&tenant, "tenant", 0, "the tenant's id (required)")
	flags.StringVar(&name, "name", "", "what the group is called (required)")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	require(c, "tenant")
	require(c, "name")
	at := t.placeFlags(c)
	t.does(c, func(ctx context.Context, _ []string) error {
		return t.createGroup(ctx, at, roster.TenantID(tenant), name, asJSON)
	})
	return c
}

func (t *tool) createGroup(ctx context.Context, at *place, tenant roster.TenantID, name string, asJSON bool) error {
	operator, err := t.connect(ctx, at)
	if err != nil {
		return err
	}
	group, err := operator.CreateGroup(ctx, tenant, name)
	if err != nil {
		return explain(err, at)
	}
	if asJSON {
		return t.printJSON(groupView{group.ID, group.Name, group.CreatedAt})
	}
	_, err = fmt.Fprintf(t.stdout, "group %s is %s\n", group.ID, group.Name)
	return err
}

func (t *tool) groupListCommand() *cobra.Command {
	return t.listCommand("List the groups of a tenant", "  rosterctl group list --tenant 1306676258", t.listGroups)
}

func (t *tool) listGroups(ctx context.Context, at *place, tenant roster.TenantID, asJSON bool) error {
	operator, err := t.connect(ctx, at)
	if err != nil {
		return err
	}
	groups, err := operator.Groups(ctx, tenant)
	if err != nil {
		return explain(err, at)
	}
	views := make([]groupView, len(groups))
	for i, g := range groups {
		views[i] = groupView{g.ID, g.Name, g.CreatedAt}
	}
	if asJSON {
		return t.printJSON(views)
	}
	table := tabwriter.NewWriter(t.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tNAME")
	for _, v := range views {
		fmt.Fprintf(table, "%s\t%s\n", v.ID, v.Name)
	}
	return table.Flush()
}
