package organization

import (
	"context"
	"net/http"

	"github.com/rosterhq/roster/internal/api"
	"github.com/rosterhq/roster/internal/roster"
)

// PasswordChange is the change of one's own password.
type PasswordChange struct {
	OldPassword string `json:"oldPassword" format:"password" minLength:"1" doc:"The password that one has"`
	NewPassword string `json:"newPassword" format:"password" minLength:"8" maxLength:"128" doc:"The password to have from now on: another one"`
}

func passwordOperation() api.Operation {
	return api.Operation{
		ID: "changePassword", Method: http.MethodPut, Path: BasePath + "/user/password", Tag: tagUsers,
		Summary:     "Change own password",
		Description: "Changes the password of the user that the token speaks for, and ends every refresh token of the user. Needs a user-scoped token.",
		Body:        PasswordChange{},
		BodyExample: PasswordChange{OldPassword: "mySecretPassword123", NewPassword: "myOtherPassword456"},
		Status:      http.StatusNoContent,
		Success:     "The password was changed",
		Errors: map[int]string{
			http.StatusBadRequest: errInvalidBody + ". An old password that is not the user's breaks a rule, too",
			http.StatusForbidden:  "The token is not user-scoped, or the user is not Active",
		},
	}
}

func (d *dialect) changePassword(ctx context.Context, p *roster.Principal, _ *struct{}) (*struct{}, error) {
	body, broken := api.Body[PasswordChange](ctx)
	return nil, d.directory.ChangePassword(ctx, p, roster.PasswordForm{Old: body.OldPassword, New: body.NewPassword, Broken: broken}, write(ctx))
}
