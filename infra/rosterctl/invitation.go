package main

import (
	"context"
	"fmt"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
)

// invitationView is an invitation as it is printed. There is no link to print: it is made when the mail is, and kept nowhere.
type invitationView struct {
	ID           roster.InvitationID `json:"id"`
	Email        roster.Email        `json:"email"`
	Purpose      string              `json:"purpose"`
	Organization roster.OrgID        `json:"organization"`
	User         roster.UserID       `json:"user,omitempty"`
	InvitedBy    roster.UserID       `json:"invitedBy,omitempty"`
	Locale       string              `json:"locale,omitempty"`
	CreatedAt    time.Time           `json:"createdAt"`
	ValidUntil   time.Time           `json:"validUntil"`
	Delivery     string              `json:"delivery"`
	DeliveredAt  *time.Time          `json:"deliveredAt,omitempty"`
	Reason       string              `json:"reason,omitempty"`
}

func viewInvitation(i *roster.Invitation) invitationView {
	v := invitationView{
		ID: i.ID, Email: i.Email, Purpose: i.Purpose.String(), Organization: i.Org(), User: i.User, InvitedBy: i.InvitedBy, Locale: i.Locale,
		CreatedAt: i.CreatedAt, ValidUntil: i.ValidUntil, Delivery: i.Delivery.String(), Reason: i.Reason,
	}
	if !i.DeliveredAt.IsZero() {
		v.DeliveredAt = &i.DeliveredAt
	}
	return v
}

func (t *tool) invitationCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "invitation",
		Short: "Look after the invitations that were mailed",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(t.invitationListCommand(), t.invitationResendCommand(), t.invitationRevokeCommand())
	return c
}

func (t *tool) invitationListCommand() *cobra.Command {
	var (
		tenant, organization int32
		asJSON               bool
	)
	c := &cobra.Command{
		Use:   "list",
		Short: "List the open invitations of an organization",
		Long: `list prints who is invited into one organization, and who was mailed a link to sign up with an organization right
below it, as far as the invitation is open: neither used nor revoked nor expired. Links to set a new
password are not listed.

DELIVERY is what became of the mail: queued, sent, refused (the mail service will not take it), bounced (it came
back), complained (its reader reported it as unwanted), dropped (there was no use in sending it any
more); SINCE is when that was.`,
		Example: `  rosterctl invitation list --tenant 1306676258
  rosterctl invitation list --tenant 1306676258 --organization 516011924 --json`,
		Args: cobra.NoArgs,
	}
	flags := c.Flags()
	flags.Int32Var(&tenant, "tenant", 0, "the tenant's id (required)")
	flags.Int32Var(&organization, "organization", 0, "the organization's id (default the tenant's root)")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	require(c, "tenant")
	at := t.placeFlags(c)
	t.does(c, func(ctx context.Context, _ []string) error {
		return t.listInvitations(ctx, at, roster.TenantID(tenant), roster.OrgID(organization), asJSON)
	})
	return c
}

func (t *tool) listInvitations(ctx context.Context, at *place, tenant roster.TenantID, org roster.OrgID, asJSON bool) error {
	operator, err := t.connect(ctx, at)
	if err != nil {
		return err
	}
	views := []invitationView{}
	for after := roster.InvitationID(0); ; {
		page, err := operator.Invitations(ctx, tenant, org, after, roster.MaxLimit)
		if err != nil {
			return explain(err, at)
		}
		for i := range page.Invitations {
			views = append(views, viewInvitation(&page.Invitations[i]))
		}
		if after = page.Next; after == 0 {
			break
		}
	}
	if asJSON {
		return t.printJSON(views)
	}
	table := tabwriter.NewWriter(t.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "E-MAIL\tPURPOSE\tDELIVERY\tSINCE\tVALID UNTIL\tREASON")
	for i := range views {
		v := &views[i]
		since, reason := "-", "-"
		if v.DeliveredAt != nil {
			since = v.DeliveredAt.Format(time.DateTime)
		}
		if v.Reason != "" {
			// The words are those of somebody's mail server, and must not pretend to be more lines.
			reason = strconv.Quote(v.Reason)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", v.Email, v.Purpose, v.Delivery, since, v.ValidUntil.Format(time.DateTime), reason)
	}
	return table.Flush()
}

func (t *tool) invitationResendCommand() *cobra.Command {
	return t.invitationChange(&cobra.Command{
		Use:   "resend",
		Short: "Mail an invitation once more, with a new link",
		Long: `resend mails what an address was invited to once more: to take up an account, to sign up, or to set a new
password. The links of before end, the new one is valid for as long as the one before was. A user who
is Pending is invited anew if the invitation has expired or was revoked. No quota counts this.`,
		Example: `  rosterctl invitation resend --tenant 1306676258 --email jane@northfield.example`,
	}, (*directory.Operator).ResendInvitation, func(i *roster.Invitation) string {
		return fmt.Sprintf("%s is mailed a new link (%s), valid until %s", i.Email, i.Purpose, i.ValidUntil.Format(time.RFC3339))
	})
}

func (t *tool) invitationRevokeCommand() *cobra.Command {
	return t.invitationChange(&cobra.Command{
		Use:   "revoke",
		Short: "End an invitation and its links",
		Long: `revoke ends what an address was invited to: its links lead nowhere any more, at once. A user who was invited
stays Pending, and can be invited again.`,
		Example: `  rosterctl invitation revoke --tenant 1306676258 --email jane@northfield.example`,
	}, (*directory.Operator).RevokeInvitation, func(i *roster.Invitation) string {
		return fmt.Sprintf("the links that %s was mailed (%s) are ended", i.Email, i.Purpose)
	})
}

// invitationChange completes a command that does something to one invitation, and tells of the invitation that it was done to.
func (t *tool) invitationChange(
	c *cobra.Command, do func(*directory.Operator, context.Context, directory.InvitationRequest) (roster.Invitation, error), tell func(*roster.Invitation) string,
) *cobra.Command {
	var (
		tenant, organization int32
		email                string
		asJSON               bool
	)
	c.Args = cobra.NoArgs
	flags := c.Flags()
	flags.Int32Var(&tenant, "tenant", 0, "the tenant's id (required)")
	flags.StringVar(&email, "email", "", "the address that was invited (required)")
	flags.Int32Var(&organization, "organization", 0, "the organization that a sign-up is with (default the tenant's root)")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	require(c, "tenant")
	require(c, "email")
	at := t.placeFlags(c)
	t.does(c, func(ctx context.Context, _ []string) error {
		operator, err := t.connect(ctx, at)
		if err != nil {
			return err
		}
		invitation, err := do(operator, ctx, directory.InvitationRequest{
			Tenant: roster.TenantID(tenant), Email: roster.Email(email), Organization: roster.OrgID(organization),
		})
		if err != nil {
			return explain(err, at)
		}
		if asJSON {
			return t.printJSON(viewInvitation(&invitation))
		}
		_, err = fmt.Fprintln(t.stdout, tell(&invitation))
		return err
	})
	return c
}
