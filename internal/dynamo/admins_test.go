package dynamo_test

import (
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

func TestTheAdminsOfTheRootAreCounted(t *testing.T) {
	w := newWorld(t)
	want := func(what, count string) {
		t.Helper()
		if got := w.admins(t); got != count {
			t.Errorf("%s there are %s Admins, want %s", what, got, count)
		}
	}
	want("at first", "1")
	second := w.create(t, w.root, 42, admin)
	want("with a second one", "2")
	w.create(t, w.child, 43, admin)
	want("with one of another organization", "2")
	w.create(t, w.root, 44)
	want("with another user", "2")
	pending := w.create(t, w.root, 45, admin, func(u *roster.User) { u.Status = roster.StatusPending })
	want("with one who has not come yet", "2")

	update := func(before roster.User, change func(*roster.User)) roster.User {
		t.Helper()
		w.clock.Advance(time.Second)
		after := *before.Clone()
		change(&after)
		user, err := w.UpdateUser(t.Context(), before, after, rostertest.Stamp())
		if err != nil {
			t.Fatal(err)
		}
		return user
	}
	pending = update(pending, func(u *roster.User) { u.Status = roster.StatusActive })
	want("when that one has come", "3")
	pending = update(pending, func(u *roster.User) { u.Path = w.child })
	want("when that one was transferred", "2")
	update(pending, func(u *roster.User) { u.Path = w.root })
	want("when that one came back", "3")
	second = update(second, func(u *roster.User) { u.Status = roster.StatusSuspended })
	want("when one was suspended", "2")
	second = update(second, func(u *roster.User) { u.Name = "Another Name" })
	want("when a suspended one was renamed", "2")
	second = update(second, func(u *roster.User) { u.Status = roster.StatusActive })
	want("when one was let in again", "3")
	deleted, err := w.DeleteUser(t.Context(), second, rostertest.Stamp())
	if err != nil {
		t.Fatal(err)
	}
	want("when one was deleted", "2")
	if _, err := w.RestoreUser(t.Context(), deleted, rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	want("when one was restored", "3")

	users := newUsers(w.root, 1000, 90)
	for i := range 45 {
		users[2*i].User.Roles = []roster.RoleID{roster.RoleUser, roster.RoleAdmin}
	}
	users[10].User.Email = "user-1@tenant-7.example.com" // taken
	if err := dynamo.FirstError(w.CreateUsers(t.Context(), users, rostertest.Stamp())); err == nil {
		t.Error("an address that is taken was not refused")
	}
	want("with 44 of 90 brought in", "47")
	w.CreateUsers(t.Context(), users, rostertest.Stamp())
	want("with the same brought in again", "47")
	w.mustFit(t)
}

func TestTheLastAdminStays(t *testing.T) {
	w := newWorld(t)
	last, err := w.User(t.Context(), 7, 1)
	if err != nil {
		t.Fatal(err)
	}
	suspended := w.create(t, w.root, 42, admin, func(u *roster.User) { u.Status = roster.StatusSuspended })
	for name, change := range map[string]func(*roster.User){
		"another role": func(u *roster.User) { u.Roles = []roster.RoleID{roster.RoleStaff} },
		"suspended":    func(u *roster.User) { u.Status = roster.StatusSuspended },
		"transferred":  func(u *roster.User) { u.Path = w.child },
	} {
		after := *last.Clone()
		change(&after)
		_, err := w.UpdateUser(t.Context(), last, after, rostertest.Stamp())
		wantLastAdmin(t, name, err)
	}
	_, err = w.DeleteUser(t.Context(), last, rostertest.Stamp())
	wantLastAdmin(t, "deleted", err)
	if now, err := w.User(t.Context(), 7, 1); err != nil || now.Revision != last.Revision {
		t.Errorf("the last Admin is now %v, %v", now, err)
	}
	renamed := last
	renamed.Name = "Another Name"
	if last, err = w.UpdateUser(t.Context(), last, renamed, rostertest.Stamp()); err != nil {
		t.Errorf("renaming the last Admin gives %v", err)
	}
	// With another one who may act it is the last no more.
	let := suspended
	let.Status = roster.StatusActive
	if _, err := w.UpdateUser(t.Context(), suspended, let, rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.DeleteUser(t.Context(), last, rostertest.Stamp()); err != nil {
		t.Errorf("deleting one of two gives %v", err)
	}
	w.mustFit(t)
}

func wantLastAdmin(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil || err.Error() != roster.LastAdmin().Error() {
		t.Errorf("%s gives %v, want %v", what, err, roster.LastAdmin())
	}
}

func TestBulkOfAdminsOfManyTenantsFits(t *testing.T) {
	w := newWorld(t)
	var users []roster.NewUser
	for n := range 50 {
		tenant := roster.TenantID(20 + n)
		if _, err := w.CreateTenant(t.Context(), rostertest.Tenant(tenant), rostertest.Stamp()); err != nil {
			t.Fatal(err)
		}
		users = append(users, newcomer(rostertest.User(roster.OrgPath{tenant.Root()}, 42, admin)))
	}
	// 50 users of three items and 50 counts are too much for one transaction.
	if err := dynamo.FirstError(w.CreateUsers(t.Context(), users, rostertest.Stamp())); err != nil {
		t.Error(err)
	}
	w.mustFit(t)
}
