package directory

import (
	"context"
	"slices"

	"github.com/rosterhq/roster/internal/roster"
)

// Member is a user of a customer, and what is needed to show whatever the user refers to: roles, delegates, and those whose
// delegate the user is.
type Member struct {
	User roster.User
	// View is of the moment of the request, but a moment before the change, if the request made one. User is newer.
	View View
}

// EachMember calls visit for each member of a customer, or with text for those whose name, nickname or e-mail address
// contains it, in id order, until visit returns false. What a Member holds is valid only during the call. It needs the
// permission ORG_VIEW_USERS.
func (d *Directory) EachMember(ctx context.Context, p *roster.Principal, customer roster.OrgID, text string, visit func(Member) bool) error {
	if err := requireCustomer(p, roster.OrgViewUsers, customer); err != nil {
		return err
	}
	// The page does not count, but a query without one is not valid.
	q := roster.Query{Text: text, Scope: roster.Scope{Org: customer}, Page: roster.Page{Limit: roster.MaxLimit}}
	if err := q.Validate(); err != nil {
		return err
	}
	view, err := d.search.View(ctx, p.Tenant)
	if err != nil {
		return err
	}
	return view.EachUser(q, func(user *roster.User) bool { return visit(Member{User: *user, View: view}) })
}

// Member returns one member of a customer, as the table has it now. It needs the permission ORG_VIEW_USERS.
func (d *Directory) Member(ctx context.Context, p *roster.Principal, customer roster.OrgID, id roster.UserID) (Member, error) {
	if err := requireCustomer(p, roster.OrgViewUsers, customer); err != nil {
		return Member{}, err
	}
	user, err := d.User(ctx, p, id)
	if err != nil {
		return Member{}, err
	}
	if err := memberOf(&user, customer); err != nil {
		return Member{}, err
	}
	view, err := d.search.View(ctx, p.Tenant)
	if err != nil {
		return Member{}, err
	}
	return Member{User: user, View: view}, nil
}

// MemberByIdentity returns who of a customer's members holds an identity, as the table has it now: one read. It needs the
// permission ORG_VIEW_USERS.
func (d *Directory) MemberByIdentity(ctx context.Context, p *roster.Principal, customer roster.OrgID, identity roster.Identity) (roster.UserID, error) {
	if err := requireCustomer(p, roster.OrgViewUsers, customer); err != nil {
		return 0, err
	}
	if err := identity.Validate(); err != nil {
		return 0, err
	}
	return d.users.IdentityOwner(ctx, p.Tenant, customer, identity)
}

// PatchMember changes what a patch says about a member of a customer. Where that is nothing, nothing is written. It needs the
// permission ORG_EDIT_USERS, all that new roles hold, and for another e-mail address all that the member's roles hold.
//
// An unknown role is a KindInvalid error about the field roles, a delegate who is no standing member of the customer one about
// delegates. An e-mail address or identity that somebody else has is roster.Taken.
func (d *Directory) PatchMember(ctx context.Context, p *roster.Principal, customer roster.OrgID, patch roster.UserPatch, w roster.Write) (Member, error) {
	if err := requireCustomer(p, roster.OrgEditUsers, customer); err != nil {
		return Member{}, err
	}
	if err := patch.Validate(); err != nil {
		return Member{}, err
	}
	// One look for all: before the write, so that a failure of it leaves nothing behind.
	view, err := d.search.View(ctx, p.Tenant)
	if err != nil {
		return Member{}, err
	}
	user, err := d.change(ctx, p, patch.User, &w, change{
		read: d.users.User,
		decide: func(before *roster.User) (roster.User, bool, error) {
			if err := memberOf(before, customer); err != nil {
				return roster.User{}, false, err
			}
			after, changes, err := patch.Apply(before)
			if err != nil || !changes {
				return after, changes, err
			}
			return after, changes, d.mayPatch(ctx, p, view, before, &after)
		},
		write: d.writes.UpdateUser,
	})
	if err != nil {
		return Member{}, err
	}
	return Member{User: user, View: view}, nil
}

// mayPatch returns nil if the caller may make after of before.
func (d *Directory) mayPatch(ctx context.Context, p *roster.Principal, view View, before, after *roster.User) error {
	delegates := slices.EqualFunc(after.Delegates, before.Delegates, roster.Delegate.Same)
	roles := slices.Equal(after.Roles, before.Roles)
	if !delegates {
		if err := d.knownDelegates(ctx, view, after); err != nil {
			return err
		}
	}
	if !delegates || !roles || after.Email != before.Email || !slices.Equal(after.Identities, before.Identities) {
		if err := d.mayAlter(ctx, p, before); err != nil {
			return err
		}
	}
	if roles {
		return nil
	}
	return d.mayChangeRoles(ctx, p, before, after)
}

// knownDelegates returns nil if every delegate is a standing member of the user's organization, and otherwise a KindInvalid
// error. They are looked up in the view: a delegate is a reference, which gives nobody a right here. A few that it does not have may
// have been created a moment ago, and are read from the table.
func (d *Directory) knownDelegates(ctx context.Context, view View, after *roster.User) error {
	const few = 10
	unknown := 0
	for _, delegate := range after.Delegates {
		user, stands := view.User(delegate.User)
		if !stands && unknown < few {
			unknown++
			read, err := d.users.User(ctx, after.Tenant, delegate.User)
			if err != nil && roster.KindOf(err) != roster.KindNotFound {
				return err
			}
			user, stands = read, err == nil
		}
		if !stands || memberOf(&user, after.Org()) != nil {
			return roster.Invalid("delegates", "must be users of the same customer")
		}
	}
	return nil
}

// mayChangeRoles returns nil if the caller may grant each role that is new, and does not take the right to do this from
// itself.
func (d *Directory) mayChangeRoles(ctx context.Context, p *roster.Principal, before, after *roster.User) error {
	var held roster.PermissionSet
	for _, id := range after.Roles {
		role, err := d.roles.Role(ctx, p.Tenant, id)
		known := roster.KindOf(err) != roster.KindNotFound
		had := slices.Contains(before.Roles, id)
		switch {
		case !known && had: // a role that is gone holds nothing
			continue
		case !known:
			return roster.Invalid("roles", "must be roles that there are")
		case err != nil:
			return err
		}
		held = held.Union(role.Permissions)
		if had {
			continue
		}
		if err := mayGrant(p, &role); err != nil {
			return err
		}
	}
	return keepsOwnRight(p, before.ID, held, roster.OrgEditUsers)
}

// RemoveMember deletes a member of a customer as RemoveUser does, and returns the member as it was. It needs the permission
// ORG_DELETE_USERS.
func (d *Directory) RemoveMember(ctx context.Context, p *roster.Principal, customer roster.OrgID, id roster.UserID, w roster.Write) (Member, error) {
	if err := requireCustomer(p, roster.OrgDeleteUsers, customer); err != nil {
		return Member{}, err
	}
	if err := validUserID(id); err != nil {
		return Member{}, err
	}
	view, err := d.search.View(ctx, p.Tenant)
	if err != nil {
		return Member{}, err
	}
	var was roster.User
	removal := d.removal(p)
	decide := removal.decide
	removal.decide = func(before *roster.User) (roster.User, bool, error) {
		if err := memberOf(before, customer); err != nil {
			return roster.User{}, false, err
		}
		was = *before
		return decide(before)
	}
	if _, err := d.change(ctx, p, id, &w, removal); err != nil {
		return Member{}, err
	}
	return Member{User: was, View: view}, nil
}
