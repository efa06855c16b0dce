package directory

import (
	"context"
	"slices"
	"strconv"

	"github.com/rosterhq/roster/internal/roster"
)

// organizationOf returns the organization that the user belongs to.
func (d *Directory) organizationOf(ctx context.Context, user *roster.User) (roster.Organization, error) {
	organization, err := d.organizations.Organization(ctx, user.Tenant, user.Org())
	if roster.KindOf(err) == roster.KindNotFound {
		return roster.Organization{}, dangling("organization", user, err)
	}
	return organization, err
}

// Organizations returns a page of the organizations of the caller's tree, its own included, in id order. It needs the
// permission ORG_VIEW.
func (d *Directory) Organizations(ctx context.Context, p *roster.Principal, page roster.Page) (roster.OrganizationPage, error) {
	if err := require(p, roster.OrgView); err != nil {
		return roster.OrganizationPage{}, err
	}
	if err := (&roster.Query{Page: page}).Validate(); err != nil {
		return roster.OrganizationPage{}, err
	}
	return d.search.Organizations(ctx, p.Tenant, p.Org(), page)
}

// CreateOrganization creates an organization below one of the caller's tree. The second result is set if it was created
// before, by the same request under the same Once. It needs the permission ORG_CREATE.
func (d *Directory) CreateOrganization(ctx context.Context, p *roster.Principal, form roster.NewOrganizationForm, w roster.Write) (roster.Organization, bool, error) {
	if err := require(p, roster.OrgCreate); err != nil {
		return roster.Organization{}, false, err
	}
	if err := form.Validate(); err != nil {
		return roster.Organization{}, false, err
	}
	if form.Parent == 0 {
		form.Parent = p.Org()
	}
	parent, err := d.reachedOrganization(ctx, p, form.Parent)
	if err != nil {
		return roster.Organization{}, false, err
	}
	if err := roomBelow(parent, "parent"); err != nil {
		return roster.Organization{}, false, err
	}
	organization := roster.Organization{Tenant: p.Tenant, Path: slices.Clone(parent), Name: form.Name}
	created, replayed, err := d.writes.CreateOrganization(ctx, organization, stamp(p, &w), w.Once)
	if err != nil {
		return roster.Organization{}, false, err
	}
	d.apply(p.Tenant, roster.Change{Organization: &created})
	return created, replayed, nil
}

// roomBelow returns a KindInvalid error about the field if the tree can go no deeper there.
func roomBelow(parent roster.OrgPath, field string) error {
	if len(parent) < roster.MaxDepth {
		return nil
	}
	return roster.Invalid(field, "must be less than "+strconv.Itoa(roster.MaxDepth)+" levels deep")
}
