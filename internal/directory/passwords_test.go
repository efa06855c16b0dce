package directory_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

// newPassword is the change of the password that withPassword gives.
func newPassword() roster.PasswordForm {
	return roster.PasswordForm{Old: "mySecretPassword123", New: "anotherPassword456"}
}

// withPassword gives a user a password that was set an hour ago.
func withPassword(t *testing.T, w *world.World, u *roster.User) {
	t.Helper()
	c := roster.Credential{Tenant: u.Tenant, User: u.ID, PasswordHash: world.HashOf("mySecretPassword123"), ChangedAt: world.Now.Add(-time.Hour)}
	if err := w.Table.PutCredential(t.Context(), c, rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
}

func TestChangePassword(t *testing.T) {
	w := world.New(t)
	for _, name := range []string{world.AnnAdmin, world.UmaUser} { // it needs no permission
		u, p := w.User(t, name), w.As(t, name)
		withPassword(t, w, &u)
		before := w.Hashed()
		if err := w.Directory.ChangePassword(t.Context(), &p, newPassword(), write()); err != nil {
			t.Fatal(err)
		}
		c, err := w.Table.Credential(t.Context(), 100, u.ID)
		want := roster.Credential{Tenant: 100, User: u.ID, PasswordHash: world.HashOf("anotherPassword456"), ChangedAt: world.Now}
		if diff := cmp.Diff(want, c); err != nil || diff != "" || w.Hashed() != before+2 {
			t.Errorf("%s has the password (-want +got), %v, after hashing %d times\n%s", name, err, w.Hashed()-before, diff)
		}
		if after, err := w.Table.User(t.Context(), 100, u.ID); err != nil || !cmp.Equal(u, after) {
			t.Errorf("the user is %+v, %v", after, err)
		}
		if err := w.Directory.ChangePassword(t.Context(), &p, newPassword(), write()); roster.KindOf(err) != roster.KindInvalid {
			t.Errorf("by the old password once more: %v", err)
		}
	}
	w.Check(t)
}

func TestRefusedPasswords(t *testing.T) {
	w := world.New(t)
	uma, bea, gone := w.User(t, world.UmaUser), w.User(t, world.BeaUser), w.NewUser(t, world.Acme, roster.RoleUser)
	suspended := w.User(t, world.SueSuspended)
	for _, u := range []*roster.User{&uma, &gone, &suspended} {
		withPassword(t, w, u)
	}
	if _, err := w.Table.DeleteUser(t.Context(), gone, rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	wrong, same, short := newPassword(), newPassword(), newPassword()
	wrong.Old, same.New, short.New = "somebodyElses1", same.Old, "short"
	const notYours = "invalid: oldPassword is not your password; oldPassword is not your password"
	for _, test := range []struct {
		name   string
		caller roster.Principal
		form   roster.PasswordForm
		want   string
		hashed int
	}{
		{"a program", world.Client(world.Acme), newPassword(), "forbidden: this needs a token that speaks for a user", 0},
		{"a program, and invalid", world.Client(world.Acme), short, "forbidden: this needs a token that speaks for a user", 0},
		{"too short", w.As(t, world.UmaUser), short, "invalid: newPassword must have 8 to 128 characters; newPassword must have 8 to 128 characters", 0},
		{"the same", w.As(t, world.UmaUser), same, "invalid: newPassword must not be the old one; newPassword must not be the old one", 0},
		{"the wrong one", w.As(t, world.UmaUser), wrong, notYours, 1},
		// Whether there is a password shows neither in the answer nor in the time that it takes.
		{"of somebody without any", w.Principal(&bea), newPassword(), notYours, 1},
		{"of somebody who is suspended", w.As(t, world.SueSuspended), newPassword(), "forbidden: only an active user can do this", 0},
		{"of somebody who is pending", w.As(t, world.PiaPending), newPassword(), "forbidden: only an active user can do this", 0},
		{"of somebody who is gone", w.Principal(&gone), newPassword(), "unauthenticated: the token's user is no longer there: not found: user not found", 0},
	} {
		before := w.Hashed()
		cost := rostertest.CostOf(t, func(ctx context.Context) error {
			if err := w.Directory.ChangePassword(ctx, &test.caller, test.form, write()); err == nil || err.Error() != test.want {
				t.Errorf("%s: %v, want %s", test.name, err, test.want)
			}
			return nil
		})
		if w.Hashed() != before+test.hashed || cost.Writes != 0 {
			t.Errorf("%s: hashed %d times, want %d, and cost %+v", test.name, w.Hashed()-before, test.hashed, cost)
		}
	}
	if c, err := w.Table.Credential(t.Context(), 100, uma.ID); err != nil || c.PasswordHash != world.HashOf("mySecretPassword123") {
		t.Errorf("the password is %+v, %v", c, err)
	}
}

func TestWhatGoesWrongWithAPasswordIsOurFault(t *testing.T) {
	w := world.New(t)
	ann, p := w.User(t, world.AnnAdmin), w.As(t, world.AnnAdmin)
	bea := w.As(t, world.BeaUser)
	withPassword(t, w, &ann)
	broken := errors.New("no memory")
	for name, test := range map[string]struct {
		change func(*directory.Ports)
		caller *roster.Principal
	}{
		"hashing the new one":       {func(p *directory.Ports) { p.HashPassword = func(string) (string, error) { return "", broken } }, &p},
		"hashing what there is not": {func(p *directory.Ports) { p.HashPassword = func(string) (string, error) { return "", broken } }, &bea},
		"comparing": {func(p *directory.Ports) {
			p.VerifyPassword = func(string, string) (bool, error) { return true, broken }
		}, &p},
		"reading it": {func(p *directory.Ports) { p.Credentials = locked{w.Table, broken, nil} }, &p},
		"writing it": {func(p *directory.Ports) { p.Credentials = locked{w.Table, nil, broken} }, &p},
	} {
		if err := with(w, test.change).ChangePassword(t.Context(), test.caller, newPassword(), write()); !errors.Is(err, broken) || roster.KindOf(err) != roster.KindInternal {
			t.Errorf("%s: %v, want an internal error", name, err)
		}
	}
	t.Run("but that the user went away meanwhile is not", func(t *testing.T) {
		d := with(w, func(p *directory.Ports) { p.Credentials = locked{w.Table, nil, roster.NotFound("user")} })
		if err := d.ChangePassword(t.Context(), &p, newPassword(), write()); roster.KindOf(err) != roster.KindUnauthenticated {
			t.Errorf("ChangePassword = %v, want unauthenticated", err)
		}
	})
}

// locked is where passwords cannot be read or written.
type locked struct {
	directory.Credentials
	read, write error
}

func (l locked) Credential(ctx context.Context, tenant roster.TenantID, id roster.UserID) (roster.Credential, error) {
	if l.read != nil {
		return roster.Credential{}, l.read
	}
	return l.Credentials.Credential(ctx, tenant, id)
}

func (l locked) PutCredential(ctx context.Context, c roster.Credential, stamp roster.Stamp) error {
	if l.write != nil {
		return l.write
	}
	return l.Credentials.PutCredential(ctx, c, stamp)
}

// judged are attempts that are told what came of them; the errors are what telling them, or beginning one, comes to.
type judged struct {
	begun                    []roster.Email
	failed, succeeded        int
	begin, failing, succeeds error
}

func (j *judged) Password(_ context.Context, _ roster.TenantID, email roster.Email) (roster.Attempt, error) {
	j.begun = append(j.begun, email)
	return roster.Attempt{
		Failed:    func(context.Context) error { j.failed++; return j.failing },
		Succeeded: func(context.Context) error { j.succeeded++; return j.succeeds },
	}, j.begin
}

// TestOldPasswordsAreAttempts holds that each counts, right or wrong, and that none is looked at before it may be.
func TestOldPasswordsAreAttempts(t *testing.T) {
	w := world.New(t)
	uma, p, bea := w.User(t, world.UmaUser), w.As(t, world.UmaUser), w.As(t, world.BeaUser)
	withPassword(t, w, &uma)
	wrong, short := newPassword(), newPassword()
	wrong.Old, short.New = "somebodyElses1", "short"
	busy, slowed := roster.Unavailable("busy", nil), roster.TooManyAttempts(time.Second)
	for _, test := range []struct {
		name                             string
		attempts                         judged
		caller                           *roster.Principal
		form                             roster.PasswordForm
		kind                             roster.Kind
		begun, failed, succeeded, hashed int
	}{
		{"too many before, though right", judged{begin: slowed}, &p, newPassword(), roster.KindTooMany, 1, 0, 0, 0},
		{"nobody can tell how many before", judged{begin: busy}, &p, newPassword(), roster.KindUnavailable, 1, 0, 0, 0},
		{"what is refused anyway", judged{}, &p, short, roster.KindInvalid, 0, 0, 0, 0},
		{"wrong", judged{}, &p, wrong, roster.KindInvalid, 1, 1, 0, 1},
		{"wrong, which cannot be counted", judged{failing: busy}, &p, wrong, roster.KindUnavailable, 1, 1, 0, 1},
		{"of somebody who has none", judged{}, &bea, newPassword(), roster.KindInvalid, 1, 1, 0, 1},
		{"right, which cannot be told", judged{succeeds: busy}, &p, newPassword(), roster.KindUnavailable, 1, 0, 1, 1},
		{"right", judged{}, &p, newPassword(), 0, 1, 0, 1, 2},
	} {
		j := &test.attempts
		before := w.Hashed()
		err := with(w, func(p *directory.Ports) { p.Attempts = j }).ChangePassword(t.Context(), test.caller, test.form, write())
		if (err == nil) != (test.kind == 0) || err != nil && roster.KindOf(err) != test.kind {
			t.Errorf("%s: %v, want %v", test.name, err, test.kind)
		}
		if len(j.begun) != test.begun || j.failed != test.failed || j.succeeded != test.succeeded || w.Hashed()-before != test.hashed {
			t.Errorf("%s: begun for %v, %d failed, %d succeeded, hashed %d times", test.name, j.begun, j.failed, j.succeeded, w.Hashed()-before)
		}
	}
	if c, err := w.Table.Credential(t.Context(), 100, uma.ID); err != nil || c.PasswordHash != world.HashOf("anotherPassword456") {
		t.Errorf("the password is %+v, %v, want the new one", c, err)
	}
}
