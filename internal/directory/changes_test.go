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
	"github.com/rosterhq/roster/internal/replica"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
	world "github.com/rosterhq/roster/internal/rostertest/directorytest"
)

// write is what a dialect says of a request.
func write(changes ...func(*roster.Write)) roster.Write {
	w := roster.Write{Via: "test", RequestID: "request-2"}
	for _, change := range changes {
		change(&w)
	}
	return w
}

// outcome is how a use case ended: done, or the kind of its error.
func outcome(err error) string {
	if err == nil {
		return "done"
	}
	return roster.KindOf(err).String()
}

// deed is something that a caller does to a user.
type deed struct {
	name string
	do   func(context.Context, *directory.Directory, *roster.Principal, *roster.User, roster.Write) error
}

func role(r roster.RoleID) deed {
	return deed{"role " + r.String(), func(ctx context.Context, d *directory.Directory, p *roster.Principal, u *roster.User, w roster.Write) error {
		_, err := d.ChangeRole(ctx, p, u.ID, r, w)
		return err
	}}
}

func transfer(org roster.OrgID, r roster.RoleID) deed {
	return deed{"transfer to " + org.String() + " as " + r.String(), func(ctx context.Context, d *directory.Directory, p *roster.Principal, u *roster.User, w roster.Write) error {
		_, err := d.TransferUser(ctx, p, roster.TransferForm{User: u.ID, Organization: org, Role: r}, w)
		return err
	}}
}

func status(s roster.Status) deed {
	return deed{s.String(), func(ctx context.Context, d *directory.Directory, p *roster.Principal, u *roster.User, w roster.Write) error {
		_, err := d.SetStatus(ctx, p, roster.StatusForm{User: u.ID, Status: s}, w)
		return err
	}}
}

var remove = deed{"remove", func(ctx context.Context, d *directory.Directory, p *roster.Principal, u *roster.User, w roster.Write) error {
	return d.RemoveUser(ctx, p, u.ID, w)
}}

var restore = deed{"restore", func(ctx context.Context, d *directory.Directory, p *roster.Principal, u *roster.User, w roster.Write) error {
	_, err := d.RestoreUser(ctx, p, u.ID, w)
	return err
}}

func TestNobodyLocksThemselvesOut(t *testing.T) {
	w := world.New(t)
	for _, test := range []struct {
		role roster.RoleID
		org  roster.OrgID
		deed deed
		want string
	}{
		{roster.RoleAdmin, world.Birch, role(roster.RoleUser), "forbidden: you cannot take the permission ORG_EDIT_USERS from yourself"},
		{roster.RoleAdmin, world.Birch, role(world.Auditor), "forbidden: you cannot take the permission ORG_EDIT_USERS from yourself"},
		{roster.RoleAdmin, world.Birch, role(roster.RoleStaff), "done"},
		{roster.RoleAdmin, world.Birch, role(roster.RoleAdmin), "done"},
		{roster.RoleStaff, world.Acme, role(roster.RoleUser), "forbidden: you cannot take the permission ORG_EDIT_USERS from yourself"},
		{roster.RoleAdmin, world.Birch, transfer(world.Cedar, roster.RoleAdmin), "forbidden: you cannot transfer yourself"},
		{roster.RoleAdmin, world.Birch, transfer(world.Birch, roster.RoleAdmin), "done"},
		{roster.RoleAdmin, world.Birch, transfer(world.Birch, roster.RoleStaff), "forbidden: you cannot take the permission ORG_TRANSFER_USERS from yourself"},
		{world.Mover, world.Acme, transfer(world.Birch, world.Mover), "forbidden: you cannot transfer yourself"},
		{roster.RoleAdmin, world.Birch, status(roster.StatusSuspended), "forbidden: you cannot suspend yourself"},
		{roster.RoleAdmin, world.Birch, status(roster.StatusActive), "done"},
		{roster.RoleAdmin, world.Birch, remove, "forbidden: you cannot delete yourself"},
	} {
		u := w.NewUser(t, test.org, test.role)
		p := w.Principal(&u)
		err := test.deed.do(t.Context(), w.Directory, &p, &u, write())
		got := "done"
		if err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("role %s of organization %s, to itself, %s: %s, want %s", test.role, test.org, test.deed.name, got, test.want)
		}
	}
}

func TestNobodyGrantsWhatTheyLack(t *testing.T) {
	w := world.New(t)
	// who may grant which role, in any way
	may := map[roster.RoleID]map[roster.RoleID]bool{
		roster.RoleAdmin: {roster.RoleAdmin: true, roster.RoleStaff: true, roster.RoleUser: true, world.Auditor: true, world.Mover: true},
		roster.RoleStaff: {roster.RoleStaff: true, roster.RoleUser: true, world.Auditor: true},
		world.Mover:      {roster.RoleUser: true, world.Auditor: true, world.Mover: true},
	}
	for caller, grants := range may {
		p := world.Client(world.Birch)
		p.User = 4711
		// Only granting is to be decided here, so the caller may do everything else.
		needed := roster.Permissions(roster.OrgInviteUsers, roster.OrgEditUsers, roster.OrgTransferUsers, roster.OrgDeleteUsers)
		held, err := w.Table.Role(t.Context(), p.Tenant, caller)
		if err != nil {
			t.Fatal(err)
		}
		for _, granted := range []roster.RoleID{roster.RoleAdmin, roster.RoleStaff, roster.RoleUser, world.Auditor, world.Mover} {
			role, err := w.Table.Role(t.Context(), p.Tenant, granted)
			if err != nil {
				t.Fatal(err)
			}
			p.Permissions = held.Permissions
			want := "done"
			if !grants[granted] {
				want = "forbidden"
			}
			p.Permissions = p.Permissions.Union(needed &^ role.Permissions)
			deleted := w.NewUser(t, world.Cedar, granted)
			if deleted, err = w.Table.DeleteUser(t.Context(), deleted, rostertest.Stamp()); err != nil {
				t.Fatal(err)
			}
			suspended := w.NewUser(t, world.Cedar, granted, func(u *roster.User) { u.Status = roster.StatusSuspended })
			target := w.NewUser(t, world.Cedar, 999)
			_, created := w.Directory.CreateUser(t.Context(), &p, member(world.Cedar, granted), write())
			_, changed := w.Directory.ChangeRole(t.Context(), &p, target.ID, granted, write())
			_, moved := w.Directory.TransferUser(t.Context(), &p, roster.TransferForm{User: target.ID, Organization: world.Birch, Role: granted}, write())
			_, restored := w.Directory.RestoreUser(t.Context(), &p, deleted.ID, write())
			_, readmitted := w.Directory.SetStatus(t.Context(), &p, roster.StatusForm{User: suspended.ID, Status: roster.StatusActive}, write())
			for how, err := range map[string]error{
				"creating": created, "changing": changed, "transferring": moved, "restoring": restored, "readmitting": readmitted,
			} {
				if lacks := !p.Permissions.Has(permissionFor(how)); lacks {
					continue // forbidden for another reason
				}
				if got := outcome(err); got != want {
					t.Errorf("a caller with role %s, granting %s by %s: %v, want %s", caller, granted, how, err, want)
				}
				if want == "forbidden" && !strings.Contains(err.Error(), "holds permissions that you lack: ") {
					t.Errorf("granting %s is refused with %v, which does not say why", granted, err)
				}
			}
		}
	}
}

// TestNobodyAltersWhoMayDoMore has a member of the staff try every way to a mail with a link that opens an Admin's account, or to what
// other systems know the Admin by.
func TestNobodyAltersWhoMayDoMore(t *testing.T) {
	w := world.New(t)
	sam := w.As(t, world.SamStaff)
	sam.Permissions = sam.Permissions.Union(roster.Permissions(roster.OrgTransferUsers))
	admin := w.NewUser(t, world.Acme, roster.RoleAdmin)
	user := w.NewUser(t, world.Acme, roster.RoleUser)
	patch := func(p roster.UserPatch) func(roster.UserID) error {
		return func(id roster.UserID) error {
			p.User = id
			_, err := w.Directory.PatchMember(t.Context(), &sam, world.Acme, p, write())
			return err
		}
	}
	address := 0
	for name, do := range map[string]func(roster.UserID) error{
		"a role, by itself": func(id roster.UserID) error {
			_, err := w.Directory.ChangeRole(t.Context(), &sam, id, roster.RoleStaff, write())
			return err
		},
		"a role, along with a transfer": func(id roster.UserID) error {
			_, err := w.Directory.TransferUser(t.Context(), &sam, roster.TransferForm{User: id, Organization: world.Acme, Role: world.Auditor}, write())
			return err
		},
		"roles":      patch(roster.UserPatch{Roles: &[]roster.RoleID{roster.RoleUser, world.Auditor}}),
		"delegates":  patch(roster.UserPatch{DelegateIDs: &[]roster.UserID{w.User(t, world.SamStaff).ID}}),
		"identities": patch(roster.UserPatch{Identities: &[]roster.Identity{{Type: "azure", Value: "sam"}}}),
		"the address": func(id roster.UserID) error {
			address++
			email := roster.Email(fmt.Sprintf("sam+%d@example.com", address))
			return patch(roster.UserPatch{Email: &email})(id)
		},
	} {
		if err := do(admin.ID); outcome(err) != "forbidden" {
			t.Errorf("%s of an Admin: %v, want forbidden", name, err)
		}
		if err := do(user.ID); err != nil {
			t.Errorf("%s of a user: %v", name, err)
		}
	}
}

func permissionFor(how string) roster.Permission {
	switch how {
	case "creating":
		return roster.OrgInviteUsers
	case "changing", "readmitting":
		return roster.OrgEditUsers
	case "transferring":
		return roster.OrgTransferUsers
	default:
		return roster.OrgDeleteUsers
	}
}

func TestWhatChangesLeaveBehind(t *testing.T) {
	w := world.New(t)
	p := world.Client(world.Acme)
	for _, test := range []struct {
		deed   deed
		before func(*roster.User)
		want   func(*roster.User)
	}{
		{role(roster.RoleUser), func(u *roster.User) { u.Roles = []roster.RoleID{roster.RoleStaff, world.Auditor} }, func(u *roster.User) { u.Roles = []roster.RoleID{roster.RoleUser} }},
		{transfer(world.Fir, roster.RoleAdmin), nil, func(u *roster.User) {
			u.Path, u.Roles = world.Path(world.Fir), []roster.RoleID{roster.RoleAdmin}
		}},
		{status(roster.StatusSuspended), nil, func(u *roster.User) { u.Status = roster.StatusSuspended }},
		{status(roster.StatusActive), func(u *roster.User) { u.Status = roster.StatusSuspended }, func(u *roster.User) { u.Status = roster.StatusActive }},
		{status(roster.StatusSuspended), pending, func(u *roster.User) { u.Status = roster.StatusSuspended }},
		{status(roster.StatusActive), func(u *roster.User) { pending(u); u.Status = roster.StatusSuspended }, func(u *roster.User) { u.Status = roster.StatusPending }},
	} {
		before := w.NewUser(t, world.Birch, roster.RoleStaff, func(u *roster.User) {
			if test.before != nil {
				test.before(u)
			}
		})
		if err := test.deed.do(t.Context(), w.Directory, &p, &before, write()); err != nil {
			t.Errorf("%s: %v", test.deed.name, err)
			continue
		}
		want := before.Clone()
		test.want(want)
		got, err := w.Table.User(t.Context(), before.Tenant, before.ID)
		if err != nil {
			t.Fatal(err)
		}
		want.UpdatedAt, want.Revision = got.UpdatedAt, got.Revision
		if diff := cmp.Diff(*want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", test.deed.name, diff)
		}
		stamp := roster.Stamp{By: "client:client-100", Via: "test", RequestID: "request-2"}
		if got.Revision.Version != before.Revision.Version+1 || got.Revision.Stamp != stamp || !got.Revision.ChangedAt.After(before.Revision.ChangedAt) {
			t.Errorf("%s left the revision %+v after %+v", test.deed.name, got.Revision, before.Revision)
		}
	}
	w.Check(t)
}

func pending(u *roster.User) {
	u.Status, u.RegisteredAt, u.LastLoginAt = roster.StatusPending, time.Time{}, time.Time{}
}

func TestWhatIsSoAlreadyIsNotWrittenAgain(t *testing.T) {
	w := world.New(t)
	p := world.Client(world.Acme)
	u := w.NewUser(t, world.Birch, roster.RoleStaff)
	for _, d := range []deed{role(roster.RoleStaff), transfer(world.Birch, roster.RoleStaff), status(roster.StatusActive), restore} {
		cost := rostertest.CostOf(t, func(ctx context.Context) error { return d.do(ctx, w.Directory, &p, &u, write()) })
		if cost.Writes != 0 {
			t.Errorf("%s wrote, for %+v", d.name, cost)
		}
	}
}

func TestAPendingUserIsMadeActiveByNobodyElse(t *testing.T) {
	w := world.New(t)
	p, pia := world.Client(world.Acme), w.User(t, world.PiaPending)
	if err := status(roster.StatusActive).do(t.Context(), w.Directory, &p, &pia, write()); roster.KindOf(err) != roster.KindConflict {
		t.Errorf("SetStatus = %v, want a conflict", err)
	}
}

func TestRemoveAndRestore(t *testing.T) {
	w := world.New(t)
	p := world.Client(world.Acme)
	u := w.NewUser(t, world.Birch, roster.RoleStaff)
	if err := w.Directory.RemoveUser(t.Context(), &p, u.ID, write()); err != nil {
		t.Fatal(err)
	}
	for _, d := range []deed{remove, role(roster.RoleUser), status(roster.StatusSuspended), transfer(world.Acme, roster.RoleUser)} {
		if err := d.do(t.Context(), w.Directory, &p, &u, write()); roster.KindOf(err) != roster.KindNotFound {
			t.Errorf("%s of a removed user = %v, want not found", d.name, err)
		}
	}
	restored, err := w.Directory.RestoreUser(t.Context(), &p, u.ID, write())
	if err != nil || restored.Deleted() || restored.Email != u.Email {
		t.Fatalf("RestoreUser = %+v, %v", restored, err)
	}
	t.Run("a name that somebody took meanwhile is named", func(t *testing.T) {
		if err := w.Directory.RemoveUser(t.Context(), &p, u.ID, write()); err != nil {
			t.Fatal(err)
		}
		w.NewUser(t, world.Dogwood, roster.RoleUser, func(other *roster.User) { other.Email = u.Email })
		_, err := w.Directory.RestoreUser(t.Context(), &p, u.ID, write())
		if roster.KindOf(err) != roster.KindConflict || !strings.Contains(err.Error(), string(u.Email)) {
			t.Errorf("RestoreUser = %v, want a conflict that names %s", err, u.Email)
		}
	})
	t.Run("a hidden one is not found", func(t *testing.T) {
		dogwood := world.Client(world.Dogwood)
		if _, err := w.Directory.RestoreUser(t.Context(), &dogwood, u.ID, write()); err == nil || err.Error() != roster.NotFound("user").Error() {
			t.Errorf("RestoreUser = %v, want not found", err)
		}
	})
	w.Check(t)
}

func TestAPreconditionIsHeldAgainstWhatIsThere(t *testing.T) {
	w := world.New(t)
	p := world.Client(world.Acme)
	for _, d := range []deed{role(roster.RoleUser), role(roster.RoleStaff), transfer(world.Cedar, roster.RoleUser), status(roster.StatusSuspended), status(roster.StatusActive), remove, restore} {
		u := w.NewUser(t, world.Birch, roster.RoleStaff)
		is := func(version int64) func(*roster.Write) {
			return func(w *roster.Write) {
				w.Precondition = func(u *roster.User) bool { return u.Revision.Version == version }
			}
		}
		err := d.do(t.Context(), w.Directory, &p, &u, write(is(7)))
		if roster.KindOf(err) != roster.KindPreconditionFailed {
			t.Errorf("%s of another version = %v, want precondition failed", d.name, err)
		}
		if got, err := w.Table.User(t.Context(), u.Tenant, u.ID); err != nil || !cmp.Equal(u, got) {
			t.Errorf("%s of another version changed the user: %v %s", d.name, err, cmp.Diff(u, got))
		}
		if err := d.do(t.Context(), w.Directory, &p, &u, write(is(1))); err != nil {
			t.Errorf("%s of that version = %v", d.name, err)
		}
	}
}

// interrupted is a table on which somebody else is faster: before each of so many writes the user is written once.
type interrupted struct {
	directory.Writes
	users directory.Users
	times int
}

func (i *interrupted) UpdateUser(ctx context.Context, before, after roster.User, stamp roster.Stamp) (roster.User, error) {
	if i.times > 0 {
		i.times--
		faster, err := i.users.User(ctx, before.Tenant, before.ID)
		if err != nil {
			return roster.User{}, err
		}
		faster.Title += "x"
		if _, err := i.Writes.UpdateUser(ctx, faster, faster, stamp); err != nil {
			return roster.User{}, err
		}
	}
	return i.Writes.UpdateUser(ctx, before, after, stamp)
}

func TestSomebodyElseWasFaster(t *testing.T) {
	w := world.New(t)
	p := world.Client(world.Acme)
	with := func(times int) *directory.Directory {
		ports := w.Ports
		ports.Writes = &interrupted{Writes: w.Table, users: w.Table, times: times}
		return directory.New(ports)
	}
	t.Run("so it is decided anew", func(t *testing.T) {
		u := w.NewUser(t, world.Birch, roster.RoleStaff)
		got, err := with(3).ChangeRole(t.Context(), &p, u.ID, roster.RoleUser, write())
		if err != nil || got.Title != "xxx" || got.Role() != roster.RoleUser || got.Revision.Version != 5 {
			t.Errorf("ChangeRole = %s %s %v, %v", got.Title, got.Role(), got.Revision, err)
		}
	})
	t.Run("again and again, so it is given up", func(t *testing.T) {
		u := w.NewUser(t, world.Birch, roster.RoleStaff)
		_, err := with(1000).ChangeRole(t.Context(), &p, u.ID, roster.RoleUser, write())
		if !errors.Is(err, roster.ErrVersionChanged) || roster.KindOf(err) != roster.KindConflict {
			t.Errorf("ChangeRole = %v, want the conflict", err)
		}
	})
	t.Run("so the precondition does not hold any more", func(t *testing.T) {
		u := w.NewUser(t, world.Birch, roster.RoleStaff)
		_, err := with(1).ChangeRole(t.Context(), &p, u.ID, roster.RoleUser, write(func(w *roster.Write) {
			w.Precondition = func(u *roster.User) bool { return u.Revision.Version == 1 }
		}))
		if roster.KindOf(err) != roster.KindPreconditionFailed {
			t.Errorf("ChangeRole = %v, want precondition failed", err)
		}
	})
	t.Run("and the caller has no more time", func(t *testing.T) {
		u := w.NewUser(t, world.Birch, roster.RoleStaff)
		ctx, cancel := context.WithCancel(t.Context())
		ports := w.Ports
		ports.Writes = canceling{w.Table, cancel}
		_, err := directory.New(ports).ChangeRole(ctx, &p, u.ID, roster.RoleUser, write())
		if roster.KindOf(err) != roster.KindUnavailable {
			t.Errorf("ChangeRole = %v, want unavailable", err)
		}
	})
}

// canceling is a table where somebody else was faster, and whose caller then goes away.
type canceling struct {
	directory.Writes
	cancel func()
}

func (c canceling) UpdateUser(context.Context, roster.User, roster.User, roster.Stamp) (roster.User, error) {
	c.cancel()
	return roster.User{}, roster.VersionChanged("user")
}

// A replica that will not look at the feed again shows what its own process writes.
func TestAWriteIsSeenAtOnceByTheSameProcess(t *testing.T) {
	w := world.New(t)
	ports := w.Ports
	search := replica.New(replica.Config{Feed: w.Table, Now: func() time.Time { return world.Now }, MaxAge: time.Hour})
	t.Cleanup(search.Wait)
	ports.Search = world.Searcher{Replicas: search}
	d := directory.New(ports)
	p := world.Client(world.Acme)
	find := func(text string) []roster.User {
		page, err := d.SearchUsers(t.Context(), &p, roster.Query{Text: text, Page: roster.Page{Limit: 10}})
		if err != nil {
			t.Fatal(err)
		}
		return page.Users
	}
	find("") // loads it
	owner, err := d.CreateUserWithOrganization(t.Context(), &p, roster.NewOwnerForm{NewUserForm: person("olga@example.com"), OrganizationName: "Olgas Own"}, write())
	if err != nil || len(find("olga@example.com")) != 1 {
		t.Fatalf("after CreateUserWithOrganization (%v) the search finds %v", err, find("olga@example.com"))
	}
	page, err := d.Organizations(t.Context(), &p, roster.Page{Limit: 10})
	if err != nil || page.Total != 6 {
		t.Errorf("after CreateUserWithOrganization there are %d organizations, %v, want 6", page.Total, err)
	}
	form := member(world.Birch, roster.RoleUser)
	form.Email = "mona@example.com"
	mona, err := d.CreateUser(t.Context(), &p, form, write())
	if err != nil || len(find("mona@example.com")) != 1 {
		t.Errorf("after CreateUser (%v) the search finds %v", err, find("mona@example.com"))
	}
	for _, step := range []struct {
		deed deed
		want func([]roster.User) bool
	}{
		{role(roster.RoleStaff), func(found []roster.User) bool { return found[0].Role() == roster.RoleStaff }},
		{transfer(owner.User.Org(), roster.RoleUser), func(found []roster.User) bool { return found[0].Org() == owner.User.Org() }},
		{status(roster.StatusSuspended), func(found []roster.User) bool { return found[0].Status == roster.StatusSuspended }},
		{remove, func(found []roster.User) bool { return len(found) == 0 }},
		{restore, func(found []roster.User) bool { return len(found) == 1 && found[0].Status == roster.StatusSuspended }},
	} {
		if err := step.deed.do(t.Context(), d, &p, &mona.User, write()); err != nil || !step.want(find("mona@example.com")) {
			t.Errorf("after %s (%v) the search finds %+v", step.deed.name, err, find("mona@example.com"))
		}
	}
	invitation := invitee(world.Birch, roster.RoleUser)
	invitation.Email = "ivan@example.com"
	for _, name := range []string{"Ivan Invited", "Ivan Twice"} { // the second time he is invited again
		invitation.Name = name
		if _, err := d.InviteUser(t.Context(), &p, invitation, write()); err != nil || len(find(name)) != 1 {
			t.Errorf("after InviteUser (%v) the search finds %v", err, find(name))
		}
	}
	token := w.Link(t, inviteRef(ownerOf(t, w, invitation.Email)))
	if _, err := d.AcceptInvitation(t.Context(), token, acceptance(), fromPage()); err != nil || find("ivan@example.com")[0].Status != roster.StatusActive {
		t.Errorf("after AcceptInvitation (%v) the search finds %v", err, find("ivan@example.com"))
	}
	token = signingUp(t, w, world.Acme, "iris@example.com")
	if _, err := d.AcceptInvitation(t.Context(), token, acceptance(), fromPage()); err != nil || len(find("iris@example.com")) != 1 {
		t.Errorf("after a sign-up (%v) the search finds %v", err, find("iris@example.com"))
	}
	if page, err := d.Organizations(t.Context(), &p, roster.Page{Limit: 10}); err != nil || page.Total != 7 {
		t.Errorf("after a sign-up there are %d organizations, %v, want 7", page.Total, err)
	}
	w.Check(t)
}

func TestWhatChangesCost(t *testing.T) {
	w := world.New(t)
	p := world.Client(world.Acme)
	rostertest.CostOf(t, func(ctx context.Context) error { // the table remembers where organizations are
		_, err := w.Table.Organization(ctx, p.Tenant, world.Cedar)
		return err
	})
	for _, test := range []struct {
		deed          deed
		reads, writes float64 // of the table; no writes for a transaction, whose cost is pinned in package dynamo
	}{
		{role(roster.RoleUser), 1, 1},
		{role(world.Auditor), 2, 1},
		{transfer(world.Cedar, roster.RoleUser), 2, 1},
		{transfer(world.Acme, roster.RoleUser), 1, 1},
		{status(roster.StatusSuspended), 1, 1},
		{remove, 1, 0},
	} {
		u := w.NewUser(t, world.Birch, roster.RoleStaff)
		cost := rostertest.CostOf(t, func(ctx context.Context) error { return test.deed.do(ctx, w.Directory, &p, &u, write()) })
		if cost.Calls != int(test.reads)+1 || cost.Reads != test.reads || test.writes != 0 && cost.TableWrites != test.writes {
			t.Errorf("%s costs %+v, want %v RRU and one write of %v WRU", test.deed.name, cost, test.reads, test.writes)
		}
	}
}
