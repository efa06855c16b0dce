package customers

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/roster"
)

// Changing is the parameters of every operation that changes one user.
type Changing struct {
	Member
	IfMatch string `header:"If-Match" doc:"Entity tags of the states that the user may be in, as ETag had them; * or no such header for any"`
}

// write returns what the use case is told of the request beside its input. The answers' tags tell of whatever the user refers
// to, too; a change is about the user itself.
func (c *Changing) write(ctx context.Context, d *dialect) roster.Write {
	w := write(ctx)
	if c.IfMatch != "" {
		w.Precondition = func(u *roster.User) bool {
			return api.MatchesState(c.IfMatch, u.Revision.Version, int64(u.StatusAt(d.now())))
		}
	}
	return w
}

// Changes is what both updates can change. What is absent stays as it is.
type Changes struct {
	FirstName     *string       `json:"firstName,omitempty" maxLength:"100" doc:"First name. One of the two names must not be empty"`
	Email         *string       `json:"email,omitempty" format:"email" minLength:"1" maxLength:"254" doc:"E-mail address, unique in the whole system in upper or lower case"`
	JobTitle      *string       `json:"jobTitle,omitempty" maxLength:"100" doc:"Job title; may be empty"`
	LastName      *string       `json:"lastName,omitempty" maxLength:"100" doc:"Last name"`
	Nickname      *string       `json:"nickname,omitempty" maxLength:"100" doc:"Nickname; may be empty"`
	RoleIDs       []string      `json:"roleIds,omitempty" nullable:"false" minItems:"1" maxItems:"20" format:"objectid" pattern:"^[0-9a-fA-F]{24}$" doc:"Ids of all roles that the user is to have, the main one first"`
	Seniority     *string       `json:"seniority,omitempty" maxLength:"100" doc:"Seniority level; may be empty"`
	Department    *string       `json:"department,omitempty" maxLength:"100" doc:"Department; may be empty"`
	Office        *string       `json:"office,omitempty" maxLength:"100" doc:"Office; may be empty"`
	Subdepartment *string       `json:"subdepartment,omitempty" maxLength:"100" doc:"Subdepartment; may be empty"`
	Pod           *string       `json:"pod,omitempty" maxLength:"100" doc:"Pod; may be empty"`
	Identities    []NewIdentity `json:"identities,omitempty" nullable:"false" maxItems:"45" doc:"All identities that the user is to have"`
}

// NewIdentity is an identity that a user is to have.
type NewIdentity struct {
	Type       string  `json:"type" enum:"aderant,auth0,azure,cisco-cdr,cisco-webex,elite,email,exchange,external-billing-system,google,intercom,juris,mixpanel,phone,phone-extension,ringcentral,salesforce,segment,user-principal-name,vitally,walls,zendesk,zoom" doc:"The other system"`
	Value      string  `json:"value" minLength:"1" maxLength:"256" doc:"What it calls the user; only one user of a customer can have it"`
	CustomerID *string `json:"customerId,omitempty" nullable:"true" format:"objectid" pattern:"^[0-9a-fA-F]{24}$" doc:"Id of the customer, if anything: an identity belongs to the one that its user belongs to"`
}

// UserUpdate is a change of a user.
type UserUpdate struct {
	DelegateIDs []string `json:"delegateIds,omitempty" nullable:"false" maxItems:"1000" format:"objectid" pattern:"^[0-9a-fA-F]{24}$" doc:"Ids of all users who may act on this one's data. Those who may already keep their permissions, the others get none"`
	Changes
}

// UserUpdateV2 is a change of a user, which can say what delegates may do.
type UserUpdateV2 struct {
	Changes
	Delegates []NewDelegate `json:"delegates,omitempty" nullable:"false" maxItems:"1000" doc:"All users who may act on this one's data"`
}

// NewDelegate is a user who may act on the data of another one.
type NewDelegate struct {
	UserID      string          `json:"userId" format:"objectid" pattern:"^[0-9a-fA-F]{24}$" doc:"User's id"`
	Permissions []NewPermission `json:"permissions" nullable:"false" doc:"What the user may do there"`
}

// NewPermission is a permission that somebody is to have.
type NewPermission struct {
	Claim string `json:"claim" minLength:"1" maxLength:"100" doc:"Service, namespace, action and scope, with colons between them"`
}

// changesOfUpdate says what both updates have in common, for their descriptions.
const changesOfUpdate = "Only fields that are present change anything; lists replace those that are there. A change that changes nothing leaves updatedAt as it is. " +
	"A user-scoped caller needs the permission ORG_EDIT_USERS, all permissions of the roles that it gives, and, to change the e-mail address, the roles, the identities or the delegates of another user, all permissions of that user's roles."

func updateOperation() api.Operation {
	return api.Operation{
		ID: "updateUser", Method: http.MethodPatch, Path: userPath, Tag: tagUsers,
		Summary:     "Update a user",
		Description: changesOfUpdate,
		FieldNames:  map[string]string{"delegates": "delegateIds"},
		Body:        UserUpdate{},
		BodyExample: exampleUpdate(),
		Success:     "The user after the change",
		Example:     exampleUser(),
		Errors:      changeErrors(nil),
	}
}

func (d *dialect) updateUser(ctx context.Context, p *roster.Principal, in *Changing) (*userOutput, error) {
	body, broken := api.Body[UserUpdate](ctx)
	return d.update(ctx, p, in, &body.Changes, broken, func(patch *roster.UserPatch) {
		patch.DelegateIDs = idsOf(&patch.Broken, "delegates", body.DelegateIDs, "user", ParseUserID)
	})
}

func updateV2Operation() api.Operation {
	return api.Operation{
		ID: "updateUserV2", Method: http.MethodPatch, Path: userPathV2, Tag: tagUsers,
		Summary:     "Update a user, with permissions of delegates",
		Description: changesOfUpdate,
		Body:        UserUpdateV2{},
		BodyExample: exampleUpdateV2(),
		Success:     "The user after the change",
		Example:     exampleUser(),
		Errors:      changeErrors(nil),
	}
}

func (d *dialect) updateUserV2(ctx context.Context, p *roster.Principal, in *Changing) (*userOutput, error) {
	body, broken := api.Body[UserUpdateV2](ctx)
	return d.update(ctx, p, in, &body.Changes, broken, func(patch *roster.UserPatch) {
		if body.Delegates == nil {
			return
		}
		delegates := make([]roster.Delegate, len(body.Delegates))
		for i, n := range body.Delegates {
			delegates[i].User = idOf(&patch.Broken, "delegates["+strconv.Itoa(i)+"].userId", n.UserID, "user", ParseUserID)
			for _, permission := range n.Permissions {
				delegates[i].Permissions = append(delegates[i].Permissions, permission.Claim)
			}
		}
		patch.Delegates = &delegates
	})
}

// update changes a user as the changes say and as more puts into the patch.
func (d *dialect) update(
	ctx context.Context, p *roster.Principal, in *Changing, changes *Changes, broken roster.FieldErrors, more func(*roster.UserPatch),
) (*userOutput, error) {
	var errs roster.FieldErrors
	customer, id := in.ids(&errs)
	patch := changes.patch(customer, append(errs, broken...))
	patch.User = id
	more(&patch)
	withoutBroken(&patch)
	if len(errs) > 0 {
		// Whose user that would be cannot be told, so nothing else can.
		return nil, patch.Broken.Err()
	}
	member, err := d.directory.PatchMember(ctx, p, customer, patch, in.write(ctx, d))
	if err != nil {
		return nil, err
	}
	return d.answer(ctx, p, customer, &member), nil
}

// patch returns the core's form of the changes, without the delegates.
func (c *Changes) patch(customer roster.OrgID, broken roster.FieldErrors) roster.UserPatch {
	patch := roster.UserPatch{
		GivenName: c.FirstName, FamilyName: c.LastName, Nickname: c.Nickname, Title: c.JobTitle,
		Seniority: c.Seniority, Department: c.Department, Office: c.Office, Subdepartment: c.Subdepartment, Pod: c.Pod,
		Broken: broken,
	}
	if c.Email != nil {
		patch.Email = new(roster.Email(*c.Email))
	}
	patch.Roles = idsOf(&patch.Broken, "roles", c.RoleIDs, "role", ParseRoleID)
	if c.Identities == nil {
		return patch
	}
	identities := make([]roster.Identity, len(c.Identities))
	for i, n := range c.Identities {
		identities[i] = roster.Identity{Type: n.Type, Value: n.Value}
		if n.CustomerID != nil && !strings.EqualFold(*n.CustomerID, OrganizationID(customer)) {
			note(&patch.Broken, "identities["+strconv.Itoa(i)+"].customerId", "must be the id of the customer")
		}
	}
	patch.Identities = &identities
	return patch
}

// withoutBroken leaves lists out of the patch of which a part is broken: there is no more to be said of them.
func withoutBroken(patch *roster.UserPatch) {
	for _, e := range patch.Broken {
		list, _, _ := strings.Cut(e.Field, "[")
		switch list {
		case "roles":
			patch.Roles = nil
		case "delegates":
			patch.Delegates, patch.DelegateIDs = nil, nil
		case "identities":
			patch.Identities = nil
		}
	}
}

// idsOf returns the ids of a list that is given, nil for one that is not.
func idsOf[T any](errs *roster.FieldErrors, field string, texts []string, noun string, parse func(string) (T, bool)) *[]T {
	if texts == nil {
		return nil
	}
	ids := make([]T, len(texts))
	for i, text := range texts {
		ids[i] = idOf(errs, field+"["+strconv.Itoa(i)+"]", text, noun, parse)
	}
	return &ids
}

// idOf returns the id that a text of the body is, and notes under field if it is none.
func idOf[T any](errs *roster.FieldErrors, field, text, noun string, parse func(string) (T, bool)) T {
	id, ok := parse(text)
	if !ok {
		note(errs, field, "must be the id of a "+noun)
	}
	return id
}

// maxBroken bounds the rules that are named as broken, so that an answer does not grow with the request.
const maxBroken = 20

// note notes that field breaks a rule, unless more is known of that.
func note(errs *roster.FieldErrors, field, rule string) {
	noted := slices.ContainsFunc(*errs, func(e roster.FieldError) bool { return e.Field == field || strings.HasPrefix(field, e.Field+".") })
	if !noted && len(*errs) < maxBroken {
		errs.Add(field, rule)
	}
}

type removeInput struct {
	Changing
	IsForwarded                 bool   `query:"isForwarded" default:"false" doc:"Whether the request was relayed, so that its first caller is another one. Without it the other three are ignored"`
	OriginalPrincipalClientID   string `query:"originalPrincipalClientId" doc:"The client that the first caller is, or uses; for the audit trail alone"`
	OriginalPrincipalCustomerID string `query:"originalPrincipalCustomerId" doc:"The first caller's customer; for the audit trail alone"`
	OriginalPrincipalUserID     string `query:"originalPrincipalUserId" doc:"The user that the first caller is; for the audit trail alone"`
}

// forwardedFor returns who first asked, as far as the request says.
func (in *removeInput) forwardedFor() string {
	if !in.IsForwarded {
		return ""
	}
	var said []string
	for _, part := range []struct{ noun, id string }{
		{"client", in.OriginalPrincipalClientID}, {"customer", in.OriginalPrincipalCustomerID}, {"user", in.OriginalPrincipalUserID},
	} {
		if part.id != "" {
			said = append(said, part.noun+":"+visible(part.id))
		}
	}
	if said == nil {
		return "unknown"
	}
	return strings.Join(said, " ")
}

// visible returns an id that is not ours with a question mark in the place of whatever is not visible ASCII, and not more of it than
// an id can have: the trail says what was said, and nobody can write lines of their own into it.
func visible(id string) string {
	const most = 100
	text := []rune(id)
	for i, r := range text {
		if r <= ' ' || r > '~' {
			text[i] = '?'
		}
	}
	return string(text[:min(len(text), most)])
}

func removeOperation() api.Operation {
	return api.Operation{
		ID: "deleteUser", Method: http.MethodDelete, Path: userPath, Tag: tagUsers,
		Summary: "Delete a user",
		Description: "The user is gone at once, and its e-mail address and identities are free. Nobody can delete themselves. " +
			"A user-scoped caller needs the permission ORG_DELETE_USERS.",
		Success: "The user as it was",
		Example: exampleUser(),
		Errors: changeErrors(map[int]string{
			http.StatusBadRequest: errInvalidParameter, http.StatusConflict: errLastAdmin,
		}),
	}
}

func (d *dialect) removeUser(ctx context.Context, p *roster.Principal, in *removeInput) (*userOutput, error) {
	var errs roster.FieldErrors
	customer, id := in.ids(&errs)
	if err := errs.Err(); err != nil {
		return nil, err
	}
	w := in.write(ctx, d)
	w.ForwardedFor = in.forwardedFor()
	member, err := d.directory.RemoveMember(ctx, p, customer, id, w)
	if err != nil {
		return nil, err
	}
	return d.answer(ctx, p, customer, &member), nil
}
