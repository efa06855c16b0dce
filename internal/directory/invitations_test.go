package directory_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/directory"
	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

// newAddress returns an address that nobody has.
func newAddress() roster.Email { return person("").Email }

func invitee(org roster.OrgID, role roster.RoleID) roster.InvitationForm {
	return roster.InvitationForm{Email: newAddress(), Name: "Nina Newcomer", Organization: org, Role: role}
}

// with returns a directory of the world with other ports.
func with(w *world.World, change func(*directory.Ports)) *directory.Directory {
	ports := w.Ports
	change(&ports)
	return directory.New(ports)
}

// plenty is a directory of the world whose quotas are never used up.
func plenty(w *world.World) *directory.Directory {
	return with(w, func(p *directory.Ports) {
		p.Policy = directory.MessagePolicy{InvitationsPerDay: 1e6, LinksPerDay: 1e6, LinksPerAddress: 1e6}
	})
}

func inviteRef(u *roster.User) roster.InvitationRef {
	return roster.InvitationRef{Tenant: u.Tenant, Purpose: roster.PurposeInvite, User: u.ID}
}

func resetRef(u *roster.User) roster.InvitationRef {
	return roster.InvitationRef{Tenant: u.Tenant, Purpose: roster.PurposeReset, User: u.ID}
}

func signUpRef(org roster.OrgID, email roster.Email) roster.InvitationRef {
	return roster.InvitationRef{Tenant: roster.TenantID(world.Path(org)[0]), Purpose: roster.PurposeSignUp, Org: org, Email: roster.Email(email.Key())}
}

// invitation returns what stands there.
func invitation(t *testing.T, w *world.World, ref roster.InvitationRef) roster.Invitation {
	t.Helper()
	i, err := w.Table.Invitation(t.Context(), ref)
	if err != nil {
		t.Fatalf("the invitation at %+v: %v", ref, err)
	}
	return i
}

// nothingAt fails the test if there is an invitation.
func nothingAt(t *testing.T, w *world.World, ref roster.InvitationRef) {
	t.Helper()
	if i, err := w.Table.Invitation(t.Context(), ref); roster.KindOf(err) != roster.KindNotFound {
		t.Errorf("at %+v stands %+v, %v, want nothing", ref, i, err)
	}
}

func TestInviteUser(t *testing.T) {
	w := world.New(t)
	p := w.As(t, world.SamStaff)
	form := invitee(world.Cedar, world.Auditor)
	form.Locale = "fr_FR"
	got, err := w.Directory.InviteUser(t.Context(), &p, form, write())
	if err != nil {
		t.Fatal(err)
	}
	stamp := roster.Stamp{By: "user:1002", Via: "test", RequestID: "request-2"}
	want := roster.User{
		Tenant: 100, ID: got.User.ID, Path: world.Path(world.Cedar), Email: form.Email, Name: "Nina Newcomer", GivenName: "Nina", FamilyName: "Newcomer",
		Locale: "fr_FR", Roles: []roster.RoleID{world.Auditor}, Status: roster.StatusPending, CreatedAt: world.Now, UpdatedAt: world.Now,
		Revision: roster.Revision{Version: 1, ChangedAt: world.Now, Stamp: stamp},
	}
	if diff := cmp.Diff(directory.Creation{User: want}, got); diff != "" {
		t.Errorf("InviteUser (-want +got)\n%s", diff)
	}
	if stored, err := w.Table.User(t.Context(), 100, got.User.ID); err != nil || !cmp.Equal(want, stored) {
		t.Errorf("the user is stored as %+v, %v", stored, err)
	}
	if c, err := w.Table.Credential(t.Context(), 100, got.User.ID); roster.KindOf(err) != roster.KindNotFound || w.Hashed() != 0 {
		t.Errorf("the user has the password %+v, %v, after hashing %d times", c, err, w.Hashed())
	}
	i := invitation(t, w, inviteRef(&want))
	wanted := roster.Invitation{
		Tenant: 100, ID: i.ID, Purpose: roster.PurposeInvite, Path: world.Path(world.Cedar), User: want.ID, Email: form.Email, Locale: "fr_FR",
		InvitedBy: 1002, CreatedAt: world.Now, ValidUntil: world.Now.Add(7 * 24 * time.Hour), Delivery: roster.DeliveryQueued,
		Revision: roster.Revision{Version: 1, ChangedAt: world.Now, Stamp: stamp},
	}
	if diff := cmp.Diff(wanted, i); diff != "" || i.ID == 0 {
		t.Errorf("the invitation (-want +got)\n%s", diff)
	}
	acme := world.Client(world.Acme)
	if page, err := w.Directory.SearchUsers(t.Context(), &acme, roster.Query{Text: string(form.Email), Page: roster.Page{Limit: 9}}); err != nil || page.Total != 1 {
		t.Errorf("the search finds %d users, %v", page.Total, err)
	}
	w.Check(t)
}

func TestAnInvitationIsIntoTheCallersOrganizationUnlessItSays(t *testing.T) {
	w := world.New(t)
	p := world.Client(world.Birch)
	d := with(w, func(p *directory.Ports) {
		p.Policy.InvitationValidity = 3 * time.Hour
		p.Search = nil
	})
	got, err := d.InviteUser(t.Context(), &p, invitee(0, roster.RoleUser), write())
	if err != nil || got.User.Org() != world.Birch {
		t.Fatalf("InviteUser = %+v, %v", got, err)
	}
	i := invitation(t, w, inviteRef(&got.User))
	if i.Org() != world.Birch || i.InvitedBy != 0 || i.Locale != "" || !i.ValidUntil.Equal(world.Now.Add(3*time.Hour)) {
		t.Errorf("the invitation is %+v", i)
	}
}

func TestRefusedInvitationsWriteNothing(t *testing.T) {
	w := world.New(t)
	client, staff, user := world.Client(world.Birch), w.As(t, world.CidStaff), w.As(t, world.UmaUser)
	bad := invitee(world.Birch, 0)
	bad.Name = "<b>"
	active := func(name string) roster.InvitationForm {
		f := invitee(world.Birch, roster.RoleUser)
		f.Email = w.User(t, name).Email
		return f
	}
	elsewhere := invitee(world.Birch, roster.RoleUser)
	elsewhere.Email = w.NewUser(t, world.Cedar, roster.RoleUser, pending).Email
	shouted := active(world.BobAdmin)
	shouted.Email = roster.Email(strings.ToUpper(string(shouted.Email)))
	pia := active(world.PiaPending)
	for _, test := range []struct {
		name   string
		caller roster.Principal
		form   roster.InvitationForm
		want   string
	}{
		{"without the permission", user, invitee(world.Acme, roster.RoleUser), "forbidden: this needs the permission ORG_INVITE_USERS"},
		{"without the permission, and invalid", user, bad, "forbidden: this needs the permission ORG_INVITE_USERS"},
		{"invalid", client, bad, "invalid: name must not contain slashes, backslashes, < and >; role must be positive; "},
		{"above", client, invitee(world.Acme, roster.RoleUser), "not found: organization not found"},
		{"beside", client, invitee(world.Dogwood, roster.RoleUser), "not found: organization not found"},
		{"in another tenant", client, invitee(world.Elm, roster.RoleUser), "not found: organization not found"},
		{"nowhere", client, invitee(4711, roster.RoleUser), "not found: organization not found"},
		{"with a role that there is not", client, invitee(world.Birch, 77), "not found: role not found; role names no role"},
		{"with more than one holds", staff, invitee(world.Cedar, roster.RoleAdmin), "forbidden: the role Admin holds permissions that you lack: "},
		{"who is Active", client, active(world.BeaUser), "conflict: the e-mail address Bea@User.example is taken"},
		{"who is Active, in capitals", client, shouted, "conflict: the e-mail address BOB@ADMIN.EXAMPLE is taken"},
		{"who is Suspended, above", client, active(world.SueSuspended), "conflict: the e-mail address Sue@Suspended.example is taken"},
		{"who is Pending, above", client, pia, "conflict: the e-mail address Pia@Pending.example is taken"},
		{"who is Pending, below", client, elsewhere, "conflict: the e-mail address " + string(elsewhere.Email) + " is taken"},
		{"of another tenant", client, active(world.EveAdmin), "conflict: the e-mail address Eve@Admin.example is taken"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var err error
			cost := rostertest.CostOf(t, func(ctx context.Context) error {
				_, err = w.Directory.InviteUser(ctx, &test.caller, test.form, write())
				return nil
			})
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("the answer is %v, want %s", err, test.want)
			}
			if !takenText(test.want) && cost.Writes != 0 {
				t.Errorf("refusing wrote, for %+v", cost)
			}
		})
	}
	t.Run("nobody was counted", func(t *testing.T) {
		d := with(w, func(p *directory.Ports) { p.Policy.InvitationsPerDay = 1 })
		if _, err := d.InviteUser(t.Context(), &client, invitee(world.Birch, roster.RoleUser), write()); err != nil {
			t.Errorf("the first of the day: %v", err)
		}
	})
	w.Check(t)
}

func takenText(want string) bool { return strings.HasSuffix(want, "is taken") }

func TestATakenAddressCostsTheSameWhoeverHasIt(t *testing.T) {
	w := world.New(t)
	p := world.Client(world.Birch)
	costs := map[string]string{}
	for _, name := range []string{world.BeaUser, world.AnnAdmin, world.DotAdmin, world.EveAdmin, world.PiaPending} {
		form := invitee(world.Birch, roster.RoleUser)
		form.Email = w.User(t, name).Email
		meter := &roster.Meter{}
		if _, err := w.Directory.InviteUser(roster.WithMeter(t.Context(), meter), &p, form, write()); roster.KindOf(err) != roster.KindConflict {
			t.Errorf("inviting %s: %v", name, err)
		}
		c := meter.Cost()
		costs[name] = fmt.Sprintf("%d calls, %v RRU, %v WRU", c.Calls, c.Reads, c.Writes)
	}
	for name, cost := range costs {
		if cost != costs[world.BeaUser] {
			t.Errorf("that %s has the address costs %s, that %s has it %s", name, cost, world.BeaUser, costs[world.BeaUser])
		}
	}
}

func TestAPendingUserIsInvitedAgain(t *testing.T) {
	w := world.New(t)
	p := w.As(t, world.BobAdmin)
	form := invitee(world.Cedar, roster.RoleStaff)
	form.Locale = "fr_FR"
	first, err := w.Directory.InviteUser(t.Context(), &p, form, write())
	if err != nil {
		t.Fatal(err)
	}
	before, token := invitation(t, w, inviteRef(&first.User)), w.Link(t, inviteRef(&first.User))
	again := form
	again.Email, again.Name, again.Role, again.Locale = roster.Email(strings.ToUpper(string(form.Email))), "Nina van Newcomer", roster.RoleUser, "de_DE"
	got, err := w.Directory.InviteUser(t.Context(), &p, again, write())
	if err != nil {
		t.Fatal(err)
	}
	want := first.User
	want.Name, want.GivenName, want.FamilyName = "Nina van Newcomer", "Nina van", "Newcomer"
	want.Roles, want.Locale = []roster.RoleID{roster.RoleUser}, "de_DE"
	want.UpdatedAt, want.Revision = got.User.UpdatedAt, got.User.Revision
	if diff := cmp.Diff(directory.Creation{User: want}, got); diff != "" || got.User.Revision.Version != 2 {
		t.Errorf("the second InviteUser (-want +got)\n%s", diff)
	}
	after := invitation(t, w, inviteRef(&first.User))
	if after.ID == before.ID || after.Locale != "de_DE" || after.Delivery != roster.DeliveryQueued || after.Email != form.Email || after.InvitedBy != 1007 {
		t.Errorf("the invitation is %+v, was %+v", after, before)
	}
	if _, err := w.Directory.OpenInvitation(t.Context(), token); !dead(err) {
		t.Errorf("the link of the first leads to %v", err)
	}
	if _, err := w.Directory.OpenInvitation(t.Context(), w.Link(t, after.Ref())); err != nil {
		t.Errorf("the link of the second: %v", err)
	}
	acme := world.Client(world.Acme)
	if page, err := w.Directory.SearchUsers(t.Context(), &acme, roster.Query{Text: "Nina van Newcomer", Page: roster.Page{Limit: 9}}); err != nil || page.Total != 1 {
		t.Errorf("the search finds %d users, %v", page.Total, err)
	}
	t.Run("and keeps the locale if none is given", func(t *testing.T) {
		again.Locale = ""
		got, err := w.Directory.InviteUser(t.Context(), &p, again, write())
		if i := invitation(t, w, inviteRef(&first.User)); err != nil || got.User.Locale != "de_DE" || i.Locale != "de_DE" || i.ID == after.ID {
			t.Errorf("InviteUser = %+v, %v, with %+v", got, err, i)
		}
	})
	w.Check(t)
}

func TestNobodyInvitesToWhatTheyLack(t *testing.T) {
	w := world.New(t)
	d := plenty(w)
	may := map[roster.RoleID]map[roster.RoleID]bool{
		roster.RoleAdmin: {roster.RoleAdmin: true, roster.RoleStaff: true, roster.RoleUser: true, world.Auditor: true, world.Mover: true},
		roster.RoleStaff: {roster.RoleStaff: true, roster.RoleUser: true, world.Auditor: true},
	}
	for caller, grants := range may {
		p := world.Client(world.Birch)
		p.User = 4711
		held, err := w.Table.Role(t.Context(), p.Tenant, caller)
		if err != nil {
			t.Fatal(err)
		}
		p.Permissions = held.Permissions
		for _, granted := range []roster.RoleID{roster.RoleAdmin, roster.RoleStaff, roster.RoleUser, world.Auditor, world.Mover} {
			want := "done"
			if !grants[granted] {
				want = "forbidden"
			}
			_, fresh := d.InviteUser(t.Context(), &p, invitee(world.Cedar, granted), write())
			to, from := invitee(world.Cedar, granted), invitee(world.Cedar, roster.RoleUser)
			to.Email = w.NewUser(t, world.Cedar, roster.RoleUser, pending).Email
			had := w.NewUser(t, world.Cedar, granted, pending)
			from.Email = had.Email
			_, raised := d.InviteUser(t.Context(), &p, to, write())
			_, lowered := d.InviteUser(t.Context(), &p, from, write())
			for how, err := range map[string]error{"inviting to it": fresh, "inviting again to it": raised, "inviting again who had it": lowered} {
				if got := outcome(err); got != want {
					t.Errorf("a caller with role %s, role %s, %s: %v, want %s", caller, granted, how, err, want)
				}
				if want == "forbidden" && !strings.Contains(err.Error(), "holds permissions that you lack: ") {
					t.Errorf("%s is refused with %v, which does not say why", how, err)
				}
			}
			if u, err := w.Table.User(t.Context(), 100, had.ID); want == "forbidden" && (err != nil || !cmp.Equal(u, had)) {
				t.Errorf("who had the role %s is %+v, %v", granted, u, err)
			}
		}
	}
	t.Run("a role that is gone holds nothing", func(t *testing.T) {
		p := w.As(t, world.SamStaff)
		form := invitee(world.Acme, roster.RoleUser)
		form.Email = w.NewUser(t, world.Acme, 999, pending).Email
		if _, err := d.InviteUser(t.Context(), &p, form, write()); err != nil {
			t.Errorf("InviteUser = %v", err)
		}
	})
}

func TestEachUseCaseOfMessagesNeedsItsPermission(t *testing.T) {
	w := world.New(t)
	d := plenty(w)
	cid := w.User(t, world.CidStaff)
	for _, test := range []struct {
		name       string
		permission roster.Permission
		// more is what else it takes: what is granted must be held.
		more roster.PermissionSet
		do   func(p *roster.Principal) error
	}{
		{"InviteUser", roster.OrgInviteUsers, roster.Permissions(roster.OrgViewUsers), func(p *roster.Principal) error {
			_, err := d.InviteUser(t.Context(), p, invitee(world.Cedar, world.Auditor), write())
			return err
		}},
		{"RequestSignUp", roster.OrgInviteUsers, roster.AllPermissions, func(p *roster.Principal) error {
			return d.RequestSignUp(t.Context(), p, roster.MailForm{Email: newAddress()}, write())
		}},
		{"RequestPasswordReset", roster.OrgEditUsers, 0, func(p *roster.Principal) error {
			return d.RequestPasswordReset(t.Context(), p, roster.MailForm{Email: cid.Email}, write())
		}},
		{"ListInvitations", roster.OrgViewUsers, 0, func(p *roster.Principal) error {
			_, err := d.ListInvitations(t.Context(), p, world.Cedar, 0, 10)
			return err
		}},
	} {
		for _, p := range []roster.Principal{w.As(t, world.BobAdmin), world.Client(world.Birch)} {
			p.Permissions = roster.AllPermissions &^ roster.Permissions(test.permission)
			want := "forbidden: this needs the permission " + test.permission.String()
			if err := test.do(&p); err == nil || err.Error() != want {
				t.Errorf("%s with all but the permission: %v, want %s", test.name, err, want)
			}
			p.Permissions = test.more.Union(roster.Permissions(test.permission))
			if err := test.do(&p); err != nil {
				t.Errorf("%s with no more than it needs: %v", test.name, err)
			}
		}
	}
}

func TestTheQuotaOfInvitations(t *testing.T) {
	clock := rostertest.NewClock(world.Now)
	w := world.NewOn(t, rostertest.TableWith(t, dynamo.Options{Now: clock.Now}))
	d := with(w, func(p *directory.Ports) { p.Policy.InvitationsPerDay, p.Now = 3, clock.Now })
	sam, acme, birch := w.As(t, world.SamStaff), world.Client(world.Acme), world.Client(world.Birch)
	forms := []roster.InvitationForm{invitee(world.Acme, roster.RoleUser), invitee(world.Birch, roster.RoleUser)}
	for i, step := range []struct {
		caller *roster.Principal
		form   roster.InvitationForm
	}{{&sam, forms[0]}, {&acme, forms[1]}, {&acme, forms[0]}} {
		if _, err := d.InviteUser(t.Context(), step.caller, step.form, write()); err != nil {
			t.Fatalf("invitation %d: %v", i+1, err)
		}
	}
	refused := func(t *testing.T, d *directory.Directory, p *roster.Principal, form roster.InvitationForm) {
		t.Helper()
		_, err := d.InviteUser(t.Context(), p, form, write())
		e, ok := err.(*roster.Error)
		if !ok || e.Kind != roster.KindTooMany || e.RetryAfter != 12*time.Hour || e.Message != "too many invitations of this organization today" {
			t.Errorf("one too many: %v", err)
		}
		if _, _, err := w.Table.EmailOwner(t.Context(), form.Email); form.Email != forms[0].Email && roster.KindOf(err) != roster.KindNotFound {
			t.Errorf("one too many left a user: %v", err)
		}
	}
	refused(t, d, &acme, invitee(world.Acme, roster.RoleUser))
	refused(t, d, &sam, invitee(world.Dogwood, roster.RoleUser))
	before := invitation(t, w, inviteRef(ownerOf(t, w, forms[0].Email)))
	refused(t, d, &acme, forms[0])
	if after := invitation(t, w, before.Ref()); after.ID != before.ID {
		t.Errorf("inviting again beyond the quota put the invitation %+v in the place of %+v", after, before)
	}
	if _, err := d.InviteUser(t.Context(), &birch, invitee(world.Birch, roster.RoleUser), write()); err != nil {
		t.Errorf("another organization's: %v", err)
	}
	never := with(w, func(p *directory.Ports) { p.Policy.InvitationsPerDay = -1 })
	dogwood := world.Client(world.Dogwood)
	refused(t, never, &dogwood, invitee(world.Dogwood, roster.RoleUser))
	clock.Advance(12 * time.Hour)
	if _, err := d.InviteUser(t.Context(), &acme, invitee(world.Acme, roster.RoleUser), write()); err != nil {
		t.Errorf("the next day: %v", err)
	}
	w.Check(t)
}

// ownerOf returns the user who has the address.
func ownerOf(t *testing.T, w *world.World, email roster.Email) *roster.User {
	t.Helper()
	tenant, id, err := w.Table.EmailOwner(t.Context(), email)
	if err != nil {
		t.Fatal(err)
	}
	u, err := w.Table.User(t.Context(), tenant, id)
	if err != nil {
		t.Fatal(err)
	}
	return &u
}

func TestWithoutAPolicyTheUsualOneHolds(t *testing.T) {
	w := world.New(t)
	p := world.Client(world.Acme)
	for n := range 26 {
		_, err := w.Directory.InviteUser(t.Context(), &p, invitee(world.Acme, roster.RoleUser), write())
		if want := n < 25; (err == nil) != want || !want && roster.KindOf(err) != roster.KindTooMany {
			t.Errorf("invitation %d of the day: %v", n+1, err)
		}
	}
	email := newAddress()
	for n := range 6 {
		err := w.Directory.RequestSignUp(t.Context(), &p, roster.MailForm{Email: email}, write())
		if want := n < 5; (err == nil) != want || !want && roster.KindOf(err) != roster.KindTooMany {
			t.Errorf("link %d to the address: %v", n+1, err)
		}
	}
	if got, want := directory.DefaultMessagePolicy(), (directory.MessagePolicy{InvitationValidity: 168 * time.Hour, InvitationsPerDay: 25, LinksPerDay: 1000, LinksPerAddress: 5}); got != want {
		t.Errorf("DefaultMessagePolicy = %+v, want %+v", got, want)
	}
}

func TestInvitationsHappenOnce(t *testing.T) {
	w := world.New(t)
	p := world.Client(world.Acme)
	form := invitee(world.Acme, roster.RoleUser)
	var ids []roster.InvitationID
	for key := byte(1); key <= 2; key++ { // the first invites, the second invites again
		first, err := w.Directory.InviteUser(t.Context(), &p, form, write(once(key, 1)))
		if err != nil || first.Replayed {
			t.Fatalf("the first time: %+v, %v", first, err)
		}
		id := invitation(t, w, inviteRef(&first.User)).ID
		again, err := w.Directory.InviteUser(t.Context(), &p, form, write(once(key, 1)))
		if err != nil || !again.Replayed {
			t.Errorf("the second time: %+v, %v", again, err)
		}
		again.Replayed = false
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("the second time (-first +second)\n%s", diff)
		}
		if now := invitation(t, w, inviteRef(&first.User)).ID; now != id {
			t.Errorf("the second time mailed invitation %s, the first %s", now, id)
		}
		if _, err := w.Directory.InviteUser(t.Context(), &p, form, write(once(key, 2))); roster.KindOf(err) != roster.KindUnprocessable {
			t.Errorf("with another body: %v, want unprocessable", err)
		}
		ids = append(ids, id)
	}
	if ids[0] == ids[1] {
		t.Error("inviting again made no new invitation")
	}
}

func TestAnAddressGivenAwayAndBackIsInvitedAfterAll(t *testing.T) {
	w := world.New(t)
	p := world.Client(world.Acme)
	for taken, want := range map[int]string{2: "done", 100: "unavailable"} {
		f := &fleeting{Invitations: w.Table, Users: w.Table, taken: taken}
		d := with(w, func(p *directory.Ports) { p.Invitations, p.Users = f, f })
		if _, err := d.InviteUser(t.Context(), &p, invitee(world.Acme, roster.RoleUser), write()); outcome(err) != want {
			t.Errorf("taken %d times: %v, want %s", taken, err, want)
		}
	}
}

// fleeting is a table whose addresses are taken when somebody is invited, and have no owner when that is looked up.
type fleeting struct {
	directory.Invitations
	directory.Users
	taken int
}

func (f *fleeting) CreateInvitedUser(ctx context.Context, n roster.NewUser, i roster.Invitation, quotas []roster.Quota, stamp roster.Stamp, once *roster.Once) (roster.User, bool, error) {
	if f.taken > 0 {
		f.taken--
		return roster.User{}, false, roster.Taken("email", "the e-mail address")
	}
	return f.Invitations.CreateInvitedUser(ctx, n, i, quotas, stamp, once)
}

func (f *fleeting) EmailOwner(context.Context, roster.Email) (roster.TenantID, roster.UserID, error) {
	return 0, 0, roster.NotFound("user")
}

func TestRequestSignUp(t *testing.T) {
	w := world.New(t)
	p := w.As(t, world.BobAdmin)
	form := roster.MailForm{Email: "Nina.Newcomer@Example.com", Locale: "uk_UA"}
	if err := w.Directory.RequestSignUp(t.Context(), &p, form, write()); err != nil {
		t.Fatal(err)
	}
	i := invitation(t, w, signUpRef(world.Birch, form.Email))
	want := roster.Invitation{
		Tenant: 100, ID: i.ID, Purpose: roster.PurposeSignUp, Path: world.Path(world.Birch), Email: form.Email, Locale: "uk_UA", InvitedBy: 1007,
		CreatedAt: world.Now, ValidUntil: world.Now.Add(7 * 24 * time.Hour), Delivery: roster.DeliveryQueued,
		Revision: roster.Revision{Version: 1, ChangedAt: world.Now, Stamp: roster.Stamp{By: "user:1007", Via: "test", RequestID: "request-2"}},
	}
	if diff := cmp.Diff(want, i); diff != "" || i.ID == 0 {
		t.Errorf("the invitation (-want +got)\n%s", diff)
	}
	if _, _, err := w.Table.EmailOwner(t.Context(), form.Email); roster.KindOf(err) != roster.KindNotFound {
		t.Errorf("the address has an owner already: %v", err)
	}
	token := w.Link(t, i.Ref())
	if err := w.Directory.RequestSignUp(t.Context(), &p, form, write()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Directory.OpenInvitation(t.Context(), token); !dead(err) || invitation(t, w, i.Ref()).ID == i.ID {
		t.Errorf("the link of the sign-up before leads to %v", err)
	}
	w.Check(t)
}

func TestRefusedLinks(t *testing.T) {
	w := world.New(t)
	staff, user := w.As(t, world.CidStaff), w.As(t, world.UmaUser)
	deep := world.Client(world.Acme)
	for len(deep.Path) < roster.MaxDepth {
		deep.Path = deep.Path.Child(roster.OrgID(900 + len(deep.Path)))
	}
	good, bad := roster.MailForm{Email: newAddress()}, roster.MailForm{Email: "nobody", Locale: "x"}
	client := world.Client(world.Birch)
	type request func(context.Context, *roster.Principal, roster.MailForm, roster.Write) error
	for _, test := range []struct {
		name   string
		do     request
		caller roster.Principal
		form   roster.MailForm
		want   string
	}{
		{"a sign-up without the permission", w.Directory.RequestSignUp, user, bad, "forbidden: this needs the permission ORG_INVITE_USERS"},
		{"a sign-up that is invalid", w.Directory.RequestSignUp, client, bad, "invalid: email must be an e-mail address; locale must be "},
		{"a sign-up with more than one holds", w.Directory.RequestSignUp, staff, good, "forbidden: the role Admin holds permissions that you lack: "},
		{"a sign-up, too deep", w.Directory.RequestSignUp, deep, good, "invalid: organization must be less than 16 levels deep"},
		{"a reset without the permission", w.Directory.RequestPasswordReset, user, bad, "forbidden: this needs the permission ORG_EDIT_USERS"},
		{"a reset that is invalid", w.Directory.RequestPasswordReset, client, bad, "invalid: email must be an e-mail address; locale must be "},
	} {
		cost := rostertest.CostOf(t, func(ctx context.Context) error {
			if err := test.do(ctx, &test.caller, test.form, write()); err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("%s: %v, want %s", test.name, err, test.want)
			}
			return nil
		})
		if cost.Calls != 0 {
			t.Errorf("%s costs %+v, want no call", test.name, cost)
		}
	}
}

// knowledge is what a caller can see of a request about an address: its answer, and what it cost as far as that can be felt.
type knowledge struct {
	answer string
	calls  int
	reads  float64
}

func learn(t *testing.T, do func(ctx context.Context) error) knowledge {
	t.Helper()
	var answer string
	cost := rostertest.CostOf(t, func(ctx context.Context) error {
		answer = fmt.Sprint(do(ctx))
		return nil
	})
	return knowledge{answer, cost.Calls, cost.Reads}
}

func TestASignUpDoesNotTellWhetherAnAddressIsKnown(t *testing.T) {
	w := world.New(t)
	p := world.Client(world.Birch)
	d := with(w, func(p *directory.Ports) { p.Policy.LinksPerAddress = 2 })
	known := []roster.Email{}
	for _, name := range []string{world.BeaUser, world.CidStaff, world.AnnAdmin, world.DotAdmin, world.EveAdmin, world.PiaPending, world.SueSuspended} {
		known = append(known, w.User(t, name).Email)
	}
	for n := range 4 {
		unknown := learn(t, func(ctx context.Context) error {
			return d.RequestSignUp(ctx, &p, roster.MailForm{Email: "nobody@example.com"}, write())
		})
		if want := n < 2; (unknown.answer == "<nil>") != want || !want && unknown.answer != "too many: too many links to this address today" {
			t.Errorf("sign-up %d: %+v", n+1, unknown)
		}
		for _, email := range known {
			got := learn(t, func(ctx context.Context) error {
				return d.RequestSignUp(ctx, &p, roster.MailForm{Email: email}, write())
			})
			if got != unknown {
				t.Errorf("sign-up %d of %s: %+v, and of an unknown address %+v", n+1, email, got, unknown)
			}
		}
	}
	for _, email := range known {
		nothingAt(t, w, signUpRef(world.Birch, email))
	}
	invitation(t, w, signUpRef(world.Birch, "nobody@example.com"))
	w.Check(t)
}

// silent is a table that does not say who has an address, or where organizations are.
type silent struct {
	directory.Users
	err error
}

func (s silent) EmailOwner(context.Context, roster.Email) (roster.TenantID, roster.UserID, error) {
	return 0, 0, s.err
}

func (s silent) Organization(context.Context, roster.TenantID, roster.OrgID) (roster.Organization, error) {
	return roster.Organization{}, s.err
}

func TestAnAddressIsNotUnknownBecauseTheTableIsSlow(t *testing.T) {
	w := world.New(t)
	p, bea := world.Client(world.Birch), w.User(t, world.BeaUser)
	broken := errors.New("no answer")
	known := roster.MailForm{Email: bea.Email}
	taken := invitee(world.Birch, roster.RoleUser)
	taken.Email = bea.Email
	below := invitee(world.Cedar, roster.RoleUser)
	for name, change := range map[string]func(*directory.Ports){
		"the owner of an address": func(p *directory.Ports) { p.Users = silent{w.Table, broken} },
		"the user":                func(p *directory.Ports) { p.Users = silentUser{w.Table, broken} },
		"an organization":         func(p *directory.Ports) { p.Organizations = silent{err: broken} },
	} {
		d := with(w, change)
		_, invite := d.InviteUser(t.Context(), &p, taken, write())
		_, inviteBelow := d.InviteUser(t.Context(), &p, below, write())
		signUp, reset := d.RequestSignUp(t.Context(), &p, known, write()), d.RequestPasswordReset(t.Context(), &p, known, write())
		for _, test := range []struct {
			what    string
			err     error
			without []string
		}{
			{"inviting", invite, []string{"the owner of an address", "the user"}},
			{"inviting below", inviteBelow, []string{"an organization"}},
			{"a sign-up", signUp, []string{"the owner of an address", "an organization"}},
			{"a reset", reset, []string{"the owner of an address", "the user"}},
		} {
			if slices.Contains(test.without, name) && !errors.Is(test.err, broken) {
				t.Errorf("%s without %s: %v, want that it is not known", test.what, name, test.err)
			}
		}
	}
	nothingAt(t, w, signUpRef(world.Birch, bea.Email))
}

// silentUser is a table that does not say who a user is.
type silentUser struct {
	directory.Users
	err error
}

func (s silentUser) User(context.Context, roster.TenantID, roster.UserID) (roster.User, error) {
	return roster.User{}, s.err
}

func TestRequestPasswordReset(t *testing.T) {
	w := world.New(t)
	p := w.As(t, world.BobAdmin)
	cid := w.User(t, world.CidStaff)
	form := roster.MailForm{Email: roster.Email(strings.ToUpper(string(cid.Email))), Locale: "ja_JP"}
	if err := w.Directory.RequestPasswordReset(t.Context(), &p, form, write()); err != nil {
		t.Fatal(err)
	}
	i := invitation(t, w, resetRef(&cid))
	want := roster.Invitation{
		Tenant: 100, ID: i.ID, Purpose: roster.PurposeReset, Path: cid.Path, User: cid.ID, Email: cid.Email, Locale: "ja_JP", InvitedBy: 1007,
		CreatedAt: world.Now, ValidUntil: world.Now.Add(24 * time.Hour), Delivery: roster.DeliveryQueued,
		Revision: roster.Revision{Version: 1, ChangedAt: world.Now, Stamp: roster.Stamp{By: "user:1007", Via: "test", RequestID: "request-2"}},
	}
	if diff := cmp.Diff(want, i); diff != "" || i.ID == 0 {
		t.Errorf("the invitation (-want +got)\n%s", diff)
	}
	if after, err := w.Table.User(t.Context(), 100, cid.ID); err != nil || !cmp.Equal(cid, after) {
		t.Errorf("the user is %+v, %v", after, err)
	}
	t.Run("in the user's language, if none is asked for", func(t *testing.T) {
		acme, ann := world.Client(world.Acme), w.User(t, world.AnnAdmin)
		if err := w.Directory.RequestPasswordReset(t.Context(), &acme, roster.MailForm{Email: ann.Email}, write()); err != nil {
			t.Fatal(err)
		}
		if i := invitation(t, w, resetRef(&ann)); i.Locale != "de_DE" || i.InvitedBy != 0 {
			t.Errorf("the invitation is %+v", i)
		}
	})
	w.Check(t)
}

func TestAResetDoesNotTellWhoseAnAddressIs(t *testing.T) {
	w := world.New(t)
	p := world.Client(world.Birch)
	d := with(w, func(p *directory.Ports) { p.Policy.LinksPerAddress = 2 })
	gone := w.NewUser(t, world.Birch, roster.RoleUser)
	if _, err := w.Table.DeleteUser(t.Context(), gone, rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	others := []roster.User{
		w.User(t, world.AnnAdmin), w.User(t, world.DotAdmin), w.User(t, world.EveAdmin), gone,
		w.NewUser(t, world.Birch, roster.RoleUser, pending), w.NewUser(t, world.Birch, roster.RoleUser, func(u *roster.User) { u.Status = roster.StatusSuspended }),
	}
	bea := w.User(t, world.BeaUser)
	for n := range 4 {
		known := learn(t, func(ctx context.Context) error {
			return d.RequestPasswordReset(ctx, &p, roster.MailForm{Email: bea.Email}, write())
		})
		if want := n < 2; (known.answer == "<nil>") != want || !want && known.answer != "too many: too many links to this address today" {
			t.Errorf("reset %d: %+v", n+1, known)
		}
		emails := []roster.Email{"nobody@example.com"}
		for i := range others {
			emails = append(emails, others[i].Email)
		}
		for _, email := range emails {
			got := learn(t, func(ctx context.Context) error {
				return d.RequestPasswordReset(ctx, &p, roster.MailForm{Email: email}, write())
			})
			if got != known {
				t.Errorf("reset %d of %s: %+v, and of a user in reach %+v", n+1, email, got, known)
			}
		}
	}
	invitation(t, w, resetRef(&bea))
	for i := range others {
		nothingAt(t, w, resetRef(&others[i]))
	}
	w.Check(t)
}

func TestLinksAreCountedByOrganizationAndByAddress(t *testing.T) {
	w := world.New(t)
	acme, birch, elm := world.Client(world.Acme), world.Client(world.Birch), world.Client(world.Elm)
	d := with(w, func(p *directory.Ports) { p.Policy.LinksPerDay, p.Policy.LinksPerAddress = 5, 3 })
	cid := w.User(t, world.CidStaff).Email
	shouted := roster.Email(strings.ToUpper(string(cid)))
	type step struct {
		name   string
		caller *roster.Principal
		email  roster.Email
		signUp bool
		want   string
	}
	ok := "<nil>"
	for _, s := range []step{
		{"the first", &birch, cid, false, ok},
		{"a sign-up counts too", &acme, cid, true, ok},
		{"however the address is written", &birch, shouted, false, ok},
		{"the third by the organization", &birch, cid, true, ok},
		{"the fourth by the organization", &birch, shouted, false, "too many: too many links to this address today"},
		{"by the one above, which has a count of its own", &acme, cid, false, ok},
		{"in another tenant", &elm, cid, false, ok},
		{"to another address", &birch, newAddress(), true, ok},
		{"and another", &birch, newAddress(), false, ok},
		{"one too many of the organization", &birch, newAddress(), true, "too many: too many links of this organization today"},
		{"another organization's", &acme, newAddress(), false, ok},
	} {
		do := d.RequestPasswordReset
		if s.signUp {
			do = d.RequestSignUp
		}
		if err := do(t.Context(), s.caller, roster.MailForm{Email: s.email}, write()); fmt.Sprint(err) != s.want {
			t.Errorf("%s: %v, want %s", s.name, err, s.want)
		}
	}
	never := with(w, func(p *directory.Ports) { p.Policy.LinksPerDay = -1 })
	dogwood := world.Client(world.Dogwood)
	for _, do := range []func(context.Context, *roster.Principal, roster.MailForm, roster.Write) error{never.RequestSignUp, never.RequestPasswordReset} {
		if err := do(t.Context(), &dogwood, roster.MailForm{Email: newAddress()}, write()); roster.KindOf(err) != roster.KindTooMany {
			t.Errorf("where there is never any: %v", err)
		}
	}
}

func TestListInvitations(t *testing.T) {
	clock := rostertest.NewClock(world.Now)
	w := world.NewOn(t, rostertest.TableWith(t, dynamo.Options{Now: clock.Now}))
	d := with(w, func(p *directory.Ports) { p.Now = clock.Now; p.Policy.InvitationValidity = 48 * time.Hour })
	acme, birch := world.Client(world.Acme), world.Client(world.Birch)
	var wanted []roster.InvitationID
	for n := range 7 {
		if n%2 == 0 {
			c, err := d.InviteUser(t.Context(), &acme, invitee(world.Birch, roster.RoleUser), write())
			if err != nil {
				t.Fatal(err)
			}
			wanted = append(wanted, invitation(t, w, inviteRef(&c.User)).ID)
		} else {
			email := newAddress()
			if err := d.RequestSignUp(t.Context(), &birch, roster.MailForm{Email: email}, write()); err != nil {
				t.Fatal(err)
			}
			wanted = append(wanted, invitation(t, w, signUpRef(world.Birch, email)).ID)
		}
	}
	// None of these belongs to the list: in other organizations, and for a new password.
	for _, org := range []roster.OrgID{world.Acme, world.Cedar} {
		if _, err := d.InviteUser(t.Context(), &acme, invitee(org, roster.RoleUser), write()); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.RequestPasswordReset(t.Context(), &birch, roster.MailForm{Email: w.User(t, world.BeaUser).Email}, write()); err != nil {
		t.Fatal(err)
	}
	slices.Sort(wanted)
	list := func(p *roster.Principal, org roster.OrgID, limit int) []roster.InvitationID {
		t.Helper()
		ids := []roster.InvitationID{}
		for after := roster.InvitationID(0); ; {
			page, err := d.ListInvitations(t.Context(), p, org, after, limit)
			if err != nil || len(page.Invitations) > limit {
				t.Fatalf("after %s: %+v, %v", after, page, err)
			}
			for _, i := range page.Invitations {
				if i.Org() != world.Birch && org != world.Cedar {
					t.Errorf("on the list stands %+v", i)
				}
				ids = append(ids, i.ID)
			}
			if after = page.Next; after == 0 {
				return ids
			}
		}
	}
	bob := w.As(t, world.BobAdmin)
	for _, limit := range []int{1, 2, 3, 6, 7, 8, 1000} {
		for name, got := range map[string][]roster.InvitationID{
			"the caller's own": list(&birch, 0, limit), "by its id": list(&bob, world.Birch, limit), "from above": list(&acme, world.Birch, limit),
		} {
			if !slices.Equal(got, wanted) {
				t.Errorf("%s, %d at a time: %v, want %v", name, limit, got, wanted)
			}
		}
	}
	if got := list(&birch, world.Cedar, 10); len(got) != 1 {
		t.Errorf("of the organization below: %v", got)
	}
	clock.Advance(48 * time.Hour)
	if got := list(&birch, 0, 10); len(got) != 0 {
		t.Errorf("after their time there are %v", got)
	}
	for _, test := range []struct {
		caller roster.Principal
		org    roster.OrgID
		after  roster.InvitationID
		limit  int
		want   string
	}{
		{w.As(t, world.UmaUser), 0, 0, 0, "forbidden: this needs the permission ORG_VIEW_USERS"},
		{birch, world.Acme, 0, 1, "not found: organization not found"},
		{birch, world.Dogwood, 0, 1, "not found: organization not found"},
		{birch, world.Elm, 0, 1, "not found: organization not found"},
		{birch, 4711, 0, 1, "not found: organization not found"},
		{birch, -1, 0, 1, "invalid: organization must be positive"},
		{birch, 0, -1, 1, "invalid: after must be between 0 and 9007199254740991"},
		{birch, 0, roster.InvitationID(roster.MaxUserID) + 1, 1, "invalid: after must be between 0 and 9007199254740991"},
		{birch, 0, 0, 0, "invalid: limit must be between 1 and 1000"},
		{birch, 0, 0, 1001, "invalid: limit must be between 1 and 1000"},
	} {
		if _, err := d.ListInvitations(t.Context(), &test.caller, test.org, test.after, test.limit); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("of %s after %s, %d: %v, want %s", test.org, test.after, test.limit, err, test.want)
		}
	}
}

func TestManyInviteTheSameAddressAndThereIsOneUser(t *testing.T) {
	w := world.New(t)
	d := plenty(w)
	email := newAddress()
	const callers = 24
	ids := make([]roster.UserID, callers)
	results := together(callers, func(i int) error {
		p := world.Client(world.Acme)
		form := invitee(world.Birch, []roster.RoleID{roster.RoleUser, roster.RoleStaff}[i%2])
		form.Email, form.Name = email, fmt.Sprintf("Nina the %dth", i)
		c, err := d.InviteUser(t.Context(), &p, form, write())
		ids[i] = c.User.ID
		return err
	})
	owner := ownerOf(t, w, email)
	done := 0
	for i, err := range results {
		switch {
		case err == nil && ids[i] != owner.ID:
			t.Errorf("caller %d was given user %s, the address is that of %s", i, ids[i], owner.ID)
		case err == nil:
			done++
		case roster.KindOf(err) != roster.KindConflict && roster.KindOf(err) != roster.KindUnavailable:
			t.Errorf("caller %d: %v", i, err)
		}
	}
	if done < callers/2 {
		t.Errorf("only %d of %d got through: %v", done, callers, tally(results))
	}
	if int(owner.Revision.Version) > done || owner.Status != roster.StatusPending {
		t.Errorf("the user is %+v after %d invitations", owner, done)
	}
	acme := world.Client(world.Acme)
	page, err := d.ListInvitations(t.Context(), &acme, world.Birch, 0, 10)
	if err != nil || len(page.Invitations) != 1 || page.Invitations[0].User != owner.ID || page.Invitations[0].ID != invitation(t, w, inviteRef(owner)).ID {
		t.Errorf("the open invitations are %+v, %v", page, err)
	}
	w.Check(t)
}

func TestWhatInvitationsCost(t *testing.T) {
	w := world.New(t)
	p := world.Client(world.Acme)
	form := invitee(world.Acme, roster.RoleUser)
	for _, test := range []struct {
		name  string
		do    func(context.Context) error
		calls int
		reads float64
	}{
		{"an invitation", func(ctx context.Context) error {
			_, err := w.Directory.InviteUser(ctx, &p, form, write())
			return err
		}, 1, 0},
		{"a sign-up", func(ctx context.Context) error {
			return w.Directory.RequestSignUp(ctx, &p, roster.MailForm{Email: newAddress()}, write())
		}, 3, 2},
		{"a reset", func(ctx context.Context) error {
			return w.Directory.RequestPasswordReset(ctx, &p, roster.MailForm{Email: w.User(t, world.UmaUser).Email}, write())
		}, 3, 2},
	} {
		if cost := rostertest.CostOf(t, test.do); cost.Calls != test.calls || cost.Reads != test.reads {
			t.Errorf("%s costs %+v, want %d calls and %v RRU", test.name, cost, test.calls, test.reads)
		}
	}
}
