package directory

import (
	"context"
	"fmt"

	"github.com/rosterhq/roster/internal/roster"
)

// ChangePassword gives the user that the token speaks for a new password, which ends every refresh token of the user. An old
// password that is not the user's is a KindInvalid error about the field oldPassword; so is any, where the user has none. After too
// many of them it is KindTooMany, whatever the password. Only an Active user can do this, by a token that is user-scoped.
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

// isPassword returns a KindInvalid error about the field oldPassword unless the password is the user's, or a KindTooMany one if too many
// were not.
func (d *Directory) isPassword(ctx context.Context, user *roster.User, password string) error {
	attempt, err := d.attempts.Password(ctx, user.Tenant, user.Email)
	if err != nil {
		return err
	}
	right, err := d.matches(ctx, user, password)
	if err != nil {
		return err
	}
	if !right {
		if err := attempt.Failed(ctx); err != nil {
			return err
		}
		return roster.Invalid("oldPassword", "is not your password")
	}
	return attempt.Succeeded(ctx)
}

// matches reports whether the password is the user's.
func (d *Directory) matches(ctx context.Context, user *roster.User, password string) (bool, error) {
	credential, err := d.credentials.Credential(ctx, user.Tenant, user.ID)
	if roster.KindOf(err) == roster.KindNotFound {
		// This takes as long as to look at a password: who guesses is not told that there is nothing to guess.
		if _, err := d.hashPassword(password); err != nil {
			return false, fmt.Errorf("hashing a password: %w", err)
		}
		return false, nil
	}
	if err != nil {
		return false, err
	}
	match, err := d.verifyPassword(password, credential.PasswordHash)
	if err != nil {
		return false, fmt.Errorf("verifying the password of user %s: %w", user.ID, err)
	}
	return match, nil
}
