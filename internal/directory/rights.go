package directory

import (
	"context"
	"slices"
	"strings"

	"github.com/rosterhq/roster/internal/roster"
)

// This file is the one place of the rules about who may do what to whom:
//
//   - Each use case needs a permission (require, requireAny). A token that speaks for an organization holds all of them.
//   - What is about oneself needs a token that speaks for a user, and no permission (requireUser).
//   - Who follows a link that was mailed needs nothing but its token, and has no principal (acceptance.go). What the link gives was
//     granted when it was asked for.
//   - A caller reaches its own organization and everything below it. What is elsewhere is "not found", in the words of
//     what does not exist at all (reachedUser, reachedOrganization).
//   - A customer is an organization without what is below it. Only the caller's own can be named (ofCustomer), and whoever is
//     elsewhere, even below, is "not found" there (memberOf).
//   - A workspace is an organization without what is below it, too: the token's own. Who is an Admin or has ViewAll sees all of it, and
//     so does a token that speaks for the organization. Everybody else sees themselves alone, whatever permissions they hold: the
//     others are "not found" (sightOf).
//   - Nobody grants a role that holds a permission they lack (mayGrant): not to somebody new, not by an invitation
//     to be an Admin of one's own, not by a change of role, not along with a transfer, and not by bringing back somebody who had
//     it and was deleted, suspended, or invited once before (mayReturn).
//   - Nobody changes the address, the roles, the identities or the delegates of somebody who may do more than they (mayAlter): who
//     reads a user's mail can set the password, other systems find users by identities and let delegates act for them, and taking
//     the roles first would be a way around.
//   - Nobody locks themselves out (notOneself, keepsOwnRight): suspending or deleting oneself, or moving oneself to an
//     organization below, from where there is no way back up, is for somebody else to do, and a change of one's own role
//     must leave the permission to change it again.
//   - The last active Admin of a root organization stays (roster.LastAdmin). Only the table can hold that, in the write
//     itself: two Admins who demote each other at the same moment both see that there is another.

// require returns nil if the caller holds the permission, and otherwise a KindForbidden error that names it.
func require(p *roster.Principal, permission roster.Permission) error {
	if p.Permissions.Has(permission) {
		return nil
	}
	return roster.Forbidden("this needs the permission " + permission.String())
}

// requireAny returns nil if the caller holds one of the permissions, and otherwise a KindForbidden error that names them.
func requireAny(p *roster.Principal, permissions ...roster.Permission) error {
	names := make([]string, len(permissions))
	for i, permission := range permissions {
		if p.Permissions.Has(permission) {
			return nil
		}
		names[i] = permission.String()
	}
	return roster.Forbidden("this needs the permission " + strings.Join(names, " or "))
}

// requireUser returns nil if the token speaks for a user, and otherwise a KindForbidden error.
func requireUser(p *roster.Principal) error {
	if p.UserScoped() {
		return nil
	}
	return roster.Forbidden("this needs a token that speaks for a user")
}

// reachedUser returns the user that was read, unless the caller does not reach it. One error, built in one place, is for
// both: the answer must not tell that somebody else's user exists.
func reachedUser(p *roster.Principal, user roster.User, err error) (roster.User, error) {
	if roster.KindOf(err) == roster.KindNotFound || err == nil && !p.Reaches(user.Path) {
		return roster.User{}, roster.NotFound("user")
	}
	if err != nil {
		return roster.User{}, err
	}
	return user, nil
}

// reachedOrganization returns an organization of the caller's tree. The caller's own is not read for its path: the token
// has it, and organizations never move.
func (d *Directory) reachedOrganization(ctx context.Context, p *roster.Principal, id roster.OrgID) (roster.OrgPath, error) {
	if id == p.Org() {
		return p.Path, nil
	}
	organization, err := d.organizations.Organization(ctx, p.Tenant, id)
	if roster.KindOf(err) == roster.KindNotFound || err == nil && !p.Reaches(organization.Path) {
		return nil, roster.NotFound("organization")
	}
	if err != nil {
		return nil, err
	}
	return organization.Path, nil
}

// mayGrant returns nil if the caller may give the role to somebody, and otherwise a KindForbidden error that names what the
// caller lacks.
func mayGrant(p *roster.Principal, role *roster.Role) error {
	if p.Permissions.Covers(role.Permissions) {
		return nil
	}
	lacking := (role.Permissions &^ p.Permissions).Names()
	return roster.Forbidden("the role " + role.Name + " holds permissions that you lack: " + strings.Join(lacking, ", "))
}

// grantable returns the role of that id, if the caller may give it to somebody. An unknown role is a KindNotFound error
// about the field role.
func (d *Directory) grantable(ctx context.Context, p *roster.Principal, id roster.RoleID) (roster.Role, error) {
	role, err := d.roles.Role(ctx, p.Tenant, id)
	if roster.KindOf(err) == roster.KindNotFound {
		return roster.Role{}, &roster.Error{
			Kind: roster.KindNotFound, Message: "role not found", Fields: []roster.FieldError{{Field: "role", Message: "names no role"}},
		}
	}
	if err != nil {
		return roster.Role{}, err
	}
	return role, mayGrant(p, &role)
}

// mayReturn returns nil if the caller may bring the user back with the roles it had.
func (d *Directory) mayReturn(ctx context.Context, p *roster.Principal, user *roster.User) error {
	for _, role := range user.Roles {
		// A role that is gone holds nothing.
		if _, err := d.grantable(ctx, p, role); err != nil && roster.KindOf(err) != roster.KindNotFound {
			return err
		}
	}
	return nil
}

// mayAlter returns nil if the caller may change what decides who the user is and what it may do.
func (d *Directory) mayAlter(ctx context.Context, p *roster.Principal, user *roster.User) error {
	if p.UserScoped() && p.User == user.ID {
		return nil
	}
	return d.mayReturn(ctx, p, user)
}

// ofCustomer returns nil if the customer that a request names is the caller's own organization, and otherwise a KindForbidden
// error, in the same words whether or not there is such a customer.
func ofCustomer(p *roster.Principal, customer roster.OrgID) error {
	if customer != p.Org() {
		return roster.Forbidden("this token is for another customer")
	}
	return nil
}

// requireCustomer is require and ofCustomer.
func requireCustomer(p *roster.Principal, permission roster.Permission, customer roster.OrgID) error {
	if err := require(p, permission); err != nil {
		return err
	}
	return ofCustomer(p, customer)
}

// memberOf returns nil if the user belongs to that very organization, and otherwise what reachedUser says of one who is not
// there.
func memberOf(user *roster.User, customer roster.OrgID) error {
	if user.Org() != customer {
		return roster.NotFound("user")
	}
	return nil
}

// sight is whom of a workspace a caller sees: everybody, or itself alone.
type sight struct {
	all bool
	// self is the caller's user, nobody (ID 0) for a token that speaks for the organization.
	self roster.User
}

// sightOf returns whom of its workspace the caller sees. That rests on a read of the caller's user, never on the replica. A user who
// has been deleted or transferred since the token was made is unauthenticated: the next token is for where the user is now.
func (d *Directory) sightOf(ctx context.Context, p *roster.Principal) (sight, error) {
	if !p.UserScoped() {
		return sight{all: true}, nil
	}
	self, err := d.oneself(ctx, p)
	if err != nil {
		return sight{}, err
	}
	if self.Org() != p.Org() {
		return sight{}, roster.Unauthenticated("the token's user belongs to another organization by now")
	}
	return sight{all: self.ViewAll || slices.Contains(self.Roles, roster.RoleAdmin), self: self}, nil
}

// notOneself returns a KindForbidden error if the user is the caller: "you cannot suspend yourself".
func notOneself(p *roster.Principal, id roster.UserID, verb string) error {
	if p.UserScoped() && p.User == id {
		return roster.Forbidden("you cannot " + verb + " yourself")
	}
	return nil
}

// keepsOwnRight returns a KindForbidden error if the user is the caller and the permissions that it is about to have lack the
// one by which the caller does this.
func keepsOwnRight(p *roster.Principal, id roster.UserID, held roster.PermissionSet, permission roster.Permission) error {
	if p.UserScoped() && p.User == id && !held.Has(permission) {
		return roster.Forbidden("you cannot take the permission " + permission.String() + " from yourself")
	}
	return nil
}
