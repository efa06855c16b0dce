package directory

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rosterhq/roster/internal/roster"
)

// Creation is what became of a request to create a user.
type Creation struct {
	// User is the user as it was created.
	User roster.User
	// Existed is set if the e-mail address has an account already, and nothing was written. User is that account if the
	// caller reaches it, and nobody (ID 0) if not.
	Existed bool
	// Replayed is set if it was created before, by the same request under the same Once; User is what it was then.
	Replayed bool
}

// createTries bounds how often CreateUserWithOrganization begins anew because an address that was taken is free after all.
const createTries = 3

// CreateUserWithOrganization creates an organization below the caller's and its first user, an Admin, in one write. An
// e-mail address that has an account is no error: nothing is changed, and Existed says so. It needs the permission
// ORG_INVITE_USERS, and all that the role Admin holds.
func (d *Directory) CreateUserWithOrganization(ctx context.Context, p *roster.Principal, form roster.NewOwnerForm, w roster.Write) (Creation, error) {
	if err := require(p, roster.OrgInviteUsers); err != nil {
		return Creation{}, err
	}
	if err := form.Validate(); err != nil {
		return Creation{}, err
	}
	if err := roomBelow(p.Path, "organization"); err != nil {
		return Creation{}, err
	}
	if _, err := d.grantable(ctx, p, roster.RoleAdmin); err != nil {
		return Creation{}, err
	}
	organization := roster.Organization{Tenant: p.Tenant, Path: slices.Clone(p.Path), Name: form.NameOfOrganization()}
	n, err := d.newUser(p, &form.NewUserForm, p.Path, roster.RoleAdmin)
	if err != nil {
		return Creation{}, err
	}
	for range createTries {
		created, user, replayed, err := d.writes.CreateUserWithOrganization(ctx, organization, n, stamp(p, &w), w.Once)
		if err == nil {
			d.apply(p.Tenant, roster.Change{Organization: &created}, roster.Change{User: &user})
			return Creation{User: user, Replayed: replayed}, nil
		}
		if !takenEmail(err) {
			return Creation{}, err
		}
		existing, err := d.accountOf(ctx, p, form.Email)
		if err == nil {
			return Creation{User: existing, Existed: true}, nil
		}
		if roster.KindOf(err) != roster.KindNotFound {
			return Creation{}, err
		}
	}
	return Creation{}, roster.Unavailable("the e-mail address is given away and back, try again shortly", fmt.Errorf("no luck in %d tries", createTries))
}

// accountOf returns the user who holds the address, nobody if the caller does not reach it, and a KindNotFound error if
// there is none.
func (d *Directory) accountOf(ctx context.Context, p *roster.Principal, email roster.Email) (roster.User, error) {
	tenant, id, err := d.users.EmailOwner(ctx, email)
	if err != nil {
		return roster.User{}, err
	}
	// The same read for an account of another tenant, where it finds nobody: what a request cost must not tell the caller
	// which of the two it was.
	user, err := d.users.User(ctx, p.Tenant, id)
	if tenant != p.Tenant {
		return roster.User{}, nil
	}
	if err != nil || p.Reaches(user.Path) {
		return user, err
	}
	return roster.User{}, nil
}

// CreateUser creates a user in an organization of the caller's tree. An e-mail address that has an account is
// roster.Taken. It needs the permission ORG_INVITE_USERS, and all that the role holds.
func (d *Directory) CreateUser(ctx context.Context, p *roster.Principal, form roster.NewMemberForm, w roster.Write) (Creation, error) {
	if err := require(p, roster.OrgInviteUsers); err != nil {
		return Creation{}, err
	}
	if err := form.Validate(); err != nil {
		return Creation{}, err
	}
	path, err := d.reachedOrganization(ctx, p, form.Organization)
	if err != nil {
		return Creation{}, err
	}
	role, err := d.grantable(ctx, p, form.Role)
	if err != nil {
		return Creation{}, err
	}
	n, err := d.newUser(p, &form.NewUserForm, path, role.ID)
	if err != nil {
		return Creation{}, err
	}
	user, replayed, err := d.writes.CreateUser(ctx, n, stamp(p, &w), w.Once)
	if err != nil {
		return Creation{}, err
	}
	d.apply(p.Tenant, roster.Change{User: &user})
	return Creation{User: user, Replayed: replayed}, nil
}

// newUser returns the user that a valid form describes, with its password hashed. It is slow, so it comes last.
func (d *Directory) newUser(p *roster.Principal, form *roster.NewUserForm, path roster.OrgPath, role roster.RoleID) (roster.NewUser, error) {
	hash, err := d.hashPassword(form.Password)
	if err != nil {
		return roster.NewUser{}, fmt.Errorf("hashing a password: %w", err)
	}
	user := form.User()
	user.Tenant, user.Path, user.Roles = p.Tenant, slices.Clone(path), []roster.RoleID{role}
	// Whoever creates an account with a password has taken it up for the person.
	user.RegisteredAt = d.moment()
	return roster.NewUser{User: user, Credential: &roster.Credential{Tenant: p.Tenant, PasswordHash: hash}}, nil
}

// takenEmail reports whether a write failed because somebody holds the e-mail address.
func takenEmail(err error) bool {
	e, ok := errors.AsType[*roster.Error](err)
	return ok && e.Kind == roster.KindConflict && len(e.Fields) > 0 && e.Fields[0].Field == "email"
}

// stamp returns the stamp of a write of the caller.
func stamp(p *roster.Principal, w *roster.Write) roster.Stamp {
	stamp := p.Stamp(w.Via, w.RequestID)
	stamp.ForwardedFor = w.ForwardedFor
	return stamp
}
