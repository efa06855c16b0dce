package directory

import (
	"context"
	"fmt"

	"github.com/rosterhq/roster/internal/roster"
)

// Profile is a user as the user sees itself, with the names of what it refers to.
type Profile struct {
	User         roster.User
	Role         roster.Role // the user's main role
	Organization roster.Organization
}

// Profile returns the profile of the user that the token speaks for. A caller that is not user-scoped is forbidden; one
// whose user has been deleted since the token was made is unauthenticated.
func (d *Directory) Profile(ctx context.Context, p *roster.Principal) (Profile, error) {
	user, err := d.oneself(ctx, p)
	if err != nil {
		return Profile{}, err
	}
	role, err := d.roleOf(ctx, &user)
	if err != nil {
		return Profile{}, err
	}
	organization, err := d.organizationOf(ctx, &user)
	if err != nil {
		return Profile{}, err
	}
	return Profile{User: user, Role: role, Organization: organization}, nil
}

// oneself returns the user that the token speaks for.
func (d *Directory) oneself(ctx context.Context, p *roster.Principal) (roster.User, error) {
	if err := requireUser(p); err != nil {
		return roster.User{}, err
	}
	user, err := d.users.User(ctx, p.Tenant, p.User)
	return user, standing(err)
}

// standing returns the error of a read or write of the token's own user: that the user is not there is for the caller an end of
// the token.
func standing(err error) error {
	if roster.KindOf(err) == roster.KindNotFound {
		return &roster.Error{Kind: roster.KindUnauthenticated, Message: "the token's user is no longer there", Cause: err}
	}
	return err
}

// ListUsers returns a page of the users of the caller's organization, and with subtree of everything below it too, in id
// order. It needs the permission ORG_VIEW_USERS.
func (d *Directory) ListUsers(ctx context.Context, p *roster.Principal, subtree bool, page roster.Page) (roster.UserPage, error) {
	return d.find(ctx, p, roster.Query{Scope: roster.Scope{Org: p.Org(), Subtree: subtree}, Page: page})
}

// SearchUsers answers q over the caller's organization and everything below it, whatever q.Scope says: a search is how
// one finds a user whose organization one does not know. It needs the permission ORG_VIEW_USERS.
func (d *Directory) SearchUsers(ctx context.Context, p *roster.Principal, q roster.Query) (roster.UserPage, error) {
	q.Scope = roster.Scope{Org: p.Org(), Subtree: true}
	return d.find(ctx, p, q)
}

func (d *Directory) find(ctx context.Context, p *roster.Principal, q roster.Query) (roster.UserPage, error) {
	if err := require(p, roster.OrgViewUsers); err != nil {
		return roster.UserPage{}, err
	}
	if err := q.Validate(); err != nil {
		return roster.UserPage{}, err
	}
	return d.search.SearchUsers(ctx, p.Tenant, q)
}

// User returns one user of the caller's organization or of anything below it, as the table has it now: one read of one
// item, since a user carries the path it stands at. It needs the permission ORG_VIEW_USERS.
func (d *Directory) User(ctx context.Context, p *roster.Principal, id roster.UserID) (roster.User, error) {
	if err := require(p, roster.OrgViewUsers); err != nil {
		return roster.User{}, err
	}
	if err := validUserID(id); err != nil {
		return roster.User{}, err
	}
	user, err := d.users.User(ctx, p.Tenant, id)
	return reachedUser(p, user, err)
}

func validUserID(id roster.UserID) error {
	var errs roster.FieldErrors
	roster.CheckUserID(&errs, id)
	return errs.Err()
}

// dangling is the error for a stored reference that leads nowhere. It is our fault, never the caller's, so it must not
// travel on as the KindNotFound that the port reported.
func dangling(what string, user *roster.User, err error) error {
	return &roster.Error{
		Kind:    roster.KindInternal,
		Message: fmt.Sprintf("reading the %s of user %s of tenant %s", what, user.ID, user.Tenant),
		Cause:   err,
	}
}
