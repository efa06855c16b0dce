package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
)

// warehouseView is a warehouse as it is printed.
type warehouseView struct {
	ID        roster.WarehouseID `json:"id"`
	Name      string             `json:"name"`
	Active    bool               `json:"active"`
	CreatedAt time.Time          `json:"createdAt"`
}

func (t *tool) warehouseCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "warehouse",
		Short: "Manage the warehouses that users can work at",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(t.warehouseCreateCommand(), t.warehouseListCommand())
	return c
}

func (t *tool) warehouseCreateCommand() *cobra.Command {
	var (
		request directory.WarehouseRequest
		tenant  int32
		asJSON  bool
	)
	c := &cobra.Command{
		Use:   "create",
		Short: "Make a warehouse",
		Long: `create makes a warehouse for one tenant. Names need not be unique: the id counts, and each run makes a
new warehouse. Which one is a user's own stands on the user, which import brings in.`,
		Example: `  rosterctl warehouse create --tenant 1306676258 --name "East Coast 1"`,
		Args:    cobra.NoArgs,
	}
	flags := c.Flags()
	flags.Int32Var(&tenant, "tenant", 0, "the tenant's id (required)")
	flags.StringVar(&request.Name, "name", "", "what the warehouse is called (required)")
	flags.BoolVar(&request.Inactive, "inactive", false, "make one that is not in use")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	require(c, "tenant")
	require(c, "name")
	at := t.placeFlags(c)
	t.does(c, func(ctx context.Context, _ []string) error {
		request.Tenant = roster.TenantID(tenant)
		return t.createWarehouse(ctx, at, request, asJSON)
	})
	return c
}

func (t *tool) createWarehouse(ctx context.Context, at *place, request directory.WarehouseRequest, asJSON bool) error {
	operator, err := t.connect(ctx, at)
	if err != nil {
		return err
	}
	warehouse, err := operator.CreateWarehouse(ctx, request)
	if err != nil {
		return explain(err, at)
	}
	if asJSON {
		return t.printJSON(warehouseView{warehouse.ID, warehouse.Name, warehouse.Active, warehouse.CreatedAt})
	}
	_, err = fmt.Fprintf(t.stdout, "warehouse %s is %s\n", warehouse.ID, warehouse.Name)
	return err
}

func (t *tool) warehouseListCommand() *cobra.Command {
	return t.listCommand("List the warehouses of a tenant", "  rosterctl warehouse list --tenant 1306676258", t.listWarehouses)
}

func (t *tool) listWarehouses(ctx context.Context, at *place, tenant roster.TenantID, asJSON bool) error {
	operator, err := t.connect(ctx, at)
	if err != nil {
		return err
	}
	warehouses, err := operator.Warehouses(ctx, tenant)
	if err != nil {
		return explain(err, at)
	}
	views := make([]warehouseView, len(warehouses))
	for i, w := range warehouses {
		views[i] = warehouseView{w.ID, w.Name, w.Active, w.CreatedAt}
	}
	if asJSON {
		return t.printJSON(views)
	}
	table := tabwriter.NewWriter(t.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tNAME\tACTIVE")
	for _, v := range views {
		fmt.Fprintf(table, "%s\t%s\t%t\n", v.ID, v.Name, v.Active)
	}
	return table.Flush()
}
