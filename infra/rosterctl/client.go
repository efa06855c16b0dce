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

// clientView is a client as it is printed: never with its secret's hash.
type clientView struct {
	ID           roster.ClientID `json:"clientId"`
	Secret       string          `json:"clientSecret,omitempty"`
	Name         string          `json:"name"`
	Tenant       roster.TenantID `json:"tenant"`
	Organization roster.OrgID    `json:"organization"`
	Integration  bool            `json:"integration,omitempty"`
	ServiceUser  roster.UserID   `json:"serviceUser,omitempty"`
	CreatedAt    time.Time       `json:"createdAt"`
	RevokedAt    *time.Time      `json:"revokedAt,omitempty"`
}

func viewClient(c *roster.Client) clientView {
	v := clientView{
		ID: c.ID, Name: c.Name, Tenant: c.Tenant, Organization: c.Path.Last(), Integration: c.Integration, ServiceUser: c.ServiceUser, CreatedAt: c.CreatedAt,
	}
	if c.Revoked() {
		v.RevokedAt = &c.RevokedAt
	}
	return v
}

func (t *tool) clientCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "client",
		Short: "Manage the programs that may call the APIs",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(t.clientCreateCommand(), t.clientListCommand(), t.clientRevokeCommand())
	return c
}

func (t *tool) clientCreateCommand() *cobra.Command {
	var (
		request              directory.ClientRequest
		tenant, organization int32
		user                 int64
		key                  directory.APIKeyRequest
		role                 int32
		asJSON               bool
	)
	c := &cobra.Command{
		Use:   "create",
		Short: "Let a program call the APIs",
		Long: `create makes an API client. It has the rights of its organization, in the whole tree below it, or,
with --service-user, those of that user. Its secret is printed once; only a hash of it is kept.

With --api-user it makes an API key of the workspace dialect: a user of that name with a role and a
public key (P-256, uncompressed, 130 hexadecimal digits), and the client that acts as it.`,
		Example: `  rosterctl client create --tenant 1306676258 --name "Nightly sync"
  rosterctl client create --tenant 1306676258 --organization 516011924 --name Kiosk --json
  rosterctl client create --tenant 1306676258 --api-user Ledger --role 2 --view-all --public-key 046b17d1f2...`,
		Args: cobra.NoArgs,
	}
	flags := c.Flags()
	flags.Int32Var(&tenant, "tenant", 0, "the tenant's id (required)")
	flags.Int32Var(&organization, "organization", 0, "the organization's id (default the tenant's root)")
	flags.StringVar(&request.Name, "name", "", "what the client is called (required without --api-user)")
	flags.Int64Var(&user, "service-user", 0, "the id of the user that the client acts as")
	flags.StringVar(&key.Name, "api-user", "", "make a user of this name for the client to act as, which is called the same")
	flags.Int32Var(&role, "role", 0, "the id of the API user's role (required with --api-user)")
	flags.StringVar(&key.PublicKey, "public-key", "", "the API user's public key (required with --api-user)")
	flags.BoolVar(&key.ViewAll, "view-all", false, "let the API user see all of its workspace, whatever its role")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	require(c, "tenant")
	c.MarkFlagsOneRequired("name", "api-user")
	c.MarkFlagsMutuallyExclusive("name", "api-user")
	c.MarkFlagsMutuallyExclusive("service-user", "api-user")
	at := t.placeFlags(c)
	c.PreRunE = func(*cobra.Command, []string) error {
		for _, name := range []string{"role", "public-key", "view-all"} {
			switch {
			case flags.Changed(name) && !flags.Changed("api-user"):
				return fmt.Errorf("--%s is for an API user, and needs --api-user", name)
			case flags.Changed("api-user") && !flags.Changed(name) && name != "view-all":
				return fmt.Errorf("--api-user needs --%s", name)
			}
		}
		return nil
	}
	t.does(c, func(ctx context.Context, _ []string) error {
		request.Tenant, request.Organization, request.ServiceUser = roster.TenantID(tenant), roster.OrgID(organization), roster.UserID(user)
		if flags.Changed("api-user") {
			key.Tenant, key.Organization, key.Role = request.Tenant, request.Organization, roster.RoleID(role)
			return t.createAPIKey(ctx, at, key, asJSON)
		}
		if request.Organization == 0 {
			request.Organization = request.Tenant.Root()
		}
		return t.createClient(ctx, at, request, asJSON)
	})
	return c
}

func (t *tool) createClient(ctx context.Context, at *place, request directory.ClientRequest, asJSON bool) error {
	operator, err := t.connect(ctx, at)
	if err != nil {
		return err
	}
	client, secret, err := operator.CreateClient(ctx, request)
	if err != nil {
		return explain(err, at)
	}
	if asJSON {
		v := viewClient(&client)
		v.Secret = secret
		return t.printJSON(v)
	}
	_, err = fmt.Fprintf(t.stdout, "client id       %s\nclient secret   %s\nKeep these: the secret cannot be told again.\n", client.ID, secret)
	return err
}

// apiKeyView is an API key as it is printed, by the names of the workspace dialect's token call.
type apiKeyView struct {
	Workspace string          `json:"workspace"`
	ID        roster.ClientID `json:"apiKeyId"`
	Secret    string          `json:"apiKeySecret"`
	User      roster.UserID   `json:"userId"`
	Name      string          `json:"name"`
	Tenant    roster.TenantID `json:"tenant"`
}

func (t *tool) createAPIKey(ctx context.Context, at *place, request directory.APIKeyRequest, asJSON bool) error {
	operator, err := t.connect(ctx, at)
	if err != nil {
		return err
	}
	key, err := operator.CreateAPIKey(ctx, request)
	if err != nil {
		return explain(err, at)
	}
	v := apiKeyView{
		Workspace: key.User.Org().String(), ID: key.Client.ID, Secret: key.Secret, User: key.User.ID,
		Name: key.User.Name, Tenant: key.User.Tenant,
	}
	if asJSON {
		return t.printJSON(v)
	}
	_, err = fmt.Fprintf(t.stdout, "workspace       %s\napi key id      %s\napi key secret  %s\nuser            %s\nKeep these: the secret cannot be told again.\n",
		v.Workspace, v.ID, v.Secret, v.User)
	return err
}

func (t *tool) clientListCommand() *cobra.Command {
	return t.listCommand("List the API clients of a tenant, revoked ones too", "  rosterctl client list --tenant 1306676258", t.listClients)
}

func (t *tool) listClients(ctx context.Context, at *place, tenant roster.TenantID, asJSON bool) error {
	operator, err := t.connect(ctx, at)
	if err != nil {
		return err
	}
	clients, err := operator.Clients(ctx, tenant)
	if err != nil {
		return explain(err, at)
	}
	if asJSON {
		views := make([]clientView, len(clients))
		for i := range clients {
			views[i] = viewClient(&clients[i])
		}
		return t.printJSON(views)
	}
	table := tabwriter.NewWriter(t.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CLIENT ID\tORGANIZATION\tSERVICE USER\tCREATED\tREVOKED\tNAME")
	for i := range clients {
		c := &clients[i]
		user, revoked := "-", "-"
		if c.ServiceUser != 0 {
			user = c.ServiceUser.String()
		}
		if c.Revoked() {
			revoked = c.RevokedAt.Format(time.DateTime)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", c.ID, c.Path.Last(), user, c.CreatedAt.Format(time.DateTime), revoked, c.Name)
	}
	return table.Flush()
}

func (t *tool) clientRevokeCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "revoke CLIENT-ID",
		Short: "End an API client for good",
		Long: `revoke ends an API client: its secret is refused at once, its tokens as soon as the gateway's cache
forgets them (60 seconds by default). It cannot be undone. Revoking a client twice changes nothing.`,
		Example: `  rosterctl client revoke client-6wk7sdxw3v4b2ymlq5ol3ihzde`,
		Args:    cobra.ExactArgs(1),
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	at := t.placeFlags(c)
	t.does(c, func(ctx context.Context, args []string) error {
		return t.revokeClient(ctx, at, roster.ClientID(args[0]), asJSON)
	})
	return c
}

func (t *tool) revokeClient(ctx context.Context, at *place, id roster.ClientID, asJSON bool) error {
	operator, err := t.connect(ctx, at)
	if err != nil {
		return err
	}
	client, err := operator.RevokeClient(ctx, id)
	if err != nil {
		return explain(err, at)
	}
	if asJSON {
		return t.printJSON(viewClient(&client))
	}
	_, err = fmt.Fprintf(t.stdout, "%s (%s) is revoked since %s\n", client.ID, client.Name, client.RevokedAt.Format(time.RFC3339))
	return err
}
