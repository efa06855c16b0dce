package dynamo

import (
	"context"

	"github.com/rosterhq/roster/internal/roster"
)

// CreateTenant writes a new tenant in one transaction and returns it as stored: its root organization, its first user with
// claims and password, and its first client, each tied to the others whatever it says of tenant and path. A zero
// organization ID is assigned a random one, and another when it collides with any tenant's; so is a zero user ID. A
// credential without a hash and a client without an ID are not written.
//
// A given id, an e-mail address or a client id that is taken is a KindConflict error.
func (t *Table) CreateTenant(ctx context.Context, n roster.NewTenant, stamp roster.Stamp) (roster.NewTenant, error) {
	var created roster.NewTenant
	assigned, assignedAdmin := n.Organization.ID == 0, n.Admin.ID == 0
	err := untilFree(func() error {
		if assigned {
			n.Organization.ID = t.ids.NewOrgID()
		}
		if assignedAdmin {
			n.Admin.ID = t.ids.NewUserID()
		}
		tenant, legs, err := t.tenantLegs(n, assigned, stamp)
		if err != nil {
			return err
		}
		created = tenant
		return t.transact(ctx, legs...)
	})
	if err != nil {
		return roster.NewTenant{}, err
	}
	t.standing.remember(created.Organization.Tenant, created.Organization.Path)
	return created, nil
}

// tenantLegs ties the parts of a tenant together, whose ids are all set, and returns it with the legs that write it.
func (t *Table) tenantLegs(n roster.NewTenant, assigned bool, stamp roster.Stamp) (roster.NewTenant, []leg, error) {
	tenant := roster.TenantID(n.Organization.ID)
	path := roster.OrgPath{tenant.Root()}

	n.Organization.Tenant, n.Organization.Path = tenant, path
	organization, founding, err := t.organizationLeg(n.Organization, assigned, stamp)
	if err != nil {
		return roster.NewTenant{}, nil, err
	}
	n.Organization = organization
	legs := []leg{founding}

	n.Admin.Tenant, n.Admin.Path = tenant, path
	newcomer := roster.NewUser{User: n.Admin}
	if n.Credential.PasswordHash != "" {
		n.Credential.Tenant, n.Credential.User = tenant, n.Admin.ID
		newcomer.Credential = &n.Credential
	}
	// In a tenant that is new every user id is free: only the organization's can collide.
	admin, adminLegs, err := t.userLegs(newcomer, false, stamp)
	if err != nil {
		return roster.NewTenant{}, nil, err
	}
	n.Admin = admin
	legs = append(legs, adminLegs...)

	if n.Client.ID != "" {
		n.Client.Tenant, n.Client.Path = tenant, path
		n.Client = t.newClient(n.Client, stamp)
		client, err := t.clientLegs(&n.Client)
		if err != nil {
			return roster.NewTenant{}, nil, err
		}
		legs = append(legs, client...)
	}
	return n, legs, nil
}
