package directory_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

// operatorOf returns the operator of a world, at that time.
func operatorOf(t *testing.T, w *world.World, now time.Time) *directory.Operator {
	t.Helper()
	config := operatorConfig(w.Table)
	config.Now = func() time.Time { return now }
	o, err := directory.NewOperator(config)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func of(email roster.Email) directory.InvitationRequest {
	return directory.InvitationRequest{Tenant: 100, Email: email}
}

func TestAnOperatorListsInvitations(t *testing.T) {
	w := world.New(t)
	o := operatorOf(t, w, world.Now)
	var roots, birches []roster.UserID
	for n := range 3 {
		root, _ := invited(t, w, world.Acme, roster.RoleUser)
		roots = append(roots, root.ID)
		if n < 2 {
			birch, _ := invited(t, w, world.Birch, roster.RoleUser)
			birches = append(birches, birch.ID)
		}
	}
	for org, want := range map[roster.OrgID][]roster.UserID{0: roots, world.Acme: roots, world.Birch: birches, world.Cedar: nil} {
		for _, limit := range []int{1, 2, 1000} {
			var got []roster.UserID
			for after := roster.InvitationID(0); ; {
				page, err := o.Invitations(t.Context(), 100, org, after, limit)
				if err != nil {
					t.Fatal(err)
				}
				for _, i := range page.Invitations {
					got = append(got, i.User)
				}
				if after = page.Next; after == 0 {
					break
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("organization %s, %d at a time: %v, want %v", org, limit, got, want)
			}
		}
	}
	for _, test := range []struct {
		tenant roster.TenantID
		org    roster.OrgID
		limit  int
		want   roster.Kind
	}{
		{5, 0, 10, roster.KindNotFound}, {100, 5, 10, roster.KindNotFound}, {100, world.Elm, 10, roster.KindNotFound},
		{100, 0, 0, roster.KindInvalid}, {100, -1, 1, roster.KindInvalid},
	} {
		if _, err := o.Invitations(t.Context(), test.tenant, test.org, 0, test.limit); roster.KindOf(err) != test.want {
			t.Errorf("Invitations(%s, %s, %d) = %v, want %s", test.tenant, test.org, test.limit, err, test.want)
		}
	}
}

func TestAnOperatorMailsAnInvitationAgain(t *testing.T) {
	w := world.New(t)
	user, invite := invited(t, w, world.Birch, roster.RoleUser)
	email := newAddress()
	signUp := signingUp(t, w, world.Birch, email)
	bea := w.User(t, world.BeaUser)
	reset := resetting(t, w, &bea)
	later := world.Now.Add(5 * time.Hour)
	o := operatorOf(t, w, later)
	for _, test := range []struct {
		ref      roster.InvitationRef
		request  directory.InvitationRequest
		token    string
		validity time.Duration
	}{
		{inviteRef(&user), of(user.Email), invite, 168 * time.Hour},
		{resetRef(&bea), of(bea.Email), reset, 24 * time.Hour},
		{signUpRef(world.Birch, email), directory.InvitationRequest{Tenant: 100, Email: email, Organization: world.Birch}, signUp, 168 * time.Hour},
	} {
		before := invitation(t, w, test.ref)
		if err := w.Table.MarkInvitation(t.Context(), test.ref, before.ID, roster.DeliverySent, "message-1", ""); err != nil {
			t.Fatal(err)
		}
		got, err := o.ResendInvitation(t.Context(), test.request)
		if err != nil {
			t.Errorf("%s: %v", test.ref.Purpose, err)
			continue
		}
		want := before
		want.ID, want.CreatedAt, want.ValidUntil, want.Revision = got.ID, later, later.Add(test.validity), got.Revision
		if diff := cmp.Diff(want, got); diff != "" || got.ID == before.ID || got.Revision.Stamp != rostertest.Stamp() {
			t.Errorf("%s (-want +got)\n%s", test.ref.Purpose, diff)
		}
		if stored := invitation(t, w, test.ref); !cmp.Equal(stored, got) {
			t.Errorf("%s is stored as %+v, not %+v", test.ref.Purpose, stored, got)
		}
		if _, err := w.Directory.OpenInvitation(t.Context(), test.token); !dead(err) {
			t.Errorf("%s: the link of before leads to %v", test.ref.Purpose, err)
		}
		if _, err := w.Directory.OpenInvitation(t.Context(), w.Link(t, test.ref)); err != nil {
			t.Errorf("%s: the new link leads to %v", test.ref.Purpose, err)
		}
	}
	if u, err := w.Table.User(t.Context(), 100, user.ID); err != nil || !cmp.Equal(u, user) {
		t.Errorf("the user who was invited is %+v, %v", u, err)
	}
	w.Check(t)
}

func TestAnOperatorInvitesAnewWhoWaitsWithoutAnInvitation(t *testing.T) {
	w := world.New(t)
	expired, _ := invited(t, w, world.Birch, roster.RoleUser)
	revoked, _ := invited(t, w, world.Birch, roster.RoleUser)
	if err := w.Table.RemoveInvitation(t.Context(), invitation(t, w, inviteRef(&revoked))); err != nil {
		t.Fatal(err)
	}
	never := w.NewUser(t, world.Birch, roster.RoleUser, pending, func(u *roster.User) { u.Locale = "de_AT" })
	later := world.Now.Add(200 * time.Hour)
	o := operatorOf(t, w, later)
	for name, u := range map[string]*roster.User{"expired": &expired, "revoked": &revoked, "never": &never} {
		got, err := o.ResendInvitation(t.Context(), of(u.Email))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := roster.Invitation{
			Tenant: 100, ID: got.ID, Purpose: roster.PurposeInvite, Path: u.Path, User: u.ID, Email: u.Email, Locale: u.Locale,
			CreatedAt: later, ValidUntil: later.Add(168 * time.Hour), Delivery: roster.DeliveryQueued, Revision: got.Revision,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
	w.Check(t)
}

func TestAnOperatorMailsWhatHasExpiredForAsLongAsItWasAndByTheSameInviter(t *testing.T) {
	w := world.New(t)
	d := with(w, func(p *directory.Ports) { p.Policy.InvitationValidity = 3 * time.Hour })
	bob := w.As(t, world.BobAdmin)
	form := invitee(world.Birch, roster.RoleUser)
	form.Locale = "fr_FR"
	c, err := d.InviteUser(t.Context(), &bob, form, write())
	if err != nil {
		t.Fatal(err)
	}
	before := invitation(t, w, inviteRef(&c.User))
	later := world.Now.Add(200 * time.Hour)
	got, err := operatorOf(t, w, later).ResendInvitation(t.Context(), of(form.Email))
	want := before
	want.ID, want.CreatedAt, want.ValidUntil, want.Revision = got.ID, later, later.Add(3*time.Hour), got.Revision
	if diff := cmp.Diff(want, got); err != nil || diff != "" || got.ID == before.ID || got.InvitedBy != bob.User {
		t.Errorf("ResendInvitation: %v (-want +got)\n%s", err, diff)
	}
	w.Check(t)
}

func TestAnOperatorEndsInvitations(t *testing.T) {
	w := world.New(t)
	user, invite := invited(t, w, world.Birch, roster.RoleUser)
	email := newAddress()
	signUp := signingUp(t, w, world.Acme, email)
	bea := w.User(t, world.BeaUser)
	reset := resetting(t, w, &bea)
	o := operatorOf(t, w, world.Now)
	for _, test := range []struct {
		ref   roster.InvitationRef
		email roster.Email
		token string
	}{{inviteRef(&user), user.Email, invite}, {resetRef(&bea), bea.Email, reset}, {signUpRef(world.Acme, email), email, signUp}} {
		before := invitation(t, w, test.ref)
		got, err := o.RevokeInvitation(t.Context(), of(test.email))
		if err != nil || !cmp.Equal(got, before) {
			t.Errorf("%s: %+v, %v", test.ref.Purpose, got, err)
		}
		nothingAt(t, w, test.ref)
		if _, err := w.Directory.OpenInvitation(t.Context(), test.token); !dead(err) {
			t.Errorf("%s: the link leads to %v", test.ref.Purpose, err)
		}
		if _, err := o.RevokeInvitation(t.Context(), of(test.email)); roster.KindOf(err) != roster.KindNotFound {
			t.Errorf("%s, once more: %v", test.ref.Purpose, err)
		}
	}
	if u, err := w.Table.User(t.Context(), 100, user.ID); err != nil || u.Status != roster.StatusPending {
		t.Errorf("the user who was invited is %+v, %v", u, err)
	}
	w.Check(t)
}

func TestWhatAnOperatorCannotMailAgainOrEnd(t *testing.T) {
	w := world.New(t)
	bea := w.User(t, world.BeaUser)
	resetting(t, w, &bea)
	email := newAddress()
	signingUp(t, w, world.Acme, email)
	user, _ := invited(t, w, world.Birch, roster.RoleUser)
	later := operatorOf(t, w, world.Now.Add(200*time.Hour))
	now := operatorOf(t, w, world.Now)
	for _, test := range []struct {
		name           string
		o              *directory.Operator
		request        directory.InvitationRequest
		resend, revoke string
	}{
		{"a user who waits for nothing", now, of(w.User(t, world.BobAdmin).Email), "not found: no invitation of Bob@Admin.example is open: not found: invitation not found", ""},
		{"a password that is asked for no more", later, of(bea.Email), "not found: no invitation of Bea@User.example is open", ""},
		{"a sign-up that has expired", later, of(email), "not found: no invitation of " + string(email) + " is open", ""},
		{"a sign-up elsewhere", now, directory.InvitationRequest{Tenant: 100, Email: email, Organization: world.Birch}, "not found: no invitation of " + string(email) + " is open: not found: invitation not found", ""},
		{"an invitation that has expired", later, of(user.Email), "done", "not found: no invitation of " + string(user.Email) + " is open"},
		{"nobody", now, of("nobody@example.com"), "not found: no invitation of nobody@example.com is open: not found: invitation not found", ""},
		{"a suspended user", now, of(w.User(t, world.SueSuspended).Email), "conflict: user 1006 is suspended, and no link leads to the account", ""},
		{"a user of another tenant", now, of(w.User(t, world.EveAdmin).Email), "conflict: Eve@Admin.example is the address of a user of another tenant", ""},
		{"no tenant", now, directory.InvitationRequest{Tenant: 5, Email: email}, "not found: tenant 5 not found: not found: organization not found", ""},
		{"no organization", now, directory.InvitationRequest{Tenant: 100, Email: email, Organization: 5}, "not found: organization not found", ""},
	} {
		if test.revoke == "" {
			test.revoke = test.resend
		}
		for _, step := range []struct {
			verb, want string
			do         func(context.Context, directory.InvitationRequest) (roster.Invitation, error)
		}{{"ending", test.revoke, test.o.RevokeInvitation}, {"mailing again", test.resend, test.o.ResendInvitation}} {
			got := "done"
			if _, err := step.do(t.Context(), test.request); err != nil {
				got = err.Error()
			}
			if got != step.want {
				t.Errorf("%s of %s: %s, want %s", step.verb, test.name, got, step.want)
			}
		}
	}
	w.Check(t)
}
