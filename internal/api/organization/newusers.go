package organization

import (
	"context"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
)

// Address is a postal address.
type Address struct {
	FullAddress string `json:"fullAddress,omitempty" maxLength:"512" doc:"The whole address"`
	Country     string `json:"country,omitempty" maxLength:"74" doc:"Country"`
	City        string `json:"city,omitempty" maxLength:"50" doc:"City"`
	State       string `json:"state,omitempty" maxLength:"40" doc:"State or region"`
	Zip         string `json:"zip,omitempty" maxLength:"12" doc:"Postal code"`
}

// Newcomer is what both operations that create a user take.
type Newcomer struct {
	Email       string  `json:"email" format:"email" minLength:"1" maxLength:"254" doc:"E-mail address, unique in the whole system in upper or lower case"`
	Password    string  `json:"password" format:"password" minLength:"8" maxLength:"128" doc:"Password"`
	Name        string  `json:"name" minLength:"1" maxLength:"50" pattern:"^[\\p{L}\\p{M}\\- .'’]{1,50}$" doc:"Full name: letters, hyphens, spaces, dots and apostrophes"`
	Title       string  `json:"title,omitempty" minLength:"1" maxLength:"50" pattern:"^[\\p{L}\\p{M}\\- ]{1,50}$" doc:"Title or position: letters, hyphens and spaces"`
	NickName    string  `json:"nickName,omitempty" minLength:"1" maxLength:"50" pattern:"^[\\p{L}\\p{M}\\p{Nd}\\- ]{1,50}$" doc:"Nickname: letters, digits, hyphens and spaces"`
	PhoneNumber string  `json:"phoneNumber,omitempty" minLength:"1" pattern:"^\\+[0-9]{7,15}$" doc:"Phone number: a plus sign and 7 to 15 digits"`
	TimeZone    string  `json:"tz,omitempty" minLength:"1" doc:"Time zone, a name of the IANA Time Zone Database"`
	OldTimeZone string  `json:"timeZone,omitempty" minLength:"1" deprecated:"true" doc:"What tz was called once. Given both, they must be the same"`
	Address     Address `json:"address,omitzero" doc:"Postal address"`
}

// form returns the core's form of a new user, with what is wrong with the request.
func (n *Newcomer) form(broken roster.FieldErrors) roster.NewUserForm {
	if n.TimeZone != "" && n.OldTimeZone != "" && n.TimeZone != n.OldTimeZone {
		// Both names are one field, so it is given twice.
		broken.Add("timeZone", "must be the same as timeZone when both are given")
	}
	return roster.NewUserForm{
		Email: roster.Email(n.Email), Password: n.Password, Name: n.Name, Title: n.Title, Nickname: n.NickName,
		PhoneNumber: n.PhoneNumber, TimeZone: or(n.TimeZone, n.OldTimeZone),
		Address: roster.Address{
			Full: n.Address.FullAddress, Country: n.Address.Country, City: n.Address.City, State: n.Address.State, Zip: n.Address.Zip,
		},
		Broken: broken,
	}
}

// NewOwner is a user to be created with a personal organization.
type NewOwner struct {
	Newcomer
	OrganizationName string `json:"organizationName,omitempty" minLength:"3" maxLength:"100" pattern:"^[\\p{L}\\p{M}\\p{Nd} .\\-'’]{3,100}$" doc:"Name of the personal organization: letters, digits, spaces, dots, hyphens and apostrophes. If absent it is made of the user's name"`
}

// NewMember is a user to be created in an organization that stands.
type NewMember struct {
	Newcomer
	OrgID  int32 `json:"orgId" minimum:"1" doc:"Id of the organization"`
	RoleID int32 `json:"roleId" minimum:"1" doc:"Id of the user's role: 1 Admin, 2 Staff, 3 User, or a custom one"`
}

// detailsOrNothing is a user's details, or an empty object where they are not for the caller.
type detailsOrNothing struct{ *UserDetails }

// Schema returns the schema of the details: an operation that may answer nothing documents that itself.
func (detailsOrNothing) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[UserDetails](), true, "")
}

type createdOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"Changes whenever the user does"`
	api.Created
	Body detailsOrNothing
}

// created returns the answer to a creation.
func (d *dialect) created(c *directory.Creation) *createdOutput {
	status := http.StatusCreated
	if c.Existed {
		status = http.StatusOK
	}
	if c.User.ID == 0 {
		return &createdOutput{Status: status}
	}
	answer := d.answer(status, &c.User)
	return &createdOutput{
		Status: answer.Status, ETag: answer.ETag, Created: api.CreatedAs(c.Replayed), Body: detailsOrNothing{&answer.Body},
	}
}

func createOwnerOperation() api.Operation {
	return api.Operation{
		ID: "createUser", Method: http.MethodPost, Path: BasePath + "/users/create", Tag: tagUsers,
		Summary: "Create a user with a personal organization",
		Description: "Creates an organization below the caller's and a user in it, who is its Admin. " +
			"A user-scoped caller needs the permission ORG_INVITE_USERS and all permissions of the role Admin.",
		Body:        NewOwner{},
		BodyExample: exampleNewOwner(),
		Status:      http.StatusCreated,
		Success:     "The user was created",
		Example:     exampleDetails(),
		Others: map[int]api.Answer{http.StatusOK: {
			Description: "The e-mail address has an account already, and nothing was changed. The body is that user if the caller has access to it, and an empty object if not",
			Body:        UserDetails{}, MaybeEmpty: true,
			Headers:  map[string]string{"ETag": "Changes whenever the user does; absent with an empty object"},
			Examples: map[string]any{"accessible": exampleDetails(), "inaccessible": struct{}{}},
		}},
		Errors: creationErrors(nil),
	}
}

func (d *dialect) createOwner(ctx context.Context, p *roster.Principal, in *api.Creating) (*createdOutput, error) {
	body, broken := api.Body[NewOwner](ctx)
	w := write(ctx)
	w.Once = in.Once(p, "createUser", body)
	creation, err := d.directory.CreateUserWithOrganization(ctx, p, roster.NewOwnerForm{
		NewUserForm: body.form(broken), OrganizationName: body.OrganizationName,
	}, w)
	if err != nil {
		return nil, err
	}
	return d.created(&creation), nil
}

func createMemberOperation() api.Operation {
	return api.Operation{
		ID: "createUserInOrganization", Method: http.MethodPost, Path: BasePath + "/users/create-in-org", Tag: tagUsers,
		Summary: "Create a user in an organization",
		Description: "Creates a user in the caller's organization or one below it. " +
			"A user-scoped caller needs the permission ORG_INVITE_USERS and all permissions of the role that it gives.",
		Body:        NewMember{},
		BodyExample: exampleNewMember(),
		Status:      http.StatusCreated,
		Success:     "The user was created",
		Example:     exampleDetails(),
		Errors: creationErrors(map[int]string{
			http.StatusBadRequest: errInvalidBody + ". An e-mail address that has an account and a role that does not exist break a rule, too",
			http.StatusNotFound:   errNoOrganization,
		}),
	}
}

func (d *dialect) createMember(ctx context.Context, p *roster.Principal, in *api.Creating) (*createdOutput, error) {
	body, broken := api.Body[NewMember](ctx)
	w := write(ctx)
	w.Once = in.Once(p, "createUserInOrganization", body)
	creation, err := d.directory.CreateUser(ctx, p, roster.NewMemberForm{
		NewUserForm: body.form(broken), Organization: roster.OrgID(body.OrgID), Role: roster.RoleID(body.RoleID),
	}, w)
	if err != nil {
		return nil, asInvalid(err, "email", "role")
	}
	return d.created(&creation), nil
}
