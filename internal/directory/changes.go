package directory

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// change is one way to change a user that is there.
type change struct {
	// read reads the user.
	read func(ctx context.Context, tenant roster.TenantID, id roster.UserID) (roster.User, error)
	// decide returns what becomes of the user, or why the caller may not do this, and false if nothing changes.
	decide func(before *roster.User) (after roster.User, changes bool, err error)
	// write writes it.
	write func(ctx context.Context, before, after roster.User, stamp roster.Stamp) (roster.User, error)
}

// changeTries bounds how often a change begins anew because somebody else was faster. With pauses of up to 5, 10, 20 ...
// 160 ms between them, some hundred callers who change the same user at the same moment get through.
const (
	changeTries = 10
	firstPause  = 5 * time.Millisecond
	doublings   = 5
)

// change reads a user that the caller reaches, decides, and writes; and does all of it again, by what then stands there,
// when somebody else wrote in between.
func (d *Directory) change(ctx context.Context, p *roster.Principal, id roster.UserID, w *roster.Write, c change) (roster.User, error) {
	return decided(ctx, func() (roster.User, error) { return d.tryChange(ctx, p, id, w, c) })
}

// decided reads, decides and writes by means of try, and again whenever somebody else wrote in between.
func decided[T any](ctx context.Context, try func() (T, error)) (T, error) {
	for tries := 0; ; tries++ {
		result, err := try()
		if err == nil || !errors.Is(err, roster.ErrVersionChanged) || tries == changeTries-1 {
			return result, err
		}
		if err := pause(ctx, rand.N(firstPause<<min(tries, doublings))); err != nil {
			var none T
			return none, roster.Unavailable("the user is changed by many at once, try again shortly", err)
		}
	}
}

func (d *Directory) tryChange(ctx context.Context, p *roster.Principal, id roster.UserID, w *roster.Write, c change) (roster.User, error) {
	read, err := c.read(ctx, p.Tenant, id)
	before, err := reachedUser(p, read, err)
	if err != nil {
		return roster.User{}, err
	}
	after, changes, err := c.decide(&before)
	if err != nil {
		return roster.User{}, err
	}
	// RFC 9110, section 13.2.1: a precondition is looked at when nothing else stands in the way.
	if w.Precondition != nil && !w.Precondition(&before) {
		return roster.User{}, roster.PreconditionFailed("user")
	}
	if !changes {
		return before, nil
	}
	written, err := c.write(ctx, before, after, stamp(p, w))
	if err != nil {
		return roster.User{}, err
	}
	d.apply(p.Tenant, roster.Change{User: &written})
	return written, nil
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ChangeRole gives a user a role in the place of all that it has. An unknown role is a KindNotFound error about the field
// role. It needs the permission ORG_EDIT_USERS, all that the role holds, and all that the roles of before hold.
func (d *Directory) ChangeRole(ctx context.Context, p *roster.Principal, id roster.UserID, role roster.RoleID, w roster.Write) (roster.User, error) {
	if err := require(p, roster.OrgEditUsers); err != nil {
		return roster.User{}, err
	}
	if err := validUserID(id); err != nil {
		return roster.User{}, err
	}
	return d.change(ctx, p, id, &w, change{
		read: d.users.User,
		decide: func(before *roster.User) (roster.User, bool, error) {
			granted, err := d.grantable(ctx, p, role)
			if err != nil {
				return roster.User{}, false, err
			}
			if err := keepsOwnRight(p, id, granted.Permissions, roster.OrgEditUsers); err != nil {
				return roster.User{}, false, err
			}
			after := *before
			after.Roles = []roster.RoleID{granted.ID}
			if slices.Equal(after.Roles, before.Roles) {
				return after, false, nil
			}
			return after, true, d.mayAlter(ctx, p, before)
		},
		write: d.writes.UpdateUser,
	})
}

// TransferUser moves a user to another organization of the caller's tree and gives it the role that it has there in the
// place of all others. An unknown role is a KindNotFound error about the field role. It needs the permission
// ORG_TRANSFER_USERS, and all that the role holds.
func (d *Directory) TransferUser(ctx context.Context, p *roster.Principal, form roster.TransferForm, w roster.Write) (roster.User, error) {
	if err := require(p, roster.OrgTransferUsers); err != nil {
		return roster.User{}, err
	}
	if err := form.Validate(); err != nil {
		return roster.User{}, err
	}
	return d.change(ctx, p, form.User, &w, change{
		read: d.users.User,
		decide: func(before *roster.User) (roster.User, bool, error) {
			path, err := d.reachedOrganization(ctx, p, form.Organization)
			if err != nil {
				return roster.User{}, false, err
			}
			granted, err := d.grantable(ctx, p, form.Role)
			if err != nil {
				return roster.User{}, false, err
			}
			moves := before.Org() != path.Last()
			if moves {
				err = notOneself(p, before.ID, "transfer")
			} else {
				err = keepsOwnRight(p, before.ID, granted.Permissions, roster.OrgTransferUsers)
			}
			if err != nil {
				return roster.User{}, false, err
			}
			after := *before
			after.Path, after.Roles = slices.Clone(path), []roster.RoleID{granted.ID}
			if slices.Equal(after.Roles, before.Roles) {
				return after, moves, nil
			}
			return after, true, d.mayAlter(ctx, p, before)
		},
		write: d.writes.UpdateUser,
	})
}

// SetStatus suspends a user, or lets a suspended one in again, which takes all that the user's roles hold. A user who never
// took up the account is Pending again after a suspension, and cannot be made Active by anybody else, which is a
// KindConflict error. It needs the permission ORG_EDIT_USERS.
func (d *Directory) SetStatus(ctx context.Context, p *roster.Principal, form roster.StatusForm, w roster.Write) (roster.User, error) {
	if err := require(p, roster.OrgEditUsers); err != nil {
		return roster.User{}, err
	}
	if err := form.Validate(); err != nil {
		return roster.User{}, err
	}
	return d.change(ctx, p, form.User, &w, change{
		read: d.users.User,
		decide: func(before *roster.User) (roster.User, bool, error) {
			after := *before
			after.Status = form.Status
			if form.Status == roster.StatusSuspended {
				return after, before.Status != form.Status, notOneself(p, before.ID, "suspend")
			}
			if before.Status == roster.StatusPending {
				return roster.User{}, false, roster.Conflict("the user has not taken up the account yet")
			}
			if before.RegisteredAt.IsZero() && before.LastLoginAt.IsZero() {
				after.Status = roster.StatusPending
			}
			if before.Status != roster.StatusSuspended {
				return after, false, nil
			}
			return after, true, d.mayReturn(ctx, p, before)
		},
		write: d.writes.UpdateUser,
	})
}

// RemoveUser deletes a user softly: it is gone for everybody, its e-mail address is free, its password forgotten; until the
// retention is over RestoreUser can bring it back. It needs the permission ORG_DELETE_USERS.
func (d *Directory) RemoveUser(ctx context.Context, p *roster.Principal, id roster.UserID, w roster.Write) error {
	if err := require(p, roster.OrgDeleteUsers); err != nil {
		return err
	}
	if err := validUserID(id); err != nil {
		return err
	}
	_, err := d.change(ctx, p, id, &w, d.removal(p))
	return err
}

// removal is the change that deletes a user.
func (d *Directory) removal(p *roster.Principal) change {
	return change{
		read: d.users.User,
		decide: func(before *roster.User) (roster.User, bool, error) {
			return *before, true, notOneself(p, before.ID, "delete")
		},
		write: func(ctx context.Context, before, _ roster.User, stamp roster.Stamp) (roster.User, error) {
			return d.writes.DeleteUser(ctx, before, stamp)
		},
	}
}

// RestoreUser brings a deleted user back, without a password; one that stands is returned as it is. An e-mail address or
// identity that somebody took meanwhile is roster.Taken, which names it. It needs the permission ORG_DELETE_USERS, and all
// that the user's roles hold.
func (d *Directory) RestoreUser(ctx context.Context, p *roster.Principal, id roster.UserID, w roster.Write) (roster.User, error) {
	if err := require(p, roster.OrgDeleteUsers); err != nil {
		return roster.User{}, err
	}
	if err := validUserID(id); err != nil {
		return roster.User{}, err
	}
	return d.change(ctx, p, id, &w, change{
		read: d.users.UserEvenDeleted,
		decide: func(before *roster.User) (roster.User, bool, error) {
			if !before.Deleted() {
				return *before, false, nil
			}
			return *before, true, d.mayReturn(ctx, p, before)
		},
		write: func(ctx context.Context, before, _ roster.User, stamp roster.Stamp) (roster.User, error) {
			return d.writes.RestoreUser(ctx, before, stamp)
		},
	})
}
