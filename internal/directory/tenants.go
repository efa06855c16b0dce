package directory

import (
	"context"

	"github.com/rosterhq/roster/internal/roster"
)

// tenantStore is what tenants and their trees are founded in.
type tenantStore interface {
	Organizations
	// CreateTenant stores a new tenant, all of it or nothing, and returns it as stored. A zero organization id is
	// assigned, and with it the tenant of everything; so is a zero user id. An e-mail address that somebody has is a
	// KindConflict error.
	CreateTenant(ctx context.Context, tenant roster.NewTenant, stamp roster.Stamp) (roster.NewTenant, error)
	// CreateOrganization stores a new organization and returns it as stored. A zero id is assigned, and put at the end
	// of Path, which is then the path of the parent. An operator has no use for once and the second result: see Writes.
	CreateOrganization(ctx context.Context, organization roster.Organization, stamp roster.Stamp, once *roster.Once) (roster.Organization, bool, error)
}

// TenantRequest is what CreateTenant needs to know.
type TenantRequest struct {
	// Name is the root organization's name.
	Name       string
	AdminName  string
	AdminEmail roster.Email
	Password   string
	// ClientName is the name of the first API client.
	ClientName string
}

// CreateTenant founds a tenant: its root organization, its first Admin, who can log in at once, and a first API client
// with the organization's rights. All of it is written in one transaction or nothing is. It returns the client's
// secret, which is kept nowhere and can never be told again.
//
// Broken field rules are one KindInvalid error that names all of them; an e-mail address that somebody in the system
// has already is a KindConflict error.
func (o *Operator) CreateTenant(ctx context.Context, r TenantRequest) (tenant roster.NewTenant, secret string, err error) {
	if err := r.validate(); err != nil {
		return roster.NewTenant{}, "", err
	}
	password, err := o.hashPassword(r.Password)
	if err != nil {
		return roster.NewTenant{}, "", err
	}
	id, err := o.newClientID()
	if err != nil {
		return roster.NewTenant{}, "", err
	}
	secret, hash := o.newClientSecret()
	now := o.moment()
	given, family := roster.SplitName(r.AdminName)
	tenant, err = o.store.CreateTenant(ctx, roster.NewTenant{
		Organization: roster.Organization{Name: r.Name, CreatedAt: now},
		Admin: roster.User{
			Email: r.AdminEmail, Name: r.AdminName, GivenName: given, FamilyName: family,
			Roles: []roster.RoleID{roster.RoleAdmin}, Status: roster.StatusActive,
			CreatedAt: now, UpdatedAt: now, RegisteredAt: now,
		},
		Credential: roster.Credential{PasswordHash: password, ChangedAt: now},
		Client:     roster.Client{ID: id, Name: r.ClientName, SecretHash: hash, CreatedAt: now},
	}, o.stamp)
	if err != nil {
		return roster.NewTenant{}, "", err
	}
	return tenant, secret, nil
}

func (r *TenantRequest) validate() error {
	var errs roster.FieldErrors
	roster.CheckText(&errs, "organization", r.Name, 1, roster.MaxOrgName)
	roster.CheckText(&errs, "adminName", r.AdminName, 1, roster.MaxName)
	roster.CheckEmail(&errs, "adminEmail", r.AdminEmail)
	roster.CheckPassword(&errs, "password", r.Password)
	roster.CheckText(&errs, "clientName", r.ClientName, 1, roster.MaxShortText)
	return errs.Err()
}

// CreateOrganization founds an organization below parent. An unknown parent is a KindNotFound error, a parent that is
// too deep in the tree to have organizations below it a KindInvalid one.
func (o *Operator) CreateOrganization(ctx context.Context, tenant roster.TenantID, parent roster.OrgID, name string) (roster.Organization, error) {
	var errs roster.FieldErrors
	roster.CheckText(&errs, "name", name, 1, roster.MaxOrgName)
	if err := errs.Err(); err != nil {
		return roster.Organization{}, err
	}
	above, err := o.store.Organization(ctx, tenant, parent)
	if err != nil {
		return roster.Organization{}, err
	}
	if len(above.Path) >= roster.MaxDepth {
		return roster.Organization{}, roster.Invalid("parent", "is as deep in the tree as organizations go")
	}
	created, _, err := o.store.CreateOrganization(ctx, roster.Organization{
		Tenant: tenant, Name: name, Path: above.Path, CreatedAt: o.moment(),
	}, o.stamp, nil)
	return created, err
}
