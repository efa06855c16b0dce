package organization

import (
	"context"
	"net/http"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/roster"
)

// Invitee is a person to be invited.
type Invitee struct {
	Email  string `json:"email" format:"email" minLength:"1" maxLength:"254" doc:"E-mail address to invite. It must not have an account yet, unless that is Pending in the same organization"`
	Name   string `json:"name" minLength:"1" maxLength:"50" pattern:"^[^/\\\\<>]{1,50}$" doc:"Full name, without slashes, backslashes, < and >. The person can change it when accepting"`
	RoleID int32  `json:"roleId" minimum:"1" doc:"Id of the user's role: 1 Admin, 2 Staff, 3 User, or a custom one"`
	OrgID  int32  `json:"orgId,omitempty" minimum:"1" doc:"Id of the organization; the caller's own if absent"`
	Locale string `json:"locale,omitempty" minLength:"1" pattern:"^[a-z]{2}_[A-Z]{2}$" doc:"Language and region of the mail and of the page that it leads to"`
}

func inviteOperation() api.Operation {
	return api.Operation{
		ID: "inviteUser", Method: http.MethodPost, Path: BasePath + "/users/invite", Tag: tagInvitations,
		Summary: "Invite a user",
		Description: "Makes a user who is Pending, and mails the person a link to accept the invitation, which sets the password and makes the user Active. " +
			"Inviting a user who is Pending in that organization again gives it the name and the role of the new invitation, mails a new link and ends the older ones. " +
			"A user-scoped caller needs the permission ORG_INVITE_USERS and all permissions of the role that it gives.",
		Body:        Invitee{},
		BodyExample: Invitee{Email: "john@example.com", Name: "John Doe", RoleID: 3, OrgID: 703, Locale: "en_US"},
		Status:      http.StatusCreated,
		Success:     "The user was invited",
		Example:     exampleInvited(),
		Errors: creationErrors(map[int]string{
			http.StatusBadRequest:      errInvalidBody + ". An e-mail address that has an account and a role that does not exist break a rule, too",
			http.StatusNotFound:        errNoOrganization,
			http.StatusTooManyRequests: errTooManyMails,
		}),
	}
}

func (d *dialect) invite(ctx context.Context, p *roster.Principal, in *api.Creating) (*createdOutput, error) {
	body, broken := api.Body[Invitee](ctx)
	w := write(ctx)
	w.Once = in.Once(p, "inviteUser", body)
	creation, err := d.directory.InviteUser(ctx, p, roster.InvitationForm{
		Email: roster.Email(body.Email), Name: body.Name, Role: roster.RoleID(body.RoleID), Organization: roster.OrgID(body.OrgID),
		Locale: body.Locale, Broken: broken,
	}, w)
	if err != nil {
		return nil, asInvalid(err, "email", "role")
	}
	return d.created(&creation), nil
}

// Recipient is an address to mail a link to.
type Recipient struct {
	Email  string `json:"email" format:"email" minLength:"1" maxLength:"254" doc:"E-mail address to mail the link to"`
	Locale string `json:"locale,omitempty" minLength:"1" pattern:"^[a-z]{2}_[A-Z]{2}$" doc:"Language and region of the mail and of the page that it leads to"`
}

// form returns the core's form of a request for a mail.
func (r *Recipient) form(broken roster.FieldErrors) roster.MailForm {
	return roster.MailForm{Email: roster.Email(r.Email), Locale: r.Locale, Broken: broken}
}

func registerOperation() api.Operation {
	return api.Operation{
		ID: "registerUser", Method: http.MethodPost, Path: BasePath + "/users/register", Tag: tagInvitations,
		Summary: "Mail a link to sign up",
		Description: "Mails a link by which a person enters a name and a password, and so makes a user with a personal organization below the caller's. " +
			"The answer is the same for an address that has an account already, to which nothing is mailed. " +
			"A user-scoped caller needs the permission ORG_INVITE_USERS and all permissions of the role Admin.",
		Body:        Recipient{},
		BodyExample: Recipient{Email: "john@example.com", Locale: "en_US"},
		Status:      http.StatusNoContent,
		Success:     "The request was taken",
		Errors: map[int]string{
			http.StatusBadRequest: errInvalidBody, http.StatusForbidden: errForbidden, http.StatusTooManyRequests: errTooManyMails,
		},
	}
}

func (d *dialect) register(ctx context.Context, p *roster.Principal, _ *struct{}) (*struct{}, error) {
	// What an address that has an account costs is not what another one does.
	api.HideCost(ctx)
	body, broken := api.Body[Recipient](ctx)
	return nil, d.directory.RequestSignUp(ctx, p, body.form(broken), write(ctx))
}

func resetOperation() api.Operation {
	return api.Operation{
		ID: "resetPassword", Method: http.MethodPost, Path: BasePath + "/users/reset-password", Tag: tagInvitations,
		Summary: "Mail a link to set a new password",
		Description: "Mails a link, which works for 24 hours, to an Active user of the caller's organization or one below it. A new password ends every refresh token of the user. " +
			"The answer is the same for any other address, to which nothing is mailed. " +
			"A user-scoped caller needs the permission ORG_EDIT_USERS.",
		Body:        Recipient{},
		BodyExample: Recipient{Email: "john@example.com", Locale: "en_US"},
		Status:      http.StatusNoContent,
		Success:     "The request was taken",
		Errors: map[int]string{
			http.StatusBadRequest: errInvalidBody, http.StatusForbidden: errForbidden, http.StatusTooManyRequests: errTooManyMails,
		},
	}
}

func (d *dialect) resetPassword(ctx context.Context, p *roster.Principal, _ *struct{}) (*struct{}, error) {
	api.HideCost(ctx)
	body, broken := api.Body[Recipient](ctx)
	return nil, d.directory.RequestPasswordReset(ctx, p, body.form(broken), write(ctx))
}

// Invitation is an invitation or a sign-up that is still open.
type Invitation struct {
	ID          int64  `json:"id" minimum:"1" maximum:"9007199254740991" doc:"Invitation id; inviting again makes a new one"`
	Purpose     string `json:"purpose" enum:"invite,sign-up" doc:"invite: to take up an account that is Pending. sign-up: to make an account and a personal organization"`
	Email       string `json:"email" format:"email" doc:"E-mail address that the link was mailed to"`
	UserID      int64  `json:"userId,omitempty" minimum:"1" maximum:"9007199254740991" doc:"Id of the user who is invited; absent for a sign-up"`
	OrgID       int32  `json:"orgId" minimum:"1" doc:"Id of the organization that the user is in, or that a sign-up will be below"`
	Locale      string `json:"locale,omitempty" doc:"Language and region of the mail; absent for none asked for"`
	InvitedBy   int64  `json:"invitedBy,omitempty" minimum:"1" maximum:"9007199254740991" doc:"Id of the user who asked for it; absent for a program"`
	CreatedAt   int64  `json:"createdAt" doc:"When it was asked for, in Unix epoch milliseconds"`
	ValidUntil  int64  `json:"validUntil" doc:"When its links end, in Unix epoch milliseconds"`
	Delivery    string `json:"delivery" enum:"queued,sent,refused,bounced,complained,dropped" doc:"How far the mail has come. refused: the mail service will never take it. bounced: it came back for good. complained: its reader reported it as unwanted. dropped: there was no use in sending it any more"`
	DeliveredAt int64  `json:"deliveredAt,omitempty" doc:"When delivery last changed, in Unix epoch milliseconds; absent while queued"`
	Reason      string `json:"reason,omitempty" doc:"Why the mail was refused or came back, for people"`
}

// InvitationPage is one page of invitations.
type InvitationPage struct {
	Content []Invitation `json:"content" nullable:"false" maxItems:"1000" doc:"The invitations on this page, in the order in which they were made"`
	Next    int64        `json:"next,omitempty" minimum:"1" maximum:"9007199254740991" doc:"What after must be to get the next page; absent on the last one"`
}

type invitationsInput struct {
	OrgID int32 `query:"orgId" minimum:"1" example:"703" doc:"Id of the organization whose invitations to list; the caller's own if absent"`
	After int64 `query:"after" minimum:"1" maximum:"9007199254740991" doc:"Where to go on: next of the page before. From the first one if absent"`
	Size  int32 `query:"size" default:"50" minimum:"1" maximum:"1000" doc:"Page size (max 1000)"`
}

type invitationsOutput struct{ Body InvitationPage }

func invitationsOperation() api.Operation {
	return api.Operation{
		ID: "listInvitations", Method: http.MethodGet, Path: BasePath + "/invitations", Tag: tagInvitations,
		Summary: "List open invitations",
		Description: "The invitations into one organization, the caller's or one below it, and the sign-ups right below it, that are neither used nor too old. One that was just made or ended may appear a moment later. " +
			"A user-scoped caller needs the permission ORG_VIEW_USERS.",
		Success: "List of invitations",
		Example: exampleInvitations(),
		Errors: map[int]string{
			http.StatusBadRequest: errInvalidParameter, http.StatusForbidden: errForbidden, http.StatusNotFound: errNoOrganization,
		},
	}
}

func (d *dialect) invitations(ctx context.Context, p *roster.Principal, in *invitationsInput) (*invitationsOutput, error) {
	found, err := d.directory.ListInvitations(ctx, p, roster.OrgID(in.OrgID), roster.InvitationID(in.After), int(in.Size))
	if err != nil {
		return nil, err
	}
	page := InvitationPage{Content: make([]Invitation, len(found.Invitations)), Next: int64(found.Next)}
	for i := range found.Invitations {
		page.Content[i] = wireInvitation(&found.Invitations[i])
	}
	return &invitationsOutput{Body: page}, nil
}

func wireInvitation(i *roster.Invitation) Invitation {
	return Invitation{
		ID: int64(i.ID), Purpose: i.Purpose.String(), Email: string(i.Email), UserID: int64(i.User), OrgID: int32(i.Org()), Locale: i.Locale,
		InvitedBy: int64(i.InvitedBy), CreatedAt: wireTime(i.CreatedAt), ValidUntil: wireTime(i.ValidUntil),
		Delivery: i.Delivery.String(), DeliveredAt: wireTime(i.DeliveredAt), Reason: i.Reason,
	}
}
