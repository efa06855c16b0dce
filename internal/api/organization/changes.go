package organization

import (
	"context"
	"net/http"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/roster"
)

// Changing is the parameters of every operation that changes one user.
type Changing struct {
	IfMatch string `header:"If-Match" doc:"Entity tags of the states that the user may be in, as ETag had them; * or no such header for any"`
}

// write returns what the use case is told of the request beside its input.
func (c Changing) write(ctx context.Context, d *dialect) roster.Write {
	w := write(ctx)
	if c.IfMatch != "" {
		w.Precondition = func(u *roster.User) bool { return api.Matches(c.IfMatch, d.etag(u)) }
	}
	return w
}

type roleInput struct {
	UserID int64 `query:"userId" required:"true" minimum:"1" maximum:"9007199254740991" example:"1078" doc:"User id"`
	RoleID int32 `query:"roleId" required:"true" minimum:"1" example:"2" doc:"Id of the role to give: 1 Admin, 2 Staff, 3 User, or a custom one"`
	Changing
}

func roleOperation() api.Operation {
	return api.Operation{
		ID: "changeUserRole", Method: http.MethodPut, Path: BasePath + "/users/role", Tag: tagUsers,
		Summary: "Change a user's role",
		Description: "Gives a user a role in the place of the one that it has. " +
			"A user-scoped caller needs the permission ORG_EDIT_USERS and all permissions of the role and of those that the user has.",
		Success: "The user after the change",
		Example: exampleDetails(),
		Errors: changeErrors(map[int]string{
			http.StatusNotFound: "User or role not found or access denied: the answer is the same for both",
		}),
	}
}

func (d *dialect) changeRole(ctx context.Context, p *roster.Principal, in *roleInput) (*userOutput, error) {
	user, err := d.directory.ChangeRole(ctx, p, roster.UserID(in.UserID), roster.RoleID(in.RoleID), in.write(ctx, d))
	if err != nil {
		return nil, err
	}
	return d.answer(http.StatusOK, &user), nil
}

// Transfer is the move of a user to another organization.
type Transfer struct {
	UserID      int64 `json:"userId" minimum:"1" maximum:"9007199254740991" doc:"User id"`
	TargetOrgID int32 `json:"targetOrgId" minimum:"1" doc:"Id of the organization to move the user to"`
	RoleID      int32 `json:"roleId" minimum:"1" doc:"Id of the role that the user has there"`
}

func transferOperation() api.Operation {
	return api.Operation{
		ID: "transferUser", Method: http.MethodPost, Path: BasePath + "/users/transfer", Tag: tagUsers,
		Summary: "Transfer a user",
		Description: "Moves a user to another organization of the caller's tree, with the role that it has there. " +
			"A user-scoped caller needs the permission ORG_TRANSFER_USERS and all permissions of the role and, where it changes, of those that the user has.",
		FieldNames:  map[string]string{"organization": "targetOrgId"},
		Body:        Transfer{},
		BodyExample: Transfer{UserID: 1078, TargetOrgID: 704, RoleID: 3},
		Status:      http.StatusCreated,
		Success:     "The user after the transfer",
		Example:     exampleDetails(),
		Errors: changeErrors(map[int]string{
			http.StatusBadRequest: errInvalidBody + ". A role that does not exist breaks a rule, too",
			http.StatusNotFound:   "User or organization not found or access denied: the answer is the same for both",
		}),
	}
}

func (d *dialect) transferUser(ctx context.Context, p *roster.Principal, in *Changing) (*userOutput, error) {
	body, broken := api.Body[Transfer](ctx)
	user, err := d.directory.TransferUser(ctx, p, roster.TransferForm{
		User: roster.UserID(body.UserID), Organization: roster.OrgID(body.TargetOrgID), Role: roster.RoleID(body.RoleID), Broken: broken,
	}, in.write(ctx, d))
	if err != nil {
		return nil, asInvalid(err, "role")
	}
	return d.answer(http.StatusCreated, &user), nil
}

// StatusChange is the suspension of a user, or its end.
type StatusChange struct {
	UserID int64  `json:"userId" minimum:"1" maximum:"9007199254740991" doc:"User id"`
	Status string `json:"status" enum:"Active,Suspended" doc:"Suspended blocks the user: its tokens stop working within a minute. Active lets it in again"`
}

func statusOperation() api.Operation {
	return api.Operation{
		ID: "setUserStatus", Method: http.MethodPut, Path: BasePath + "/users/status", Tag: tagUsers,
		Summary: "Suspend a user, or let it in again",
		Description: "Nobody can suspend themselves. A user who had not confirmed the account before the suspension is Pending again after it. " +
			"A user-scoped caller needs the permission ORG_EDIT_USERS.",
		Body:        StatusChange{},
		BodyExample: StatusChange{UserID: 1078, Status: "Suspended"},
		Success:     "The user after the change",
		Example:     exampleDetails(),
		Errors: changeErrors(map[int]string{
			http.StatusBadRequest: errInvalidBody,
			http.StatusConflict:   errLastAdmin + ", or it is Pending and only the person can make it Active",
		}),
	}
}

func (d *dialect) setStatus(ctx context.Context, p *roster.Principal, in *Changing) (*userOutput, error) {
	body, broken := api.Body[StatusChange](ctx)
	status, _ := roster.ParseStatus(body.Status)
	user, err := d.directory.SetStatus(ctx, p, roster.StatusForm{User: roster.UserID(body.UserID), Status: status, Broken: broken}, in.write(ctx, d))
	if err != nil {
		return nil, err
	}
	return d.answer(http.StatusOK, &user), nil
}

type removeInput struct {
	UserID int64 `query:"userId" required:"true" minimum:"1" maximum:"9007199254740991" example:"1078" doc:"User id"`
	Changing
}

func removeOperation() api.Operation {
	return api.Operation{
		ID: "removeUser", Method: http.MethodDelete, Path: BasePath + "/users", Tag: tagUsers,
		Summary: "Remove a user",
		Description: "The user is gone at once, its e-mail address is free and its password forgotten; for a time it can be restored. Nobody can remove themselves. " +
			"A user-scoped caller needs the permission ORG_DELETE_USERS.",
		Status:  http.StatusNoContent,
		Success: "The user was removed",
		Errors:  changeErrors(nil),
	}
}

func (d *dialect) removeUser(ctx context.Context, p *roster.Principal, in *removeInput) (*struct{}, error) {
	return nil, d.directory.RemoveUser(ctx, p, roster.UserID(in.UserID), in.write(ctx, d))
}

// Restoration is the return of a removed user.
type Restoration struct {
	UserID int64 `json:"userId" minimum:"1" maximum:"9007199254740991" doc:"User id"`
}

func restoreOperation() api.Operation {
	return api.Operation{
		ID: "restoreUser", Method: http.MethodPost, Path: BasePath + "/users/restore", Tag: tagUsers,
		Summary: "Restore a removed user",
		Description: "The user is back as it was, with its e-mail address, but without a password. A user who was not removed is left as it is. " +
			"A user-scoped caller needs the permission ORG_DELETE_USERS and all permissions of the user's role.",
		Body:        Restoration{},
		BodyExample: Restoration{UserID: 1078},
		Success:     "The user",
		Example:     exampleDetails(),
		Errors: changeErrors(map[int]string{
			http.StatusBadRequest: errInvalidBody,
			http.StatusNotFound:   "User not found, removed too long ago, or access denied: the answer is the same for all",
			http.StatusConflict:   "Somebody else has the user's e-mail address, or another name that must be unique, by now; the message says which",
		}),
	}
}

func (d *dialect) restoreUser(ctx context.Context, p *roster.Principal, in *Changing) (*userOutput, error) {
	body, broken := api.Body[Restoration](ctx)
	if err := broken.Err(); err != nil {
		return nil, err
	}
	user, err := d.directory.RestoreUser(ctx, p, roster.UserID(body.UserID), in.write(ctx, d))
	if err != nil {
		return nil, err
	}
	return d.answer(http.StatusOK, &user), nil
}
