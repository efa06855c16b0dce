package directory

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rosterhq/roster/internal/roster"
)

// Offer is what the link of an invitation leads to, as the person who follows it is to see it.
type Offer struct {
	Invitation roster.Invitation
	// Name is that of the user, as far as it is known: empty for a sign-up.
	Name string
	// OrganizationName is that of the user's organization, or of the one that the sign-up is with.
	OrganizationName string
	// InviterName is the name of who asked for the invitation; empty for a program, for somebody who is gone, and for a new
	// password, which is nobody's business but the user's.
	InviterName string
}

// Acceptance is what became of an accepted invitation.
type Acceptance struct {
	Offer Offer
	// User is the user as it is now.
	User roster.User
}

// followed is a link that leads somewhere.
type followed struct {
	link       roster.LinkHash
	invitation roster.Invitation
	// user is who it is for, nobody for a sign-up.
	user roster.User
}

// OpenInvitation returns what a link offers. Whoever has the token may see it: there is no principal. A token that leads nowhere,
// or nowhere any more, is roster.DeadLink.
func (d *Directory) OpenInvitation(ctx context.Context, token string) (Offer, error) {
	f, err := d.follow(ctx, token)
	if err != nil {
		return Offer{}, err
	}
	return d.offer(ctx, &f)
}

// AcceptInvitation does what a link offers, once: it ends the link, and with it every other link of the same invitation. The user
// takes up the account, gets a new password, or is created as the Admin of a new organization. A new password ends every refresh
// token of the user. Whoever has the token may do this: there is no principal.
//
// A token that leads nowhere, or nowhere any more, is roster.DeadLink, and so is one for a new password when the user has set one
// since it was asked for. An address that somebody took since a sign-up was mailed is roster.Taken.
func (d *Directory) AcceptInvitation(ctx context.Context, token string, form roster.AcceptanceForm, w roster.Write) (Acceptance, error) {
	var (
		offer Offer
		hash  string
	)
	return decided(ctx, func() (Acceptance, error) {
		f, err := d.follow(ctx, token)
		if err != nil {
			return Acceptance{}, err
		}
		if hash == "" {
			if offer, err = d.acceptable(ctx, &f, &form); err != nil {
				return Acceptance{}, err
			}
			if hash, err = d.hashPassword(form.Password); err != nil {
				return Acceptance{}, fmt.Errorf("hashing a password: %w", err)
			}
		}
		user, err := d.accept(ctx, &f, &form, hash, &w)
		return Acceptance{Offer: offer, User: user}, err
	})
}

// acceptable returns what is accepted, or what is wrong with the form. It looks at everything but the password's hash, which is
// slow to make.
func (d *Directory) acceptable(ctx context.Context, f *followed, form *roster.AcceptanceForm) (Offer, error) {
	if err := form.Validate(f.invitation.Purpose); err != nil {
		return Offer{}, err
	}
	if f.invitation.Purpose == roster.PurposeSignUp {
		if err := roomBelow(f.invitation.Path, "organization"); err != nil {
			return Offer{}, err
		}
	}
	// The names are read before anything is written: what follows cannot fail for want of them.
	return d.offer(ctx, f)
}

func (d *Directory) accept(ctx context.Context, f *followed, form *roster.AcceptanceForm, hash string, w *roster.Write) (roster.User, error) {
	if f.invitation.Purpose == roster.PurposeSignUp {
		return d.acceptSignUp(ctx, f, form, hash, w)
	}
	after := *f.user.Clone()
	// Who has the token has the mail.
	after.EmailBounced, after.EmailComplained = false, false
	if f.invitation.Purpose == roster.PurposeInvite {
		after.Status, after.RegisteredAt = roster.StatusActive, d.moment()
		after.Name = form.Name
		after.GivenName, after.FamilyName = roster.SplitName(form.Name)
	}
	credential := roster.Credential{Tenant: after.Tenant, User: after.ID, PasswordHash: hash, ChangedAt: d.moment()}
	stamp := roster.Stamp{By: "user:" + after.ID.String(), Via: w.Via, RequestID: w.RequestID}
	user, err := d.invitations.AcceptInvitation(ctx, f.invitation, f.link, f.user, after, credential, stamp)
	if err != nil {
		return roster.User{}, err
	}
	d.apply(user.Tenant, roster.Change{User: &user})
	return user, nil
}

func (d *Directory) acceptSignUp(ctx context.Context, f *followed, form *roster.AcceptanceForm, hash string, w *roster.Write) (roster.User, error) {
	i := &f.invitation
	owner := roster.NewOwnerForm{
		NewUserForm:      roster.NewUserForm{Email: i.Email, Name: form.Name, Locale: i.Locale},
		OrganizationName: form.OrganizationName,
	}
	user := owner.User()
	user.Tenant, user.Path, user.Roles = i.Tenant, slices.Clone(i.Path), []roster.RoleID{roster.RoleAdmin}
	user.RegisteredAt = d.moment()
	n := roster.NewUser{User: user, Credential: &roster.Credential{Tenant: i.Tenant, PasswordHash: hash}}
	organization := roster.Organization{Tenant: i.Tenant, Path: slices.Clone(i.Path), Name: owner.NameOfOrganization()}
	// Who does this is the user that is being created.
	stamp := roster.Stamp{Via: w.Via, RequestID: w.RequestID}
	created, user, err := d.invitations.AcceptSignUp(ctx, *i, f.link, organization, n, stamp)
	if err != nil {
		return roster.User{}, err
	}
	d.apply(i.Tenant, roster.Change{Organization: &created}, roster.Change{User: &user})
	return user, nil
}

// follow returns where a token leads, or roster.DeadLink.
func (d *Directory) follow(ctx context.Context, token string) (followed, error) {
	hash, ok := roster.ParseLinkToken(token)
	if !ok {
		return followed{}, roster.DeadLink(errors.New("this is no token"))
	}
	link, err := d.invitations.Link(ctx, hash)
	if err != nil {
		return followed{}, deadIfGone(err)
	}
	invitation, err := d.invitations.Invitation(ctx, link.Ref)
	if err != nil {
		return followed{}, deadIfGone(err)
	}
	if invitation.ID != link.ID {
		return followed{}, roster.DeadLink(fmt.Errorf("the link is of invitation %s, which %s has replaced", link.ID, invitation.ID))
	}
	if invitation.Expired(d.now()) {
		return followed{}, roster.DeadLink(fmt.Errorf("invitation %s has expired", invitation.ID))
	}
	// Only now is it known whose request this is.
	if err := d.admit(ctx, invitation.Tenant, invitation.Path.Last()); err != nil {
		return followed{}, err
	}
	f := followed{link: hash, invitation: invitation}
	if invitation.Purpose == roster.PurposeSignUp {
		return f, nil
	}
	if f.user, err = d.users.User(ctx, invitation.Tenant, invitation.User); err != nil {
		return followed{}, deadIfGone(err)
	}
	if err := usable(&f); err != nil || invitation.Purpose != roster.PurposeReset {
		return f, err
	}
	return f, d.unset(ctx, &f)
}

// unset returns roster.DeadLink if the user's password was set after the link was asked for: who has set a new one needs no mail
// for it any more, which may lie in a mailbox that others read. A user without a password can set one by it.
func (d *Directory) unset(ctx context.Context, f *followed) error {
	credential, err := d.credentials.Credential(ctx, f.user.Tenant, f.user.ID)
	if roster.KindOf(err) == roster.KindNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	if f.invitation.CreatedAt.Before(credential.ChangedAt) {
		return roster.DeadLink(fmt.Errorf("user %s has set a password since", f.user.ID))
	}
	return nil
}

// usable returns roster.DeadLink if the user is not, or not any more, somebody whom the invitation is for. It looks at the user as
// it is now: the link of one who was suspended and is Active again leads somewhere again, until its time is over.
func usable(f *followed) error {
	wanted := roster.StatusPending
	if f.invitation.Purpose == roster.PurposeReset {
		wanted = roster.StatusActive
	}
	if f.user.Status != wanted {
		return roster.DeadLink(fmt.Errorf("user %s is %s", f.user.ID, f.user.Status))
	}
	// Who reads the mail of an address that the user has given up has no business with the account any more.
	if f.user.Email.Key() != f.invitation.Email.Key() {
		return roster.DeadLink(fmt.Errorf("user %s has another e-mail address", f.user.ID))
	}
	return nil
}

func deadIfGone(err error) error {
	if roster.KindOf(err) == roster.KindNotFound {
		return roster.DeadLink(err)
	}
	return err
}

// offer returns the names that belong to a link which leads somewhere.
func (d *Directory) offer(ctx context.Context, f *followed) (Offer, error) {
	offer := Offer{Invitation: f.invitation, Name: f.user.Name}
	org := f.invitation.Org()
	if f.user.ID != 0 {
		// It may have been transferred since it was invited.
		org = f.user.Org()
	}
	organization, err := d.organizations.Organization(ctx, f.invitation.Tenant, org)
	if err != nil {
		return Offer{}, deadIfGone(err)
	}
	offer.OrganizationName = organization.Name
	if f.invitation.InvitedBy == 0 || f.invitation.Purpose == roster.PurposeReset {
		return offer, nil
	}
	inviter, err := d.users.User(ctx, f.invitation.Tenant, f.invitation.InvitedBy)
	if err != nil && roster.KindOf(err) != roster.KindNotFound {
		return Offer{}, err
	}
	offer.InviterName = inviter.Name
	return offer, nil
}
