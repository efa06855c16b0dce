package directory

import (
	"cmp"
	"context"
	"slices"

	"github.com/rosterhq/roster/internal/roster"
)

// RoleRequest is what CreateRole needs to know.
type RoleRequest struct {
	Tenant roster.TenantID
	Name   string
	// Permissions are the names of the permissions that the role holds, such as ORG_VIEW_USERS; at least one.
	Permissions []string
}

// CreateRole makes a custom role, which the Admins of the tenant can then give to users. Its id is the lowest above all that the
// tenant ever used.
//
// Broken field rules, unknown permissions among them, are a KindInvalid error, a name that another role has is roster.Taken, and an
// unknown tenant is a KindNotFound error. Two calls at the same time may both get the name: names are for people, ids count.
func (o *Operator) CreateRole(ctx context.Context, r RoleRequest) (roster.Role, error) {
	var errs roster.FieldErrors
	roster.CheckText(&errs, "name", r.Name, 1, roster.MaxName)
	permissions, unknown := roster.ParsePermissions(r.Permissions)
	for _, name := range unknown {
		errs.Add("permissions", "there is no permission "+name)
	}
	if len(r.Permissions) == 0 {
		errs.Add("permissions", "must not be empty")
	}
	if err := errs.Err(); err != nil {
		return roster.Role{}, err
	}
	roles, err := o.Roles(ctx, r.Tenant)
	if err != nil {
		return roster.Role{}, err
	}
	if slices.ContainsFunc(roles, func(one roster.Role) bool { return one.Name == r.Name }) {
		return roster.Role{}, roster.Taken("name", "the role name "+r.Name)
	}
	return o.store.CreateRole(ctx, roster.Role{Tenant: r.Tenant, Name: r.Name, Permissions: permissions, CreatedAt: o.moment()}, o.stamp)
}

// Roles returns the roles of a tenant, built-in and custom ones, in id order. An unknown tenant is a KindNotFound error.
func (o *Operator) Roles(ctx context.Context, tenant roster.TenantID) ([]roster.Role, error) {
	if err := o.mustBeTenant(ctx, tenant); err != nil {
		return nil, err
	}
	custom, err := o.store.Roles(ctx, tenant)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(custom, func(a, b roster.Role) int { return cmp.Compare(a.ID, b.ID) })
	return append(roster.BuiltinRoles(), custom...), nil
}

// AuditEntries returns a page of the audit trail of one organization, zero for the tenant's root, newest first: at most limit
// entries, 1 to roster.MaxLimit, from the cursor before on, which is the Next of the page before. An unknown organization is a
// KindNotFound error.
func (o *Operator) AuditEntries(ctx context.Context, tenant roster.TenantID, org roster.OrgID, before string, limit int) (roster.AuditPage, error) {
	org, err := o.organization(ctx, tenant, org)
	if err != nil {
		return roster.AuditPage{}, err
	}
	return o.store.AuditEntries(ctx, tenant, org, before, limit)
}
