package organization

import (
	"context"
	"net/http"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/roster"
)

// Organization is one organization.
type Organization struct {
	ID        int32  `json:"id" minimum:"1" doc:"Organization id"`
	Name      string `json:"name" doc:"Name"`
	ParentID  int32  `json:"parentId,omitempty" minimum:"1" doc:"Id of the organization above; absent for the caller's own"`
	CreatedAt int64  `json:"createdAt,omitempty" doc:"When the organization was created, in Unix epoch milliseconds"`
}

// wireOrganization returns the organization as the caller may see it: what is above its own is none of its business.
func wireOrganization(p *roster.Principal, o *roster.Organization) Organization {
	wire := Organization{ID: int32(o.ID), Name: o.Name, ParentID: int32(o.Parent()), CreatedAt: wireTime(o.CreatedAt)}
	if o.ID == p.Org() {
		wire.ParentID = 0
	}
	return wire
}

// NewOrganization is an organization to be created.
type NewOrganization struct {
	Name     string `json:"name" minLength:"3" maxLength:"100" pattern:"^[\\p{L}\\p{M}\\p{Nd} .\\-'’]{3,100}$" doc:"Name: letters, digits, spaces, dots, hyphens and apostrophes"`
	ParentID int32  `json:"parentId,omitempty" minimum:"1" doc:"Id of the organization to create it under; the caller's own if absent"`
}

type createdOrganizationOutput struct {
	api.Created
	Body Organization
}

func createOrganizationOperation() api.Operation {
	return api.Operation{
		ID: "createOrganization", Method: http.MethodPost, Path: BasePath + "/create", Tag: tagOrganizations,
		Summary: "Create a sub-organization",
		Description: "Creates an organization below the caller's or below one that is below it. " +
			"A user-scoped caller needs the permission ORG_CREATE.",
		Body:        NewOrganization{},
		BodyExample: NewOrganization{Name: "Sales", ParentID: 703},
		Status:      http.StatusCreated,
		Success:     "The organization was created",
		Example:     exampleOrganization(),
		Errors:      creationErrors(map[int]string{http.StatusNotFound: errNoOrganization}),
	}
}

func (d *dialect) createOrganization(ctx context.Context, p *roster.Principal, in *api.Creating) (*createdOrganizationOutput, error) {
	body, broken := api.Body[NewOrganization](ctx)
	w := write(ctx)
	w.Once = in.Once(p, "createOrganization", body)
	created, replayed, err := d.directory.CreateOrganization(ctx, p, roster.NewOrganizationForm{
		Name: body.Name, Parent: roster.OrgID(body.ParentID), Broken: broken,
	}, w)
	if err != nil {
		return nil, err
	}
	return &createdOrganizationOutput{Created: api.CreatedAs(replayed), Body: wireOrganization(p, &created)}, nil
}

// OrganizationPage is one page of organizations.
type OrganizationPage struct {
	Content       []Organization `json:"content" nullable:"false" maxItems:"1000" doc:"The organizations on this page"`
	TotalElements int64          `json:"totalElements" minimum:"0" doc:"How many organizations there are on all pages together"`
}

type organizationsOutput struct{ Body OrganizationPage }

func organizationsOperation() api.Operation {
	return api.Operation{
		ID: "listOrganizations", Method: http.MethodGet, Path: BasePath + "/organizations", Tag: tagOrganizations,
		Summary: "List organizations",
		Description: "The caller's organization and every organization below it, by organization id. " +
			"A user-scoped caller needs the permission ORG_VIEW.",
		Success: "List of organizations",
		Example: OrganizationPage{Content: []Organization{exampleOrganization()}, TotalElements: 1},
		Errors:  map[int]string{http.StatusBadRequest: errInvalidParameter, http.StatusForbidden: errForbidden},
	}
}

func (d *dialect) organizations(ctx context.Context, p *roster.Principal, in *Paging) (*organizationsOutput, error) {
	found, err := d.directory.Organizations(ctx, p, in.page())
	if err != nil {
		return nil, err
	}
	d.api.NoteReplicaAge(ctx, p.Tenant)
	page := OrganizationPage{Content: make([]Organization, len(found.Organizations)), TotalElements: int64(found.Total)}
	for i := range found.Organizations {
		page.Content[i] = wireOrganization(p, &found.Organizations[i])
	}
	return &organizationsOutput{Body: page}, nil
}
