package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
)

// integrationView is an integration as it is printed.
type integrationView struct {
	ID           roster.ClientID `json:"integrationId"`
	Name         string          `json:"name"`
	Tenant       roster.TenantID `json:"tenant"`
	Organization roster.OrgID    `json:"organization"`
	CreatedAt    time.Time       `json:"createdAt"`
	RevokedAt    *time.Time      `json:"revokedAt,omitempty"`
	Tokens       []tokenView     `json:"tokens"`
}

// tokenView is a token of an integration as it is printed: with the token itself only when it is made.
type tokenView struct {
	ID        string     `json:"tokenId"`
	Token     string     `json:"token,omitempty"`
	Name      string     `json:"name"`
	CreatedAt time.Time  `json:"createdAt"`
	ExpiresAt *time.Time `json:"expiresAt,omitempty"`
	RevokedAt *time.Time `json:"revokedAt,omitempty"`
}

func viewIntegration(i *directory.Integration) integrationView {
	v := integrationView{
		ID: i.ID, Name: i.Name, Tenant: i.Tenant, Organization: i.Path.Last(), CreatedAt: i.CreatedAt, Tokens: []tokenView{},
	}
	if i.Client.Revoked() {
		v.RevokedAt = &i.RevokedAt
	}
	for n := range i.Tokens {
		v.Tokens = append(v.Tokens, viewToken(&i.Tokens[n]))
	}
	return v
}

func viewToken(t *roster.IntegrationToken) tokenView {
	v := tokenView{ID: t.ID, Name: t.Name, CreatedAt: t.CreatedAt}
	if !t.ExpiresAt.IsZero() {
		v.ExpiresAt = &t.ExpiresAt
	}
	if t.Revoked() {
		v.RevokedAt = &t.RevokedAt
	}
	return v
}

func (t *tool) integrationCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "integration",
		Short: "Manage the integrations, which call the APIs with long-lived tokens",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(t.integrationCreateCommand(), t.integrationTokenCommand(), t.integrationListCommand(), t.integrationRevokeCommand())
	return c
}

// tokenFlags are the flags of what makes a token.
type tokenFlags struct {
	name, expires string
	asJSON        bool
	mint          mintFlags
}

func (t *tool) tokenFlags(c *cobra.Command) *tokenFlags {
	f := &tokenFlags{}
	flags := c.Flags()
	flags.StringVar(&f.name, "token-name", "token", "what the token is called")
	flags.StringVar(&f.expires, "expires", "8760h", "how long the token lives, such as 8760h, or never")
	flags.BoolVar(&f.asJSON, "json", false, "print JSON")
	t.mintFlags(c, &f.mint)
	return f
}

// request returns what the flags ask for.
func (f *tokenFlags) request() (directory.TokenRequest, error) {
	r := directory.TokenRequest{Name: f.name}
	if f.expires == "never" {
		return r, nil
	}
	lifetime, err := time.ParseDuration(f.expires)
	if err != nil || lifetime < time.Second || lifetime > directory.MaxTokenLifetime || lifetime%time.Second != 0 {
		return r, fmt.Errorf("--expires must be never or a whole number of seconds of at most 20 years, such as 8760h, not %q", f.expires)
	}
	r.Lifetime = lifetime
	return r, nil
}

const tokenHelp = `

The token is signed with the key of the token function: give its KMS key with --signing-key, or, where it
is a file, with --signing-key-file. Issuer and audience must be those of the functions, or nobody
will accept the token. It is printed once and kept nowhere. It works until it expires or is revoked, also
after the signing key has been replaced, as long as that key is still published.`

func (t *tool) integrationCreateCommand() *cobra.Command {
	var (
		request              directory.IntegrationRequest
		tenant, organization int32
	)
	c := &cobra.Command{
		Use:   "create",
		Short: "Let an integration call the APIs with a long-lived token",
		Long: `create makes an integration and its first token. It has the rights of its organization, in the whole tree
below it. It has no secret, so the token endpoints give it nothing.` + tokenHelp,
		Example: `  rosterctl integration create --tenant 1306676258 --name "Warehouse sync" --issuer https://api.example.com --signing-key alias/roster
  rosterctl integration create --tenant 1306676258 --name Reports --expires never --json --issuer http://127.0.0.1:8080 --signing-key-file .roster/signing-key.pem`,
		Args: cobra.NoArgs,
	}
	flags := c.Flags()
	flags.Int32Var(&tenant, "tenant", 0, "the tenant's id (required)")
	flags.Int32Var(&organization, "organization", 0, "the organization's id (default the tenant's root)")
	flags.StringVar(&request.Name, "name", "", "what the integration is called (required)")
	require(c, "tenant")
	require(c, "name")
	f := t.tokenFlags(c)
	at := t.placeFlags(c)
	t.does(c, func(ctx context.Context, _ []string) error {
		request.Tenant, request.Organization = roster.TenantID(tenant), roster.OrgID(organization)
		if request.Organization == 0 {
			request.Organization = request.Tenant.Root()
		}
		return t.createIntegration(ctx, at, request, f)
	})
	return c
}

func (t *tool) createIntegration(ctx context.Context, at *place, request directory.IntegrationRequest, f *tokenFlags) error {
	var err error
	if request.Token, err = f.request(); err != nil {
		return err
	}
	operator, mint, err := t.connectToMint(ctx, at, &f.mint)
	if err != nil {
		return err
	}
	integration, token, err := operator.CreateIntegration(ctx, request, mint)
	if err != nil {
		return explain(err, at)
	}
	if f.asJSON {
		v := viewIntegration(&integration)
		v.Tokens[0].Token = token
		return t.printJSON(v)
	}
	fmt.Fprintf(t.stdout, "integration     %s\n", integration.ID)
	return t.printToken(&integration.Tokens[0], token)
}

func (t *tool) printToken(record *roster.IntegrationToken, token string) error {
	_, err := fmt.Fprintf(t.stdout, "token id        %s\nexpires         %s\ntoken           %s\nKeep this: the token cannot be told again.\n",
		record.ID, expiryText(record), token)
	return err
}

func expiryText(record *roster.IntegrationToken) string {
	if record.ExpiresAt.IsZero() {
		return "never"
	}
	return record.ExpiresAt.Format(time.RFC3339)
}

func (t *tool) integrationTokenCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "token INTEGRATION",
		Short:   "Make another token of an integration",
		Long:    `token makes another token of an integration. Those that it has go on.` + tokenHelp,
		Example: `  rosterctl integration token integration-6wk7sdxw3v4b2ymlq5ol3ihzde --token-name 2027 --issuer https://api.example.com --signing-key alias/roster`,
		Args:    cobra.ExactArgs(1),
	}
	f := t.tokenFlags(c)
	at := t.placeFlags(c)
	t.does(c, func(ctx context.Context, args []string) error {
		return t.createIntegrationToken(ctx, at, roster.ClientID(args[0]), f)
	})
	return c
}

func (t *tool) createIntegrationToken(ctx context.Context, at *place, id roster.ClientID, f *tokenFlags) error {
	request, err := f.request()
	if err != nil {
		return err
	}
	operator, mint, err := t.connectToMint(ctx, at, &f.mint)
	if err != nil {
		return err
	}
	record, token, err := operator.CreateIntegrationToken(ctx, id, request, mint)
	if err != nil {
		return explain(err, at)
	}
	if f.asJSON {
		v := viewToken(&record)
		v.Token = token
		return t.printJSON(v)
	}
	return t.printToken(&record, token)
}

func (t *tool) integrationListCommand() *cobra.Command {
	return t.listCommand("List the integrations of a tenant and their tokens, revoked ones too", "  rosterctl integration list --tenant 1306676258", t.listIntegrations)
}

func (t *tool) listIntegrations(ctx context.Context, at *place, tenant roster.TenantID, asJSON bool) error {
	operator, err := t.connect(ctx, at)
	if err != nil {
		return err
	}
	integrations, err := operator.Integrations(ctx, tenant)
	if err != nil {
		return explain(err, at)
	}
	if asJSON {
		views := make([]integrationView, len(integrations))
		for i := range integrations {
			views[i] = viewIntegration(&integrations[i])
		}
		return t.printJSON(views)
	}
	table := tabwriter.NewWriter(t.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "INTEGRATION\tNAME\tORGANIZATION\tTOKEN ID\tTOKEN\tEXPIRES\tSTATUS")
	for i := range integrations {
		one := &integrations[i]
		if len(one.Tokens) == 0 {
			fmt.Fprintf(table, "%s\t%s\t%s\t-\t-\t-\t%s\n", one.ID, one.Name, one.Path.Last(), standing(one, nil, t.now()))
		}
		for n := range one.Tokens {
			record := &one.Tokens[n]
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
				one.ID, one.Name, one.Path.Last(), record.ID, record.Name, expiryText(record), standing(one, record, t.now()))
		}
	}
	return table.Flush()
}

// standing says in a word whether a token of an integration is good; record is nil for an integration without one.
func standing(i *directory.Integration, record *roster.IntegrationToken, now time.Time) string {
	switch {
	case i.Client.Revoked():
		return "integration revoked"
	case record == nil:
		return "no tokens"
	case record.Revoked():
		return "revoked"
	case !record.ExpiresAt.IsZero() && !now.Before(record.ExpiresAt):
		return "expired"
	default:
		return "good"
	}
}

func (t *tool) integrationRevokeCommand() *cobra.Command {
	var (
		token  string
		asJSON bool
	)
	c := &cobra.Command{
		Use:   "revoke INTEGRATION",
		Short: "End an integration, or one of its tokens, for good",
		Long: `revoke ends an integration with all its tokens or, with --token, one token of it. What is ended is refused
as soon as the gateway forgets it (60 seconds by default). It cannot be undone. Revoking twice changes
nothing.`,
		Example: `  rosterctl integration revoke integration-6wk7sdxw3v4b2ymlq5ol3ihzde
  rosterctl integration revoke integration-6wk7sdxw3v4b2ymlq5ol3ihzde --token b7kq3v4b2ymlq5ol3ihzdexw3a`,
		Args: cobra.ExactArgs(1),
	}
	c.Flags().StringVar(&token, "token", "", "the id of the one token to end")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	at := t.placeFlags(c)
	t.does(c, func(ctx context.Context, args []string) error {
		id := roster.ClientID(args[0])
		if c.Flags().Changed("token") {
			if token == "" {
				return errors.New("--token must be the id of a token")
			}
			return t.revokeIntegrationToken(ctx, at, id, token, asJSON)
		}
		return t.revokeIntegration(ctx, at, id, asJSON)
	})
	return c
}

func (t *tool) revokeIntegration(ctx context.Context, at *place, id roster.ClientID, asJSON bool) error {
	operator, err := t.connect(ctx, at)
	if err != nil {
		return err
	}
	client, err := operator.RevokeIntegration(ctx, id)
	if err != nil {
		return explain(err, at)
	}
	if asJSON {
		return t.printJSON(viewClient(&client))
	}
	_, err = fmt.Fprintf(t.stdout, "%s (%s) is revoked since %s\n", client.ID, client.Name, client.RevokedAt.Format(time.RFC3339))
	return err
}

func (t *tool) revokeIntegrationToken(ctx context.Context, at *place, id roster.ClientID, token string, asJSON bool) error {
	operator, err := t.connect(ctx, at)
	if err != nil {
		return err
	}
	record, err := operator.RevokeIntegrationToken(ctx, id, token)
	if err != nil {
		return explain(err, at)
	}
	if asJSON {
		return t.printJSON(viewToken(&record))
	}
	_, err = fmt.Fprintf(t.stdout, "token %s (%s) is revoked since %s\n", record.ID, record.Name, record.RevokedAt.Format(time.RFC3339))
	return err
}
