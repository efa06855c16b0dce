package directory

import (
	"context"
	"fmt"

	"github.com/rosterhq/roster/internal/roster"
)

// ChangePassword gives the user that the token speaks for a new password, which ends every refresh token of the user. An old
// password that is not the user's is a KindInvalid error about the field oldPassword; so is any, where the user has none. Only an
// Active user can do this, by a token that is user-scoped.
func (d *Directory) ChangePassword(ctx context.Context, p *roster.Principal, form roster.PasswordForm, w roster.Write) error {
	if err := requireUser(p); err != nil {
		return err
	}
	if err := form.Validate(); err != nil {
		return err
	}
	user, err := d.oneself(ctx, p)
	if err != nil {
		return err
	}
	if user.Status != roster.StatusActive {
		return roster.Forbidden("only an active user can do this")
	}
	if err := d.isPassword(ctx, &user, form.Old); err != nil {
		return err
	}
	hash, err := d.hashPassword(form.New)
	if err != nil {
		return fmt.Errorf("hashing a password: %w", err)
	}
	credential := roster.Credential{Tenant: p.Tenant, User: p.User, PasswordHash: hash, ChangedAt: d.moment()}
	return standing(d.credentials.PutCredential(ctx, credential, stamp(p, &w)))
}

// isPassword returns a KindInvalid error about the field oldPassword unless the password is the user's.
func (d *Directory) isPassword(ctx context.Context, user *roster.User, password string) error {
	wrong := roster.Invalid("oldPassword", "is not your password")
	credential, err := d.credentials.Credential(ctx, user.Tenant, user.ID)
	if roster.KindOf(err) == roster.KindNotFound {
		// This takes as long as to look at a password: who guesses is not told that there is nothing to guess.
		if _, err := d.hashPassword(password); err != nil {
			return fmt.Errorf("hashing a password: %w", err)
		}
		return wrong
	}
	if err != nil {
		return err
	}
	match, err := d.verifyPassword(password, credential.PasswordHash)
	if err != nil {
		return fmt.Errorf("verifying the password of user %s: %w", user.ID, err)
	}
	if !match {
		return wrong
	}
	return nil
}
