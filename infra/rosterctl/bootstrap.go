package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
)

func (t *tool) bootstrapCommand() *cobra.Command {
	var (
		request  directory.TenantRequest
		email    string
		fromPipe bool
		asJSON   bool
	)
	c := &cobra.Command{
		Use:   "bootstrap",
		Short: "Found a tenant with a first admin and a first API client",
		Long: `bootstrap founds a tenant: its root organization, an admin who can log in, and an API client with
the organization's rights. All of it is written in one transaction, or nothing is: if the e-mail
address is taken, nothing has changed.

The password is made up unless --password-stdin is given. It and the client's secret are printed
once; only hashes of them are kept.`,
		Example: `  rosterctl bootstrap --organization "Northfield Energy" --admin-name "Ann Smith" --admin-email ann@northfield.example
  pass show roster | rosterctl bootstrap --password-stdin --json --organization ...`,
		Args: cobra.NoArgs,
	}
	flags := c.Flags()
	flags.StringVar(&request.Name, "organization", "", "the root organization's name (required)")
	flags.StringVar(&request.AdminName, "admin-name", "", "the admin's full name (required)")
	flags.StringVar(&email, "admin-email", "", "the admin's e-mail address, to log in with (required)")
	flags.StringVar(&request.ClientName, "client-name", "First client", "the API client's name")
	flags.BoolVar(&fromPipe, "password-stdin", false, "read the admin's password from the first line of standard input")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	for _, name := range []string{"organization", "admin-name", "admin-email"} {
		require(c, name)
	}
	at := t.placeFlags(c)
	t.does(c, func(ctx context.Context, _ []string) error {
		request.AdminEmail = roster.Email(email)
		request.Password = rand.Text()
		if fromPipe {
			password, err := firstLine(t.stdin)
			if err != nil {
				return err
			}
			request.Password = password
		}
		return t.bootstrap(ctx, at, request, !fromPipe, asJSON)
	})
	return c
}

func (t *tool) bootstrap(ctx context.Context, at *place, request directory.TenantRequest, tellPassword, asJSON bool) error {
	operator, err := t.connect(ctx, at)
	if err != nil {
		return err
	}
	tenant, secret, err := operator.CreateTenant(ctx, request)
	if err != nil {
		return explain(err, at)
	}
	told := struct {
		Tenant       roster.TenantID `json:"tenant"`
		AdminID      roster.UserID   `json:"adminId"`
		AdminEmail   roster.Email    `json:"adminUsername"`
		Password     string          `json:"adminPassword,omitempty"`
		ClientID     roster.ClientID `json:"clientId"`
		ClientSecret string          `json:"clientSecret"`
	}{
		Tenant: roster.TenantID(tenant.Organization.ID), AdminID: tenant.Admin.ID, AdminEmail: tenant.Admin.Email,
		ClientID: tenant.Client.ID, ClientSecret: secret,
	}
	if tellPassword {
		told.Password = request.Password
	}
	if asJSON {
		return t.printJSON(told)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "tenant          %s  (%s)\n", told.Tenant, tenant.Organization.Name)
	fmt.Fprintf(&b, "admin           %s  (id %s)\n", told.AdminEmail, told.AdminID)
	if tellPassword {
		fmt.Fprintf(&b, "password        %s\n", told.Password)
	}
	fmt.Fprintf(&b, "client id       %s\n", told.ClientID)
	fmt.Fprintf(&b, "client secret   %s\n", told.ClientSecret)
	b.WriteString("Keep these: the secret cannot be told again.\n")
	_, err = io.WriteString(t.stdout, b.String())
	return err
}

// require marks a flag as required. It panics for a flag that there is not, which is a fault of the command's own.
func require(c *cobra.Command, flag string) {
	if err := c.MarkFlagRequired(flag); err != nil {
		panic(err)
	}
}

// maxPasswordInput bounds what is read of standard input in search of the end of a line.
const maxPasswordInput = 4096

// firstLine returns the first line of what is piped in, without its end.
func firstLine(from io.Reader) (string, error) {
	text, err := bufio.NewReader(io.LimitReader(from, maxPasswordInput)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	if text == "" {
		return "", errors.New("no password on standard input")
	}
	return text, nil
}
