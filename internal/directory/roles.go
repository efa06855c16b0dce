package directory

import (
	"context"

	"github.com/rosterhq/roster/internal/roster"
)

// roleOf returns the user's main role.
func (d *Directory) roleOf(ctx context.Context, user *roster.User) (roster.Role, error) {
	role, err := d.roles.Role(ctx, user.Tenant, user.Role())
	if roster.KindOf(err) == roster.KindNotFound {
		return roster.Role{}, dangling("role", user, err)
	}
	return role, err
}

// Roles returns the roles that there are in the caller's tenant, built-in and custom ones, in id order. It needs the
// permission ROLE_VIEW.
func (d *Directory) Roles(ctx context.Context, p *roster.Principal) ([]roster.Role, error) {
	if err := require(p, roster.RoleView); err != nil {
		return nil, err
	}
	custom, err := d.roles.Roles(ctx, p.Tenant)
	if err != nil {
		return nil, err
	}
	return append(roster.BuiltinRoles(), custom...), nil
}
