package directory

import (
	"context"

	"github.com/rosterhq/roster/internal/roster"
)

// invitationStore is where an Operator finds invitations.
type invitationStore interface {
	Users
	// Invitation, InvitationsOf, InviteAgain and PutInvitation are described at Invitations.
	Invitation(ctx context.Context, ref roster.InvitationRef) (roster.Invitation, error)
	InvitationsOf(ctx context.Context, tenant roster.TenantID, org roster.OrgID, after roster.InvitationID, limit int) (roster.InvitationPage, error)
	InviteAgain(ctx context.Context, before, after roster.User, i roster.Invitation, quotas []roster.Quota, stamp roster.Stamp, once *roster.Once) (roster.User, bool, error)
	PutInvitation(ctx context.Context, i *roster.Invitation, quotas []roster.Quota, stamp roster.Stamp) error
	// RemoveInvitation ends an invitation, or is a KindNotFound error if it does not stand any more, under the same ID.
	RemoveInvitation(ctx context.Context, i roster.Invitation) error
}

// Invitations returns a page of the invitations into one organization, zero for the tenant's root, and of the sign-ups right below
// it, that are still open: at most limit of them, 1 to roster.MaxLimit, in id order after that id. An unknown organization is a
// KindNotFound error.
func (o *Operator) Invitations(ctx context.Context, tenant roster.TenantID, org roster.OrgID, after roster.InvitationID, limit int) (roster.InvitationPage, error) {
	if err := validInvitationPage(org, after, limit); err != nil {
		return roster.InvitationPage{}, err
	}
	org, err := o.organization(ctx, tenant, org)
	if err != nil {
		return roster.InvitationPage{}, err
	}
	return o.store.InvitationsOf(ctx, tenant, org, after, limit)
}

// InvitationRequest names the open invitation of an address.
type InvitationRequest struct {
	Tenant roster.TenantID
	Email  roster.Email
	// Organization is where to look for the sign-up of an address that nobody has, zero for the tenant's root. It says nothing of
	// users, who are in one organization.
	Organization roster.OrgID
}

// ResendInvitation mails what an address was invited to once more, with a new link: the links of before end. The new one is valid
// for as long as the one before was, and by the same inviter. That goes for a Pending user whose invitation has expired, too, for as
// long as the table keeps it, 30 days; one who has none is invited anew, for as long as DefaultMessagePolicy says. No quota counts
// this.
//
// What waits for no link, such as an address that nobody has and that was mailed no sign-up, is a KindNotFound error.
func (o *Operator) ResendInvitation(ctx context.Context, r InvitationRequest) (roster.Invitation, error) {
	return decided(ctx, func() (roster.Invitation, error) { return o.resendInvitation(ctx, r) })
}

func (o *Operator) resendInvitation(ctx context.Context, r InvitationRequest) (roster.Invitation, error) {
	user, before, err := o.openInvitation(ctx, r)
	waits := roster.KindOf(err) == roster.KindNotFound && user.Status == roster.StatusPending
	if err != nil && !waits {
		return roster.Invitation{}, err
	}
	now, validity := o.moment(), before.ValidUntil.Sub(before.CreatedAt)
	if before.ID == 0 { // revoked, purged, or never invited
		validity = DefaultMessagePolicy().InvitationValidity
		before = roster.Invitation{
			Tenant: user.Tenant, Purpose: roster.PurposeInvite, Path: user.Path, User: user.ID, Email: user.Email, Locale: user.Locale,
		}
	}
	again := roster.Invitation{
		Tenant: before.Tenant, Purpose: before.Purpose, Path: before.Path, User: before.User, Email: before.Email, Locale: before.Locale,
		InvitedBy: before.InvitedBy, CreatedAt: now, ValidUntil: now.Add(validity),
	}
	if user.ID != 0 {
		// The user may have been moved, or have got another address.
		again.Path, again.Email = user.Path, user.Email
	}
	if again.Purpose == roster.PurposeInvite {
		// The user must be as it was read: Pending.
		_, _, err = o.store.InviteAgain(ctx, user, user, again, nil, o.stamp, nil)
	} else {
		err = o.store.PutInvitation(ctx, &again, nil, o.stamp)
	}
	if err != nil {
		return roster.Invitation{}, err
	}
	return o.store.Invitation(ctx, again.Ref())
}

// RevokeInvitation ends the open invitation of an address, with all its links, and returns it as it was. A user who was invited
// stays Pending. No open invitation is a KindNotFound error.
func (o *Operator) RevokeInvitation(ctx context.Context, r InvitationRequest) (roster.Invitation, error) {
	_, invitation, err := o.openInvitation(ctx, r)
	if err != nil {
		return roster.Invitation{}, err
	}
	return invitation, o.store.RemoveInvitation(ctx, invitation)
}

// openInvitation returns the invitation of an address that has not expired, or a KindNotFound error, and who has the address in the
// tenant, if anybody has: the invitation of a Pending user, a link to set a new password of an Active one, or a sign-up. One that
// has expired comes with the error.
func (o *Operator) openInvitation(ctx context.Context, r InvitationRequest) (roster.User, roster.Invitation, error) {
	org, err := o.organization(ctx, r.Tenant, r.Organization)
	if err != nil {
		return roster.User{}, roster.Invitation{}, err
	}
	user, err := o.ownerIn(ctx, r.Tenant, r.Email)
	if err != nil {
		return roster.User{}, roster.Invitation{}, err
	}
	ref := roster.InvitationRef{Tenant: r.Tenant}
	switch user.Status {
	case roster.StatusPending:
		ref.Purpose, ref.User = roster.PurposeInvite, user.ID
	case roster.StatusActive:
		ref.Purpose, ref.User = roster.PurposeReset, user.ID
	case roster.StatusSuspended:
		return user, roster.Invitation{}, roster.Conflict("user " + user.ID.String() + " is suspended, and no link leads to the account")
	default:
		ref.Purpose, ref.Org, ref.Email = roster.PurposeSignUp, org, roster.Email(r.Email.Key())
	}
	invitation, err := o.store.Invitation(ctx, ref)
	if err != nil && roster.KindOf(err) != roster.KindNotFound {
		return user, roster.Invitation{}, err
	}
	if err != nil || invitation.Expired(o.now()) {
		return user, invitation, &roster.Error{
			Kind: roster.KindNotFound, Message: "no invitation of " + string(r.Email) + " is open", Cause: err,
		}
	}
	return user, invitation, nil
}

// ownerIn returns who has the address in the tenant, and nobody if nobody has. An address of another tenant is a KindConflict error:
// there can be no invitation of it here.
func (o *Operator) ownerIn(ctx context.Context, tenant roster.TenantID, email roster.Email) (roster.User, error) {
	owner, id, err := o.store.EmailOwner(ctx, email)
	if roster.KindOf(err) == roster.KindNotFound {
		return roster.User{}, nil
	}
	if err != nil {
		return roster.User{}, err
	}
	if owner != tenant {
		return roster.User{}, roster.Conflict(string(email) + " is the address of a user of another tenant")
	}
	return o.store.User(ctx, tenant, id)
}

// organization returns the id of an organization that stands, the tenant's root for zero, or a KindNotFound error.
func (o *Operator) organization(ctx context.Context, tenant roster.TenantID, org roster.OrgID) (roster.OrgID, error) {
	if err := o.mustBeTenant(ctx, tenant); err != nil || org == 0 || org == tenant.Root() {
		return tenant.Root(), err
	}
	_, err := o.store.Organization(ctx, tenant, org)
	return org, err
}
