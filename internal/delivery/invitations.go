package delivery

import (
	"context"
	"errors"
	"fmt"

	"github.com/rosterhq/roster/internal/roster"
)

// deliverMail sends the mail of an invitation, if it still is the one of that ID and waits to be sent.
//
// The order of the writes makes the rest: first the link, then the mail, then the mark. Whoever stops before the mail leaves a link
// whose token nobody knows; whoever stops before the mark has the mail sent again, with another link to the same invitation.
func (c *Courier) deliverMail(ctx context.Context, ref roster.InvitationRef, id roster.InvitationID) error {
	i, err := c.store.Invitation(ctx, ref)
	if there, err := found(err); err != nil {
		return fmt.Errorf("reading invitation %s of tenant %s: %w", id, ref.Tenant, err)
	} else if !there || i.ID != id || i.Delivery != roster.DeliveryQueued {
		return nil
	}
	letter, useless, err := c.letter(ctx, &i)
	if err != nil {
		return fmt.Errorf("preparing the mail of invitation %s of tenant %s: %w", id, ref.Tenant, err)
	}
	if useless != "" {
		return c.markMail(ctx, ref, id, roster.DeliveryDropped, "", useless)
	}
	token, hash := roster.NewLinkToken()
	letter.Link = c.linkBase + "/invitations/" + token
	message, err := letter.Render()
	if err != nil { // for a purpose that this release knows no mail for
		return c.refuseMail(ctx, &i, err)
	}
	if err := c.store.PutLink(ctx, hash, roster.Link{Ref: i.Ref(), ID: i.ID, ExpiresAt: i.ValidUntil}); err != nil {
		return fmt.Errorf("writing the link of invitation %s of tenant %s: %w", id, ref.Tenant, err)
	}
	messageID, err := c.mailer.SendMail(ctx, Mail{To: i.Email, Subject: message.Subject, Text: message.Text, HTML: message.HTML, Tags: tagsOf(&i)})
	if errors.Is(err, ErrRefused) {
		return c.refuseMail(ctx, &i, err)
	}
	if err != nil {
		return fmt.Errorf("invitation %s of tenant %s: %w", id, ref.Tenant, err)
	}
	return c.markMail(ctx, ref, id, roster.DeliverySent, messageID, "")
}

// letter returns what the mail of an invitation is made of, but for the link; or, where there is no use in sending it any more, why.
func (c *Courier) letter(ctx context.Context, i *roster.Invitation) (letter Letter, useless string, err error) {
	now := c.now()
	if i.Expired(now) {
		return Letter{}, "its time was over before it could be sent", nil
	}
	if i.Purpose != roster.PurposeSignUp {
		user, err := c.store.User(ctx, i.Tenant, i.User)
		there, err := found(err)
		if err != nil {
			return Letter{}, "", err
		}
		if !there || !awaits(&user, i) {
			return Letter{}, "its user is gone, has another address or has no use for it", nil
		}
	}
	organization, err := c.store.Organization(ctx, i.Tenant, i.Org())
	there, err := found(err)
	if err != nil {
		return Letter{}, "", err
	}
	if !there {
		return Letter{}, "its organization is gone", nil
	}
	inviter, err := c.inviter(ctx, i)
	if err != nil {
		return Letter{}, "", err
	}
	return Letter{
		Purpose: i.Purpose, Locale: i.Locale, Organization: organization.Name, Inviter: inviter, Validity: i.ValidUntil.Sub(now),
	}, "", nil
}

// awaits reports whether the user can still do with the mail: its link leads somewhere only then.
func awaits(user *roster.User, i *roster.Invitation) bool {
	status := roster.StatusActive
	if i.Purpose == roster.PurposeInvite {
		status = roster.StatusPending
	}
	return user.Status == status && user.Email.Key() == i.Email.Key()
}

// inviter returns the name of who invites, empty for programs, for users who are gone, and for mails that the reader is said to have
// asked for.
func (c *Courier) inviter(ctx context.Context, i *roster.Invitation) (string, error) {
	if i.InvitedBy == 0 || i.Purpose != roster.PurposeInvite {
		return "", nil
	}
	user, err := c.store.User(ctx, i.Tenant, i.InvitedBy)
	there, err := found(err)
	if !there {
		return "", err
	}
	return user.Name, nil
}

func (c *Courier) refuseMail(ctx context.Context, i *roster.Invitation, why error) error {
	r := Refusal{Tenant: i.Tenant, Kind: i.Purpose.String(), ID: i.ID.String(), User: i.User, Reason: why.Error()}
	return c.settle(ctx, r, r.Reason, func() error {
		return c.markMail(ctx, i.Ref(), i.ID, roster.DeliveryRefused, "", r.Reason)
	})
}

func (c *Courier) markMail(ctx context.Context, ref roster.InvitationRef, id roster.InvitationID, delivery roster.Delivery, messageID, reason string) error {
	if err := c.store.MarkInvitation(ctx, ref, id, delivery, messageID, reason); err != nil {
		return fmt.Errorf("marking invitation %s of tenant %s as %s: %w", id, ref.Tenant, delivery, err)
	}
	return nil
}
