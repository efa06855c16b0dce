package directory

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// MessagePolicy bounds what is mailed. Counts are those of a day (UTC); a negative one lets nothing through.
type MessagePolicy struct {
	// InvitationValidity is how long the link of an invitation or a sign-up leads somewhere.
	InvitationValidity time.Duration
	// InvitationsPerDay is how often the callers of one organization can invite somebody.
	InvitationsPerDay int64
	// LinksPerDay is how many links to sign up or to set a password the callers of one organization can ask for.
	LinksPerDay int64
	// LinksPerAddress is how many of those can be for one address.
	LinksPerAddress int64
}

// DefaultMessagePolicy returns the policy that holds where nothing else is said.
func DefaultMessagePolicy() MessagePolicy {
	return MessagePolicy{InvitationValidity: 7 * 24 * time.Hour, InvitationsPerDay: 25, LinksPerDay: 1000, LinksPerAddress: 5}
}

// ResetValidity is how long a link to set a new password leads somewhere: it opens an account that is in use.
const ResetValidity = 24 * time.Hour

func (m MessagePolicy) withDefaults() MessagePolicy {
	standard := DefaultMessagePolicy()
	if m.InvitationValidity == 0 {
		m.InvitationValidity = standard.InvitationValidity
	}
	for _, limit := range []struct{ at, standard *int64 }{
		{&m.InvitationsPerDay, &standard.InvitationsPerDay},
		{&m.LinksPerDay, &standard.LinksPerDay},
		{&m.LinksPerAddress, &standard.LinksPerAddress},
	} {
		if *limit.at == 0 {
			*limit.at = *limit.standard
		}
	}
	return m
}

// InviteUser makes a Pending user in an organization of the caller's tree and mails the person a link to take the account up. It
// needs the permission ORG_INVITE_USERS, and all that the role holds.
//
// Whoever is Pending in that organization already is invited again, with the name and the role that are said now, and the links
// of before end; that also needs all that the user's roles of before hold. Any other address that has an account is roster.Taken.
// An unknown role is a KindNotFound error about the field role, a quota that is used up a KindTooMany one.
func (d *Directory) InviteUser(ctx context.Context, p *roster.Principal, form roster.InvitationForm, w roster.Write) (Creation, error) {
	if err := require(p, roster.OrgInviteUsers); err != nil {
		return Creation{}, err
	}
	if err := form.Validate(); err != nil {
		return Creation{}, err
	}
	if form.Organization == 0 {
		form.Organization = p.Org()
	}
	path, err := d.reachedOrganization(ctx, p, form.Organization)
	if err != nil {
		return Creation{}, err
	}
	role, err := d.grantable(ctx, p, form.Role)
	if err != nil {
		return Creation{}, err
	}
	i := inviting{form: &form, path: path, role: role.ID, quotas: []roster.Quota{d.invitationQuota(p)}}
	if err := d.open(i.quotas); err != nil {
		return Creation{}, err
	}
	return decided(ctx, func() (Creation, error) {
		created, err := d.inviteNew(ctx, p, &i, &w)
		if err == nil || !takenEmail(err) {
			return created, err
		}
		existing, missing := d.accountOf(ctx, p, form.Email)
		switch {
		case roster.KindOf(missing) == roster.KindNotFound:
			return Creation{}, roster.Unavailable("the e-mail address is given away and back, try again shortly", roster.ErrVersionChanged)
		case missing != nil:
			return Creation{}, missing
		case existing.Status != roster.StatusPending || existing.Org() != path.Last():
			return Creation{}, err
		}
		return d.inviteAgain(ctx, p, &i, existing, &w)
	})
}

// inviting is an invitation that the caller may make.
type inviting struct {
	form   *roster.InvitationForm
	path   roster.OrgPath
	role   roster.RoleID
	quotas []roster.Quota
}

func (d *Directory) inviteNew(ctx context.Context, p *roster.Principal, i *inviting, w *roster.Write) (Creation, error) {
	given, family := roster.SplitName(i.form.Name)
	user := roster.User{
		Tenant: p.Tenant, Path: slices.Clone(i.path), Email: i.form.Email, Name: i.form.Name, GivenName: given, FamilyName: family,
		Locale: i.form.Locale, Roles: []roster.RoleID{i.role}, Status: roster.StatusPending,
	}
	invitation := d.invitation(p, roster.PurposeInvite, i.form.Locale)
	created, replayed, err := d.invitations.CreateInvitedUser(ctx, roster.NewUser{User: user}, invitation, i.quotas, stamp(p, w), w.Once)
	return d.invited(p, created, replayed, err)
}

func (d *Directory) inviteAgain(ctx context.Context, p *roster.Principal, i *inviting, before roster.User, w *roster.Write) (Creation, error) {
	// Otherwise inviting would be a way to take a role from somebody that the caller could not give.
	if err := d.mayReturn(ctx, p, &before); err != nil {
		return Creation{}, err
	}
	after := *before.Clone()
	after.Name, after.Roles = i.form.Name, []roster.RoleID{i.role}
	after.GivenName, after.FamilyName = roster.SplitName(i.form.Name)
	if i.form.Locale != "" {
		after.Locale = i.form.Locale
	}
	invitation := d.invitation(p, roster.PurposeInvite, after.Locale)
	user, replayed, err := d.invitations.InviteAgain(ctx, before, after, invitation, i.quotas, stamp(p, w), w.Once)
	return d.invited(p, user, replayed, err)
}

func (d *Directory) invited(p *roster.Principal, user roster.User, replayed bool, err error) (Creation, error) {
	if err != nil {
		return Creation{}, err
	}
	d.apply(p.Tenant, roster.Change{User: &user})
	return Creation{User: user, Replayed: replayed}, nil
}

// RequestSignUp mails a link by which a person makes an account and an organization of their own, below the caller's. For an
// address that has an account nothing is mailed, and the answer is the same: so the person who types an address into the caller's
// app does not learn whether it is known. From the caller itself it is no secret, who can find out by InviteUser or
// ListInvitations. It needs the permission ORG_INVITE_USERS, and all that the role Admin holds, which the person will have there. A
// quota that is used up is a KindTooMany error.
func (d *Directory) RequestSignUp(ctx context.Context, p *roster.Principal, form roster.MailForm, w roster.Write) error {
	if err := require(p, roster.OrgInviteUsers); err != nil {
		return err
	}
	if err := form.Validate(); err != nil {
		return err
	}
	if err := roomBelow(p.Path, "organization"); err != nil {
		return err
	}
	if _, err := d.grantable(ctx, p, roster.RoleAdmin); err != nil {
		return err
	}
	quotas := d.linkQuotas(p, form.Email)
	if err := d.open(quotas); err != nil {
		return err
	}
	// Whether the address is known must show, to who asks through the caller's app, neither in the answer, nor in the time it takes,
	// nor in what is left of the quotas: the same calls are made and the same is counted. That goes for the organization too, which the table would otherwise read when
	// there is a sign-up to record, unless it has seen it before.
	if _, err := d.organizations.Organization(ctx, p.Tenant, p.Org()); err != nil {
		return err
	}
	_, _, err := d.users.EmailOwner(ctx, form.Email)
	if err == nil {
		return d.invitations.PutInvitation(ctx, nil, quotas, stamp(p, &w))
	}
	if roster.KindOf(err) != roster.KindNotFound {
		return err
	}
	invitation := d.invitation(p, roster.PurposeSignUp, form.Locale)
	invitation.Path, invitation.Email = slices.Clone(p.Path), form.Email
	return d.invitations.PutInvitation(ctx, &invitation, quotas, stamp(p, &w))
}

// RequestPasswordReset mails the owner of an address a link to set a new password, which ends when the password is set in another
// way. The answer is the same if nobody has the address, the caller does not reach who has it, or that user is not Active; then
// nothing is mailed. That keeps from the person who types an address into the caller's app whether it is known; the caller itself
// sees the users whom it reaches, and by InviteUser whether an address is taken. It needs the permission ORG_EDIT_USERS. A quota
// that is used up is a KindTooMany error.
func (d *Directory) RequestPasswordReset(ctx context.Context, p *roster.Principal, form roster.MailForm, w roster.Write) error {
	if err := require(p, roster.OrgEditUsers); err != nil {
		return err
	}
	if err := form.Validate(); err != nil {
		return err
	}
	quotas := d.linkQuotas(p, form.Email)
	if err := d.open(quotas); err != nil {
		return err
	}
	user, err := d.resettable(ctx, p, form.Email)
	if roster.KindOf(err) == roster.KindNotFound {
		return d.invitations.PutInvitation(ctx, nil, quotas, stamp(p, &w))
	}
	if err != nil {
		return err
	}
	invitation := d.invitation(p, roster.PurposeReset, form.Locale)
	invitation.Path, invitation.User, invitation.Email = user.Path, user.ID, user.Email
	if invitation.Locale == "" {
		invitation.Locale = user.Locale
	}
	return d.invitations.PutInvitation(ctx, &invitation, quotas, stamp(p, &w))
}

// resettable returns the user to whom the caller may have a link mailed to set a new password, or a KindNotFound error.
func (d *Directory) resettable(ctx context.Context, p *roster.Principal, email roster.Email) (roster.User, error) {
	tenant, id, err := d.users.EmailOwner(ctx, email)
	if err != nil && roster.KindOf(err) != roster.KindNotFound {
		return roster.User{}, err
	}
	// As in accountOf, the same read whoever has the address, and even if nobody does: then it is of user 0, who is nobody.
	user, err := d.users.User(ctx, p.Tenant, id)
	if err != nil {
		return roster.User{}, err
	}
	if tenant != p.Tenant || user.Status != roster.StatusActive {
		return roster.User{}, roster.NotFound("user")
	}
	return reachedUser(p, user, nil)
}

// ListInvitations returns a page of the invitations into one organization of the caller's tree, zero for the caller's own, and of
// the sign-ups right below it, that are still open: at most limit of them, 1 to roster.MaxLimit, in id order after that id. One that
// was just made or ended may appear a moment later. It needs the permission ORG_VIEW_USERS.
func (d *Directory) ListInvitations(ctx context.Context, p *roster.Principal, org roster.OrgID, after roster.InvitationID, limit int) (roster.InvitationPage, error) {
	if err := require(p, roster.OrgViewUsers); err != nil {
		return roster.InvitationPage{}, err
	}
	if err := validInvitationPage(org, after, limit); err != nil {
		return roster.InvitationPage{}, err
	}
	if org == 0 {
		org = p.Org()
	}
	if _, err := d.reachedOrganization(ctx, p, org); err != nil {
		return roster.InvitationPage{}, err
	}
	return d.invitations.InvitationsOf(ctx, p.Tenant, org, after, limit)
}

func validInvitationPage(org roster.OrgID, after roster.InvitationID, limit int) error {
	var errs roster.FieldErrors
	if org < 0 {
		errs.Add("organization", "must be positive")
	}
	if after < 0 || after > roster.InvitationID(roster.MaxUserID) {
		errs.Add("after", "must be between 0 and "+roster.MaxUserID.String())
	}
	if limit < 1 || limit > roster.MaxLimit {
		errs.Add("limit", "must be between 1 and "+strconv.Itoa(roster.MaxLimit))
	}
	return errs.Err()
}

// invitation returns an invitation that the caller asks for now, without what says whom it is for.
func (d *Directory) invitation(p *roster.Principal, purpose roster.Purpose, locale string) roster.Invitation {
	now := d.moment()
	validity := d.policy.InvitationValidity
	if purpose == roster.PurposeReset {
		validity = ResetValidity
	}
	return roster.Invitation{
		Tenant: p.Tenant, Purpose: purpose, Locale: locale, InvitedBy: p.User, CreatedAt: now, ValidUntil: now.Add(validity),
	}
}

// invitationQuota counts the invitations of the caller's organization, in whatever organization of its tree they are for.
func (d *Directory) invitationQuota(p *roster.Principal) roster.Quota {
	return roster.Quota{
		Tenant: p.Tenant, Counter: "invitations/" + p.Org().String(), Limit: d.policy.InvitationsPerDay, Noun: "invitations of this organization",
	}
}

// linkQuotas counts the links that the caller's organization has mailed, and those of them that went to one address: by the former
// no organization can send mail without end, by the latter none can flood a person with it. Each organization has a count of its own
// for an address: it can neither use up another's nor see by it whether another has asked.
func (d *Directory) linkQuotas(p *roster.Principal, email roster.Email) []roster.Quota {
	return []roster.Quota{
		{Tenant: p.Tenant, Counter: "links/" + p.Org().String(), Limit: d.policy.LinksPerDay, Noun: "links of this organization"},
		{Tenant: p.Tenant, Counter: "address/" + p.Org().String() + "/" + email.Key(), Limit: d.policy.LinksPerAddress, Noun: "links to this address"},
	}
}

// open returns the error of the first quota that lets nothing through at all, and nil if there is none: the table counts up from 1.
func (d *Directory) open(quotas []roster.Quota) error {
	for i := range quotas {
		if quotas[i].Limit < 1 {
			return quotas[i].Err(d.now())
		}
	}
	return nil
}
