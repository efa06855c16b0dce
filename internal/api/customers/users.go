package customers

import (
	"context"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
)

// User is one user, with digests of whatever it refers to.
type User struct {
	ID              string  `json:"_id" format:"objectid" pattern:"^[0-9a-f]{24}$" doc:"User's id"`
	CreatedAt       string  `json:"createdAt" format:"date-time" doc:"When the user was created"`
	IsSuperDelegate bool    `json:"isSuperDelegate" doc:"Whether the user is a delegate of every user of the customer"`
	Email           string  `json:"email" format:"email" doc:"E-mail address, used for login"`
	FirstName       string  `json:"firstName" doc:"First name"`
	JobTitle        string  `json:"jobTitle" doc:"Job title; may be empty"`
	LastName        string  `json:"lastName" doc:"Last name; may be empty"`
	Nickname        string  `json:"nickname" doc:"Nickname; may be empty"`
	UpdatedAt       string  `json:"updatedAt" format:"date-time" doc:"When the user was last updated"`
	Status          *Status `json:"status" doc:"adminDisabled: suspended by an administrator. null: the user has been invited and has not accepted yet. Nobody is firmDisabled"`
	Seniority       string  `json:"seniority,omitempty" doc:"Seniority level; absent if there is none"`
	Department      string  `json:"department,omitempty" doc:"Department; absent if there is none"`
	Office          string  `json:"office,omitempty" doc:"Office; absent if there is none"`
	Subdepartment   string  `json:"subdepartment,omitempty" doc:"Subdepartment; absent if there is none"`
	Pod             string  `json:"pod,omitempty" doc:"Pod; absent if there is none"`

	GroupIDs                 []string              `json:"groupIds" nullable:"false" format:"objectid" doc:"Ids of the groups that the user belongs to"`
	SuperDelegatePermissions []PermissionDigest    `json:"superDelegatePermissions" nullable:"false" doc:"What the user may do as a super delegate"`
	Customer                 CustomerDigest        `json:"customer" doc:"The customer that the user belongs to"`
	Delegators               []DelegatorUserDigest `json:"delegators" nullable:"false" doc:"The users on whose data this one may act: the first 1000 by id"`
	Delegates                []DelegateUserDigest  `json:"delegates" nullable:"false" doc:"The users who may act on this one's data"`
	Identities               []Identity            `json:"identities" nullable:"false" doc:"What other systems call the user"`
	Roles                    []RoleDigest          `json:"roles" nullable:"false" doc:"The user's roles, the main one first"`
}

// Status is the state of a user's account.
type Status string

const (
	statusActive        Status = "active"
	statusAdminDisabled Status = "adminDisabled"
	statusFirmDisabled  Status = "firmDisabled"
)

// Schema returns the schema of a status, or none.
func (Status) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Nullable: true, Enum: []any{string(statusActive), string(statusAdminDisabled), string(statusFirmDisabled), nil}}
}

// UserIntegrationProjection is a user as an integration with another system sees it.
type UserIntegrationProjection struct {
	ID                 string     `json:"_id" format:"objectid" pattern:"^[0-9a-f]{24}$" doc:"User's id"`
	Email              string     `json:"email" format:"email" doc:"E-mail address, used for login"`
	Name               *string    `json:"name" doc:"First and last name; null if the user has neither"`
	RelevantIdentities []Identity `json:"relevantIdentities" nullable:"false" minItems:"1" doc:"What the other system calls the user"`
}

// userList is the users of a customer, in one of two forms.
type userList struct{ *api.List }

// Schema returns the schema of both forms. An empty list is of both.
func (userList) Schema(r huma.Registry) *huma.Schema {
	array := func(t reflect.Type) *huma.Schema {
		return &huma.Schema{Type: huma.TypeArray, Items: r.Schema(t, true, "")}
	}
	return &huma.Schema{AnyOf: []*huma.Schema{array(reflect.TypeFor[User]()), array(reflect.TypeFor[UserIntegrationProjection]())}}
}

type listInput struct {
	Customer
	Search      string `query:"search" maxLength:"255" example:"john" doc:"Text to find in first and last names, nicknames and e-mail addresses, in upper or lower case; all users if absent or empty"`
	Integration string `query:"integration" enum:"cloud-assistant-cdr,cloud-assistant-google,cloud-assistant-microsoft-exchange,cloud-assistant-microsoft-teams,cloud-assistant-zoom" doc:"An integration. Given one, the answer has the users whom it knows, and what it needs of them"`
}

type listOutput struct{ Body userList }

func listOperation() api.Operation {
	return api.Operation{
		ID: "listUsers", Method: http.MethodGet, Path: usersPath, Tag: tagUsers,
		Summary: "List users",
		Description: "All users of the customer, or those that the search finds, by id. With integration, those who have an identity that the integration knows. " +
			"The answer is whole, and has a largest size: a list that would be larger is refused, and the search is to be narrowed. " +
			"A user-scoped caller needs the permission ORG_VIEW_USERS.",
		Success: "The users, as UserIntegrationProjection with integration and as User without",
		Example: []any{exampleUser()},
		Errors: readErrors(map[int]string{
			http.StatusBadRequest: errInvalidParameter + ". Or the list is too large; the message says so",
		}),
	}
}

func (d *dialect) listUsers(ctx context.Context, p *roster.Principal, in *listInput) (*listOutput, error) {
	var errs roster.FieldErrors
	customer := in.customer(&errs)
	if err := errs.Err(); err != nil {
		return nil, err
	}
	list := api.NewList(api.MaxAnswer)
	full := false
	var digests *digests
	err := d.directory.EachMember(ctx, p, customer, in.Search, func(m directory.Member) bool {
		if in.Integration != "" {
			projection, relevant := wireProjection(customer, &m.User, in.Integration)
			full = relevant && !list.Add(projection)
			return !full
		}
		if digests == nil {
			digests = d.digests(p, customer, m.View)
		}
		full = !list.Add(digests.user(&m.User))
		return !full
	})
	if err != nil {
		return nil, err
	}
	d.api.NoteReplicaAge(ctx, p.Tenant)
	if full {
		return nil, roster.Invalid("query", "finds more users than fit into one answer: narrow the search")
	}
	return &listOutput{Body: userList{list}}, nil
}

type userInput struct {
	Member
	IfNoneMatch string `header:"If-None-Match" doc:"Entity tags of answers that the caller has"`
}

type userOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"Changes whenever the answer does"`
	Body   User
}

func userOperation() api.Operation {
	return api.Operation{
		ID: "getUser", Method: http.MethodGet, Path: userPath, Tag: tagUsers,
		Summary:     "Get a user",
		Description: "One user of the customer. A user-scoped caller needs the permission ORG_VIEW_USERS.",
		Success:     "The user",
		Example:     exampleUser(),
		NotModified: true,
		Errors:      readErrors(map[int]string{http.StatusNotFound: errNoUser}),
	}
}

func (d *dialect) user(ctx context.Context, p *roster.Principal, in *userInput) (*userOutput, error) {
	var errs roster.FieldErrors
	customer, id := in.ids(&errs)
	if err := errs.Err(); err != nil {
		return nil, err
	}
	member, err := d.directory.Member(ctx, p, customer, id)
	if err != nil {
		return nil, err
	}
	answer := d.answer(ctx, p, customer, &member)
	if api.NotModified(in.IfNoneMatch, answer.ETag) {
		return &userOutput{Status: http.StatusNotModified, ETag: answer.ETag}, nil
	}
	return answer, nil
}

type lookupInput struct {
	Customer
	Type  string `query:"type" required:"true" enum:"aderant,auth0,azure,cisco-cdr,cisco-webex,elite,email,exchange,external-billing-system,google,intercom,juris,mixpanel,phone,phone-extension,ringcentral,salesforce,segment,user-principal-name,vitally,walls,zendesk,zoom" doc:"Type of the identity: the other system"`
	Value string `query:"value" required:"true" minLength:"1" maxLength:"256" example:"9876" doc:"What the other system calls the user"`
}

// FoundIdentity is an identity and who has it.
type FoundIdentity struct {
	Identity
	UserID string `json:"userId" format:"objectid" pattern:"^[0-9a-f]{24}$" doc:"Id of the user who has the identity"`
}

type lookupOutput struct{ Body FoundIdentity }

func lookupOperation() api.Operation {
	return api.Operation{
		ID: "lookUpIdentity", Method: http.MethodGet, Path: lookupPath, Tag: tagUsers,
		Summary:     "Look up an identity",
		Description: "Who of the customer's users has an identity, as it is written. A user-scoped caller needs the permission ORG_VIEW_USERS.",
		Success:     "The identity and who has it",
		Example:     FoundIdentity{Identity: exampleIdentity(), UserID: exampleUser().ID},
		Errors:      readErrors(map[int]string{http.StatusNotFound: "None of the customer's users has the identity"}),
	}
}

func (d *dialect) lookUp(ctx context.Context, p *roster.Principal, in *lookupInput) (*lookupOutput, error) {
	var errs roster.FieldErrors
	customer := in.customer(&errs)
	if err := errs.Err(); err != nil {
		return nil, err
	}
	identity := roster.Identity{Type: in.Type, Value: in.Value}
	id, err := d.directory.MemberByIdentity(ctx, p, customer, identity)
	if err != nil {
		return nil, err
	}
	return &lookupOutput{Body: FoundIdentity{Identity: wireIdentity(OrganizationID(customer), identity), UserID: UserID(id)}}, nil
}
