package directory_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

// dead reports whether the error is that of a link which leads nowhere, in the words that all of them have.
func dead(err error) bool {
	e, ok := err.(*roster.Error)
	want := roster.DeadLink(nil)
	return ok && e.Kind == want.Kind && e.Message == want.Message && len(e.Fields) == 0 && e.RetryAfter == 0
}

// acceptance is what somebody says who accepts an invitation.
func acceptance() roster.AcceptanceForm {
	return roster.AcceptanceForm{Name: "Nina Maria Newcomer", Password: "aPasswordOfMyOwn1"}
}

// fromPage is what the page says of a request.
func fromPage() roster.Write { return roster.Write{Via: "page", RequestID: "request-9"} }

// invited invites somebody into an organization, with that role, and returns the user and the token of the mail.
func invited(t *testing.T, w *world.World, org roster.OrgID, role roster.RoleID) (roster.User, string) {
	t.Helper()
	p := world.Client(world.Path(org)[0])
	c, err := plenty(w).InviteUser(t.Context(), &p, invitee(org, role), write())
	if err != nil {
		t.Fatal(err)
	}
	return c.User, w.Link(t, inviteRef(&c.User))
}

// resetting has a link mailed to a user to set a new password, and returns its token.
func resetting(t *testing.T, w *world.World, u *roster.User) string {
	t.Helper()
	p := world.Client(u.Tenant.Root())
	if err := plenty(w).RequestPasswordReset(t.Context(), &p, roster.MailForm{Email: u.Email}, write()); err != nil {
		t.Fatal(err)
	}
	return w.Link(t, resetRef(u))
}

// signingUp has a link mailed to a new address to sign up below an organization, and returns the token.
func signingUp(t *testing.T, w *world.World, org roster.OrgID, email roster.Email) string {
	t.Helper()
	p := world.Client(org)
	if err := plenty(w).RequestSignUp(t.Context(), &p, roster.MailForm{Email: email, Locale: "pl_PL"}, write()); err != nil {
		t.Fatal(err)
	}
	return w.Link(t, signUpRef(org, email))
}

func TestWhatALinkOffers(t *testing.T) {
	w := world.New(t)
	bob, birch := w.As(t, world.BobAdmin), world.Client(world.Birch)
	byBob, err := w.Directory.InviteUser(t.Context(), &bob, invitee(world.Cedar, roster.RoleUser), write())
	if err != nil {
		t.Fatal(err)
	}
	byProgram, err := w.Directory.InviteUser(t.Context(), &birch, invitee(world.Cedar, roster.RoleUser), write())
	if err != nil {
		t.Fatal(err)
	}
	email := newAddress()
	if err := w.Directory.RequestSignUp(t.Context(), &bob, roster.MailForm{Email: email}, write()); err != nil {
		t.Fatal(err)
	}
	cid := w.User(t, world.CidStaff)
	if err := w.Directory.RequestPasswordReset(t.Context(), &bob, roster.MailForm{Email: cid.Email}, write()); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		ref  roster.InvitationRef
		want directory.Offer
	}{
		"an invitation":              {inviteRef(&byBob.User), directory.Offer{Name: "Nina Newcomer", OrganizationName: "Cedar", InviterName: world.BobAdmin}},
		"an invitation by a program": {inviteRef(&byProgram.User), directory.Offer{Name: "Nina Newcomer", OrganizationName: "Cedar"}},
		"a sign-up":                  {signUpRef(world.Birch, email), directory.Offer{OrganizationName: "Birch", InviterName: world.BobAdmin}},
		"a new password":             {resetRef(&cid), directory.Offer{Name: world.CidStaff, OrganizationName: "Cedar"}},
	} {
		test.want.Invitation = invitation(t, w, test.ref)
		got, err := w.Directory.OpenInvitation(t.Context(), w.Link(t, test.ref))
		if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got)\n%s", name, err, diff)
		}
	}
	t.Run("of somebody who was moved, where that is now", func(t *testing.T) {
		token := w.Link(t, inviteRef(&byBob.User))
		p := world.Client(world.Acme)
		if _, err := w.Directory.TransferUser(t.Context(), &p, roster.TransferForm{User: byBob.User.ID, Organization: world.Dogwood, Role: roster.RoleUser}, write()); err != nil {
			t.Fatal(err)
		}
		if got, err := w.Directory.OpenInvitation(t.Context(), token); err != nil || got.OrganizationName != "Dogwood" {
			t.Errorf("OpenInvitation = %+v, %v", got, err)
		}
	})
	t.Run("of an inviter who is gone, without a name", func(t *testing.T) {
		token := w.Link(t, signUpRef(world.Birch, email))
		if _, err := w.Table.DeleteUser(t.Context(), w.User(t, world.BobAdmin), rostertest.Stamp()); err != nil {
			t.Fatal(err)
		}
		if got, err := w.Directory.OpenInvitation(t.Context(), token); err != nil || got.InviterName != "" || got.OrganizationName != "Birch" {
			t.Errorf("OpenInvitation = %+v, %v", got, err)
		}
	})
}

func TestAnInvitedUserTakesUpTheAccount(t *testing.T) {
	w := world.New(t)
	before, token := invited(t, w, world.Cedar, roster.RoleStaff)
	i := invitation(t, w, inviteRef(&before))
	if err := w.Table.RecordFeedback(t.Context(), roster.Feedback{Delivery: roster.DeliveryBounced, Email: before.Email, Ref: i.Ref(), ID: i.ID}); err != nil {
		t.Fatal(err)
	}
	if u, err := w.Table.User(t.Context(), 100, before.ID); err != nil || !u.EmailBounced {
		t.Fatalf("the user is %+v, %v", u, err)
	}
	got, err := w.Directory.AcceptInvitation(t.Context(), token, acceptance(), fromPage())
	if err != nil {
		t.Fatal(err)
	}
	want := before
	want.Status, want.RegisteredAt = roster.StatusActive, world.Now
	want.Name, want.GivenName, want.FamilyName = "Nina Maria Newcomer", "Nina Maria", "Newcomer"
	want.UpdatedAt, want.Revision = got.User.UpdatedAt, got.User.Revision
	if diff := cmp.Diff(want, got.User); diff != "" {
		t.Errorf("the user (-want +got)\n%s", diff)
	}
	if stamp := (roster.Stamp{By: "user:" + before.ID.String(), Via: "page", RequestID: "request-9"}); got.User.Revision.Stamp != stamp {
		t.Errorf("the stamp is %+v, want %+v", got.User.Revision.Stamp, stamp)
	}
	if got.Offer.OrganizationName != "Cedar" || got.Offer.Name != "Nina Newcomer" || got.Offer.Invitation.ID != i.ID {
		t.Errorf("the offer is %+v", got.Offer)
	}
	if stored, err := w.Table.User(t.Context(), 100, before.ID); err != nil || !cmp.Equal(got.User, stored) {
		t.Errorf("the user is stored as %+v, %v", stored, err)
	}
	c, err := w.Table.Credential(t.Context(), 100, before.ID)
	if err != nil || c.PasswordHash != world.HashOf("aPasswordOfMyOwn1") || !c.ChangedAt.Equal(world.Now) || w.Hashed() != 1 {
		t.Errorf("the password is %+v, %v, after hashing %d times", c, err, w.Hashed())
	}
	nothingAt(t, w, inviteRef(&before))
	if _, err := w.Directory.OpenInvitation(t.Context(), token); !dead(err) {
		t.Errorf("the link leads to %v", err)
	}
	if _, err := w.Directory.AcceptInvitation(t.Context(), token, acceptance(), fromPage()); !dead(err) || w.Hashed() != 1 {
		t.Errorf("accepting once more: %v, after hashing %d times", err, w.Hashed())
	}
	acme := world.Client(world.Acme)
	if page, err := w.Directory.SearchUsers(t.Context(), &acme, roster.Query{Text: "Nina Maria", Page: roster.Page{Limit: 9}}); err != nil || page.Total != 1 || page.Users[0].Status != roster.StatusActive {
		t.Errorf("the search finds %+v, %v", page, err)
	}
	w.Check(t)
}

func TestANewPasswordChangesNothingElse(t *testing.T) {
	w := world.New(t)
	for _, flagged := range []bool{false, true} {
		before := w.NewUser(t, world.Birch, roster.RoleStaff, func(u *roster.User) { u.EmailBounced, u.EmailComplained = flagged, flagged })
		if err := w.Table.PutCredential(t.Context(), roster.Credential{Tenant: 100, User: before.ID, PasswordHash: "old", ChangedAt: world.Now.Add(-time.Hour)}, rostertest.Stamp()); err != nil {
			t.Fatal(err)
		}
		token := resetting(t, w, &before)
		got, err := w.Directory.AcceptInvitation(t.Context(), token, acceptance(), fromPage())
		if err != nil {
			t.Fatal(err)
		}
		want := before
		want.EmailBounced, want.EmailComplained = false, false
		want.UpdatedAt, want.Revision = got.User.UpdatedAt, got.User.Revision
		if diff := cmp.Diff(want, got.User); diff != "" {
			t.Errorf("the user (-want +got)\n%s", diff)
		}
		c, err := w.Table.Credential(t.Context(), 100, before.ID)
		if err != nil || c.PasswordHash != world.HashOf("aPasswordOfMyOwn1") || !c.ChangedAt.Equal(world.Now) {
			t.Errorf("the password is %+v, %v", c, err)
		}
		if _, err := w.Directory.OpenInvitation(t.Context(), token); !dead(err) {
			t.Errorf("the link leads to %v", err)
		}
	}
	w.Check(t)
}

func TestASignUpMakesAnOrganizationOfItsOwn(t *testing.T) {
	w := world.New(t)
	for named, want := range map[string]string{"Nina's Own": "Nina's Own", "": "Nina Maria Newcomer's organization"} {
		email := newAddress()
		token := signingUp(t, w, world.Birch, email)
		f := acceptance()
		f.OrganizationName = named
		got, err := w.Directory.AcceptInvitation(t.Context(), token, f, fromPage())
		if err != nil {
			t.Fatal(err)
		}
		u := got.User
		wanted := roster.User{
			Tenant: 100, ID: u.ID, Path: roster.OrgPath{world.Acme, world.Birch, u.Org()}, Email: email, Name: "Nina Maria Newcomer", GivenName: "Nina Maria",
			FamilyName: "Newcomer", Locale: "pl_PL", Roles: []roster.RoleID{roster.RoleAdmin}, Status: roster.StatusActive,
			CreatedAt: world.Now, UpdatedAt: world.Now, RegisteredAt: world.Now,
			Revision: roster.Revision{Version: 1, ChangedAt: world.Now, Stamp: roster.Stamp{By: "user:" + u.ID.String(), Via: "page", RequestID: "request-9"}},
		}
		if diff := cmp.Diff(wanted, u); diff != "" {
			t.Errorf("the user (-want +got)\n%s", diff)
		}
		o, err := w.Table.Organization(t.Context(), 100, u.Org())
		if err != nil || o.Name != want || o.Parent() != world.Birch {
			t.Errorf("the organization is %+v, %v, want it called %q", o, err, want)
		}
		c, err := w.Table.Credential(t.Context(), 100, u.ID)
		if err != nil || c.PasswordHash != world.HashOf("aPasswordOfMyOwn1") {
			t.Errorf("the password is %+v, %v", c, err)
		}
		nothingAt(t, w, signUpRef(world.Birch, email))
		if _, err := w.Directory.AcceptInvitation(t.Context(), token, f, fromPage()); !dead(err) {
			t.Errorf("accepting once more: %v", err)
		}
		acme := world.Client(world.Acme)
		if page, err := w.Directory.SearchUsers(t.Context(), &acme, roster.Query{Text: string(email), Page: roster.Page{Limit: 9}}); err != nil || page.Total != 1 {
			t.Errorf("the search finds %d users, %v", page.Total, err)
		}
	}
	w.Check(t)
}

func TestASignUpOfAnAddressThatSomebodyTookMeanwhile(t *testing.T) {
	w := world.New(t)
	email := newAddress()
	token := signingUp(t, w, world.Birch, email)
	w.NewUser(t, world.Dogwood, roster.RoleUser, func(u *roster.User) { u.Email = email })
	_, err := w.Directory.AcceptInvitation(t.Context(), token, acceptance(), fromPage())
	if roster.KindOf(err) != roster.KindConflict || !strings.Contains(err.Error(), "is taken") {
		t.Errorf("AcceptInvitation = %v, want that the address is taken", err)
	}
	if _, err := w.Directory.OpenInvitation(t.Context(), token); err != nil {
		t.Errorf("the link leads to %v", err)
	}
	w.Check(t)
}

func TestASignUpGoesOnlyAsDeepAsTheTree(t *testing.T) {
	w := world.New(t)
	email := newAddress()
	token := signingUp(t, w, world.Birch, email)
	d := with(w, func(p *directory.Ports) { p.Invitations = deeper{w.Table} })
	_, err := d.AcceptInvitation(t.Context(), token, acceptance(), fromPage())
	if roster.KindOf(err) != roster.KindInvalid || w.Hashed() != 0 {
		t.Errorf("AcceptInvitation = %v, want invalid", err)
	}
}

// deeper is a table whose invitations are for an organization at the bottom of the tree.
type deeper struct{ directory.Invitations }

func (d deeper) Invitation(ctx context.Context, ref roster.InvitationRef) (roster.Invitation, error) {
	i, err := d.Invitations.Invitation(ctx, ref)
	for len(i.Path) < roster.MaxDepth {
		i.Path = i.Path.Child(i.Path.Last() + 1)
	}
	return i, err
}

func TestALinkThatLeadsNowhereDoesNotTellWhy(t *testing.T) {
	w := world.New(t)
	acme := world.Client(world.Acme)
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	suspend := func(u *roster.User) {
		t.Helper()
		_, err := w.Directory.SetStatus(t.Context(), &acme, roster.StatusForm{User: u.ID, Status: roster.StatusSuspended}, write())
		do(err)
	}
	moveTo := func(u *roster.User, email roster.Email) {
		t.Helper()
		now, err := w.Table.User(t.Context(), u.Tenant, u.ID)
		do(err)
		after := now
		after.Email = email
		_, err = w.Table.UpdateUser(t.Context(), now, after, rostertest.Stamp())
		do(err)
	}
	later := with(w, func(p *directory.Ports) {
		p.Now = func() time.Time { return world.Now.Add(7 * 24 * time.Hour) }
	})
	almost := with(w, func(p *directory.Ports) {
		p.Now = func() time.Time { return world.Now.Add(7*24*time.Hour - time.Millisecond) }
	})
	unknown, _ := roster.NewLinkToken()
	cases := map[string]struct {
		d     *directory.Directory
		token string
	}{
		"no token":        {w.Directory, ""},
		"not a token":     {w.Directory, "hello"},
		"unknown":         {w.Directory, unknown},
		"a spoilt token":  {w.Directory, unknown[:42] + "!"},
		"a token doubled": {w.Directory, unknown + unknown},
	}
	{
		_, token := invited(t, w, world.Birch, roster.RoleUser)
		if _, err := almost.OpenInvitation(t.Context(), token); err != nil {
			t.Errorf("a moment before its time is over: %v", err)
		}
		cases["expired"] = struct {
			d     *directory.Directory
			token string
		}{later, token}
	}
	add := func(name, token string) {
		if _, err := w.Directory.OpenInvitation(t.Context(), token); !dead(err) {
			t.Errorf("%s: the link leads to %v", name, err)
		}
		cases[name] = struct {
			d     *directory.Directory
			token string
		}{w.Directory, token}
	}
	{
		_, token := invited(t, w, world.Birch, roster.RoleUser)
		_, err := w.Directory.AcceptInvitation(t.Context(), token, acceptance(), fromPage())
		do(err)
		add("used", token)
	}
	{
		u, token := invited(t, w, world.Birch, roster.RoleUser)
		_, err := w.Directory.AcceptInvitation(t.Context(), w.Link(t, inviteRef(&u)), acceptance(), fromPage())
		do(err)
		add("another link of the same invitation was used", token)
	}
	{
		u, token := invited(t, w, world.Birch, roster.RoleUser)
		do(w.Table.RemoveInvitation(t.Context(), invitation(t, w, inviteRef(&u))))
		add("revoked", token)
	}
	{
		u, token := invited(t, w, world.Birch, roster.RoleUser)
		_, err := plenty(w).InviteUser(t.Context(), &acme, roster.InvitationForm{Email: u.Email, Name: "Again", Role: roster.RoleUser, Organization: world.Birch}, write())
		do(err)
		add("replaced", token)
	}
	{
		u, token := invited(t, w, world.Birch, roster.RoleUser)
		do(w.Directory.RemoveUser(t.Context(), &acme, u.ID, write()))
		add("the user is gone", token)
	}
	{
		u, token := invited(t, w, world.Birch, roster.RoleUser)
		suspend(&u)
		add("the user is suspended", token)
	}
	{
		u, token := invited(t, w, world.Birch, roster.RoleUser)
		moveTo(&u, newAddress())
		add("the user has another address", token)
	}
	{
		u := w.NewUser(t, world.Birch, roster.RoleUser)
		token := resetting(t, w, &u)
		suspend(&u)
		add("the user of a reset is suspended", token)
	}
	{
		u := w.NewUser(t, world.Birch, roster.RoleUser)
		token := resetting(t, w, &u)
		moveTo(&u, newAddress())
		add("the user of a reset has another address", token)
	}
	{
		u := w.NewUser(t, world.Birch, roster.RoleUser)
		token := resetting(t, w, &u)
		do(w.Directory.RemoveUser(t.Context(), &acme, u.ID, write()))
		add("the user of a reset is gone", token)
	}
	{
		u := w.NewUser(t, world.Birch, roster.RoleUser)
		withPassword(t, w, &u)
		token := resetting(t, w, &u)
		p := world.Client(world.Birch)
		p.User = u.ID
		changing := with(w, func(p *directory.Ports) { p.Now = func() time.Time { return world.Now.Add(time.Second) } })
		do(changing.ChangePassword(t.Context(), &p, newPassword(), write()))
		add("the user of a reset has set a password since", token)
	}
	{
		email := newAddress()
		token := signingUp(t, w, world.Birch, email)
		do(w.Table.RemoveInvitation(t.Context(), invitation(t, w, signUpRef(world.Birch, email))))
		add("the sign-up is revoked", token)
	}
	before := w.Hashed()
	for name, c := range cases {
		_, open := c.d.OpenInvitation(t.Context(), c.token)
		_, accept := c.d.AcceptInvitation(t.Context(), c.token, acceptance(), fromPage())
		_, worse := c.d.AcceptInvitation(t.Context(), c.token, roster.AcceptanceForm{}, fromPage())
		for _, err := range []error{open, accept, worse} {
			if !dead(err) {
				t.Errorf("%s: %v, want the error of every dead link", name, err)
			} else if c.token != "" && strings.Contains(err.Error(), c.token) {
				t.Errorf("%s: the error %v holds the token", name, err)
			}
		}
	}
	if w.Hashed() != before {
		t.Errorf("%d passwords were hashed", w.Hashed()-before)
	}
	w.Check(t)
}

func TestALinkIsNotDeadBecauseTheTableIsSlow(t *testing.T) {
	w := world.New(t)
	_, token := invited(t, w, world.Birch, roster.RoleUser)
	bea := w.User(t, world.BeaUser)
	reset := resetting(t, w, &bea)
	broken := errors.New("no answer")
	for name, change := range map[string]func(*directory.Ports){
		"the link":         func(p *directory.Ports) { p.Invitations = failing{Invitations: w.Table, link: broken} },
		"the invitation":   func(p *directory.Ports) { p.Invitations = failing{Invitations: w.Table, invitation: broken} },
		"the user":         func(p *directory.Ports) { p.Users = failing{Users: w.Table, user: broken} },
		"the organization": func(p *directory.Ports) { p.Organizations = failing{organization: broken} },
		"the credential":   func(p *directory.Ports) { p.Credentials = failing{credential: broken} },
	} {
		d, token := with(w, change), token
		if name == "the credential" {
			token = reset
		}
		_, open := d.OpenInvitation(t.Context(), token)
		_, accept := d.AcceptInvitation(t.Context(), token, acceptance(), fromPage())
		if !errors.Is(open, broken) || !errors.Is(accept, broken) || w.Hashed() != 0 {
			t.Errorf("without %s: %v and %v", name, open, accept)
		}
	}
	if _, err := w.Directory.OpenInvitation(t.Context(), token); err != nil {
		t.Errorf("the link leads to %v", err)
	}
}

// failing is a table that does not answer some questions.
type failing struct {
	directory.Invitations
	directory.Users
	directory.Credentials
	link, invitation, user, organization, credential error
}

func (f failing) Credential(context.Context, roster.TenantID, roster.UserID) (roster.Credential, error) {
	return roster.Credential{}, f.credential
}

func (f failing) Link(ctx context.Context, hash roster.LinkHash) (roster.Link, error) {
	if f.link != nil {
		return roster.Link{}, f.link
	}
	return f.Invitations.Link(ctx, hash)
}

func (f failing) Invitation(ctx context.Context, ref roster.InvitationRef) (roster.Invitation, error) {
	if f.invitation != nil {
		return roster.Invitation{}, f.invitation
	}
	return f.Invitations.Invitation(ctx, ref)
}

func (f failing) User(context.Context, roster.TenantID, roster.UserID) (roster.User, error) {
	return roster.User{}, f.user
}

func (f failing) Organization(context.Context, roster.TenantID, roster.OrgID) (roster.Organization, error) {
	return roster.Organization{}, f.organization
}

func TestAnInvalidAcceptanceLeavesTheLinkAsItIs(t *testing.T) {
	w := world.New(t)
	user, invite := invited(t, w, world.Birch, roster.RoleUser)
	bea := w.User(t, world.BeaUser)
	for name, test := range map[string]struct {
		token string
		form  roster.AcceptanceForm
		want  string
	}{
		"an invitation":  {invite, roster.AcceptanceForm{}, "invalid: name must have 1 to 50 characters; password must have 8 to 128 characters"},
		"a sign-up":      {signingUp(t, w, world.Birch, newAddress()), roster.AcceptanceForm{Name: "R2D2", Password: "aPasswordOfMyOwn1", OrganizationName: "AB"}, "invalid: name must consist of "},
		"a new password": {resetting(t, w, &bea), roster.AcceptanceForm{Name: "Bea", Password: "short"}, "invalid: password must have 8 to 128 characters"},
	} {
		_, err := w.Directory.AcceptInvitation(t.Context(), test.token, test.form, fromPage())
		if err == nil || !strings.HasPrefix(err.Error(), test.want) || w.Hashed() != 0 {
			t.Errorf("%s: %v, want %s, and nothing hashed", name, err, test.want)
		}
		if _, err := w.Directory.OpenInvitation(t.Context(), test.token); err != nil {
			t.Errorf("%s: the link leads to %v now", name, err)
		}
	}
	if u, err := w.Table.User(t.Context(), 100, user.ID); err != nil || !cmp.Equal(u, user) {
		t.Errorf("the user is %+v, %v", u, err)
	}
	t.Run("nor does a password that cannot be hashed", func(t *testing.T) {
		d := with(w, func(p *directory.Ports) {
			p.HashPassword = func(string) (string, error) { return "", errors.New("no memory") }
		})
		if _, err := d.AcceptInvitation(t.Context(), invite, acceptance(), fromPage()); roster.KindOf(err) != roster.KindInternal || err == nil {
			t.Errorf("AcceptInvitation = %v, want internal", err)
		}
		if _, err := w.Directory.OpenInvitation(t.Context(), invite); err != nil {
			t.Errorf("the link leads to %v now", err)
		}
	})
}

func TestAnInvitationIsAcceptedOnceHoweverManyPress(t *testing.T) {
	w := world.New(t)
	user, invite := invited(t, w, world.Birch, roster.RoleAdmin)
	bea, email := w.User(t, world.BeaUser), newAddress()
	root, rootInvite := invited(t, w, world.Acme, roster.RoleAdmin)
	for _, test := range []struct {
		name string
		ref  roster.InvitationRef
		// tokens are those of several mails of the same invitation.
		tokens []string
	}{
		{"an invitation", inviteRef(&user), []string{invite, w.Link(t, inviteRef(&user))}},
		{"an invitation of an Admin of the root", inviteRef(&root), []string{rootInvite, w.Link(t, inviteRef(&root))}},
		{"a sign-up", signUpRef(world.Birch, email), []string{signingUp(t, w, world.Birch, email)}},
		{"a new password", resetRef(&bea), []string{resetting(t, w, &bea), w.Link(t, resetRef(&bea))}},
	} {
		const presses = 16
		accepted := make([]roster.User, presses)
		results := together(presses, func(i int) error {
			f := acceptance()
			f.Password = fmt.Sprintf("aPasswordOfMyOwn%d", i)
			a, err := w.Directory.AcceptInvitation(t.Context(), test.tokens[i%len(test.tokens)], f, fromPage())
			accepted[i] = a.User
			return err
		})
		winner := -1
		for i, err := range results {
			switch {
			case err == nil && winner >= 0:
				t.Errorf("%s: both %d and %d were accepted", test.name, winner, i)
			case err == nil:
				winner = i
			case !dead(err) && !(test.ref.Purpose == roster.PurposeSignUp && roster.KindOf(err) == roster.KindConflict):
				t.Errorf("%s: press %d: %v", test.name, i, err)
			}
		}
		if winner < 0 {
			t.Fatalf("%s: nobody got through: %v", test.name, results)
		}
		c, err := w.Table.Credential(t.Context(), 100, accepted[winner].ID)
		if want := world.HashOf(fmt.Sprintf("aPasswordOfMyOwn%d", winner)); err != nil || c.PasswordHash != want {
			t.Errorf("%s: the password is %+v, %v, not that of press %d", test.name, c, err, winner)
		}
		nothingAt(t, w, test.ref)
	}
	w.Check(t)
}

// meddling is a table on which the user is written once before each of so many acceptances.
type meddling struct {
	directory.Invitations
	world *world.World
	times int
}

func (m *meddling) AcceptInvitation(ctx context.Context, i roster.Invitation, link roster.LinkHash, before, after roster.User, c roster.Credential, stamp roster.Stamp) (roster.User, error) {
	if m.times > 0 {
		m.times--
		faster, err := m.world.Table.User(ctx, before.Tenant, before.ID)
		if err != nil {
			return roster.User{}, err
		}
		titled := faster
		titled.Title += "x"
		if _, err := m.world.Table.UpdateUser(ctx, faster, titled, rostertest.Stamp()); err != nil {
			return roster.User{}, err
		}
	}
	return m.Invitations.AcceptInvitation(ctx, i, link, before, after, c, stamp)
}

func TestAnAcceptanceIsDecidedAnewWhenSomebodyChangesTheUser(t *testing.T) {
	w := world.New(t)
	_, token := invited(t, w, world.Birch, roster.RoleUser)
	d := with(w, func(p *directory.Ports) { p.Invitations = &meddling{w.Table, w, 3} })
	got, err := d.AcceptInvitation(t.Context(), token, acceptance(), fromPage())
	if err != nil || got.User.Title != "xxx" || got.User.Status != roster.StatusActive || w.Hashed() != 1 {
		t.Errorf("AcceptInvitation = %+v, %v, hashed %d times", got.User, err, w.Hashed())
	}
	_, token = invited(t, w, world.Birch, roster.RoleUser)
	d = with(w, func(p *directory.Ports) { p.Invitations = &meddling{w.Table, w, 1000} })
	if _, err := d.AcceptInvitation(t.Context(), token, acceptance(), fromPage()); !errors.Is(err, roster.ErrVersionChanged) {
		t.Errorf("AcceptInvitation = %v, want the conflict", err)
	}
	w.Check(t)
}

// TestALinkOutlivesASuspension has a user suspended and made Active again: nobody has set a password.
func TestALinkOutlivesASuspension(t *testing.T) {
	w := world.New(t)
	u := w.NewUser(t, world.Birch, roster.RoleUser)
	token, acme := resetting(t, w, &u), world.Client(world.Acme)
	for _, status := range []roster.Status{roster.StatusSuspended, roster.StatusActive} {
		if _, err := w.Directory.SetStatus(t.Context(), &acme, roster.StatusForm{User: u.ID, Status: status}, write()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Directory.AcceptInvitation(t.Context(), token, acceptance(), fromPage()); err != nil {
		t.Errorf("AcceptInvitation = %v", err)
	}
}

func TestAcceptingAgainstEverythingElse(t *testing.T) {
	w := world.New(t)
	acme := world.Client(world.Acme)
	d := plenty(w)
	for n := range 10 {
		u, token := invited(t, w, world.Birch, roster.RoleUser)
		again := roster.InvitationForm{Email: u.Email, Name: "Nina Again", Role: roster.RoleStaff, Organization: world.Birch}
		others := []func() error{
			func() error { _, err := d.InviteUser(t.Context(), &acme, again, write()); return err },
			func() error { return d.RemoveUser(t.Context(), &acme, u.ID, write()) },
			func() error {
				_, err := d.SetStatus(t.Context(), &acme, roster.StatusForm{User: u.ID, Status: roster.StatusSuspended}, write())
				return err
			},
			func() error {
				_, err := d.TransferUser(t.Context(), &acme, roster.TransferForm{User: u.ID, Organization: world.Dogwood, Role: roster.RoleUser}, write())
				return err
			},
		}
		other := others[n%len(others)]
		results := together(2, func(i int) error {
			if i == 0 {
				_, err := d.AcceptInvitation(t.Context(), token, acceptance(), fromPage())
				return err
			}
			return other()
		})
		if err := results[0]; err != nil && !dead(err) {
			t.Errorf("accepting: %v", err)
		}
		if err := results[1]; err != nil && roster.KindOf(err) != roster.KindConflict && roster.KindOf(err) != roster.KindNotFound {
			t.Errorf("the other: %v", err)
		}
		after, err := w.Table.UserEvenDeleted(t.Context(), 100, u.ID)
		if err != nil {
			t.Fatal(err)
		}
		if accepted := results[0] == nil; accepted != !after.RegisteredAt.IsZero() {
			t.Errorf("accepting was %v, and the user is %+v", results[0], after)
		}
		// However it went, an Active user has no open invitation.
		if _, err := w.Table.Invitation(t.Context(), inviteRef(&u)); after.Status == roster.StatusActive && roster.KindOf(err) != roster.KindNotFound {
			t.Errorf("the user is Active and has an invitation, %v", err)
		}
	}
	w.Check(t)
}

func TestWhatFollowingALinkCosts(t *testing.T) {
	w := world.New(t)
	_, token := invited(t, w, world.Birch, roster.RoleUser)
	cost := rostertest.CostOf(t, func(ctx context.Context) error {
		_, err := w.Directory.OpenInvitation(ctx, token)
		return err
	})
	if cost.Calls != 4 || cost.Reads != 4 || cost.Writes != 0 {
		t.Errorf("opening costs %+v, want 4 reads of 1 RRU", cost)
	}
	cost = rostertest.CostOf(t, func(ctx context.Context) error {
		_, err := w.Directory.AcceptInvitation(ctx, token, acceptance(), fromPage())
		return err
	})
	if cost.Calls != 5 {
		t.Errorf("accepting costs %+v, want 4 reads and one write", cost)
	}
	bea := w.User(t, world.BeaUser)
	withPassword(t, w, &bea) // since DynamoDB Local reports nothing for an answer of nothing
	token = resetting(t, w, &bea)
	cost = rostertest.CostOf(t, func(ctx context.Context) error {
		_, err := w.Directory.OpenInvitation(ctx, token)
		return err
	})
	if cost.Calls != 5 || cost.Reads != 5 || cost.Writes != 0 {
		t.Errorf("opening a reset costs %+v, want 5 reads of 1 RRU", cost)
	}
	cost = rostertest.CostOf(t, func(ctx context.Context) error {
		_, err := w.Directory.OpenInvitation(ctx, "no token at all")
		if !dead(err) {
			return err
		}
		return nil
	})
	if cost.Calls != 0 {
		t.Errorf("what cannot be a token costs %+v", cost)
	}
}
