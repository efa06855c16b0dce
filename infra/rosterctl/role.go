package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
)

// roleView is a role as it is printed.
type roleView struct {
	ID          roster.RoleID `json:"id"`
	Name        string        `json:"name"`
	BuiltIn     bool          `json:"builtIn"`
	Permissions []string      `json:"permissions"`
	CreatedAt   *time.Time    `json:"createdAt,omitempty"`
}

func viewRole(r *roster.Role) roleView {
	v := roleView{ID: r.ID, Name: r.Name, Permissions: r.Permissions.Names()}
	_, v.BuiltIn = roster.BuiltinRole(r.ID)
	if !r.CreatedAt.IsZero() {
		v.CreatedAt = &r.CreatedAt
	}
	return v
}

func (t *tool) roleCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "role",
		Short: "Manage the roles that users can be given",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(t.roleCreateCommand(), t.roleListCommand())
	return c
}

func (t *tool) roleCreateCommand() *cobra.Command {
	var (
		request directory.RoleRequest
		tenant  int32
		asJSON  bool
	)
	c := &cobra.Command{
		Use:   "create",
		Short: "Make a custom role of some permissions",
		Long: `create makes a role for one tenant. Its users can be given it over the API, by those who hold every permission
that is in it. Each role gets an id that the tenant never used before.

The permissions are:

` + indented(roster.AllPermissions.Names()),
		Example: `  rosterctl role create --tenant 1306676258 --name Auditor --permission ORG_VIEW,ORG_VIEW_USERS,ORG_VIEW_AUDIT
  rosterctl role create --tenant 1306676258 --name Recruiter --permission ORG_VIEW_USERS --permission ORG_INVITE_USERS --json`,
		Args: cobra.NoArgs,
	}
	flags := c.Flags()
	flags.Int32Var(&tenant, "tenant", 0, "the tenant's id (required)")
	flags.StringVar(&request.Name, "name", "", "what the role is called (required)")
	flags.StringSliceVar(&request.Permissions, "permission", nil, "a permission that the role holds; may be given often, or with commas (required)")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	require(c, "tenant")
	require(c, "name")
	require(c, "permission")
	at := t.placeFlags(c)
	t.does(c, func(ctx context.Context, _ []string) error {
		request.Tenant = roster.TenantID(tenant)
		return t.createRole(ctx, at, request, asJSON)
	})
	return c
}

// indented returns names in lines for a help text.
func indented(names []string) string {
	var b strings.Builder
	for i, name := range names {
		switch {
		case i == 0:
			b.WriteString("  ")
		case i%4 == 0:
			b.WriteString(",\n  ")
		default:
			b.WriteString(", ")
		}
		b.WriteString(name)
	}
	return b.String()
}

func (t *tool) createRole(ctx context.Context, at *place, request directory.RoleRequest, asJSON bool) error {
	operator, err := t.connect(ctx, at)
	if err != nil {
		return err
	}
	role, err := operator.CreateRole(ctx, request)
	if err != nil {
		return explain(err, at)
	}
	if asJSON {
		return t.printJSON(viewRole(&role))
	}
	_, err = fmt.Fprintf(t.stdout, "role %s is %s\n", role.ID, role.Name)
	return err
}

func (t *tool) roleListCommand() *cobra.Command {
	return t.listCommand("List the roles of a tenant, built-in ones too", "  rosterctl role list --tenant 1306676258", t.listRoles)
}

func (t *tool) listRoles(ctx context.Context, at *place, tenant roster.TenantID, asJSON bool) error {
	operator, err := t.connect(ctx, at)
	if err != nil {
		return err
	}
	roles, err := operator.Roles(ctx, tenant)
	if err != nil {
		return explain(err, at)
	}
	views := make([]roleView, len(roles))
	for i := range roles {
		views[i] = viewRole(&roles[i])
	}
	if asJSON {
		return t.printJSON(views)
	}
	table := tabwriter.NewWriter(t.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tNAME\tPERMISSIONS")
	for i := range views {
		permissions := strings.Join(views[i].Permissions, " ")
		if roles[i].Permissions == roster.AllPermissions {
			permissions = "all"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", views[i].ID, views[i].Name, permissions)
	}
	return table.Flush()
}
