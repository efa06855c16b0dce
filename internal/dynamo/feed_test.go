package dynamo_test

import (
	"cmp"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

func TestFeedShowsWhatStands(t *testing.T) {
	w := newWorld(t)
	role, err := w.CreateRole(t.Context(), roster.Role{Tenant: 7, Name: "Auditor"}, rostertest.Stamp())
	if err != nil {
		t.Fatal(err)
	}
	warehouse, err := w.CreateWarehouse(t.Context(), roster.Warehouse{Tenant: 7, Name: "East", Active: true}, rostertest.Stamp())
	if err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Second)
	since := w.clock.Now()
	kept := w.create(t, w.child, 101)
	moved := w.create(t, w.child, 102)
	gone := w.create(t, w.root, 103)
	w.clock.Advance(time.Second)
	after := *moved.Clone()
	after.Path = w.root
	if moved, err = w.UpdateUser(t.Context(), moved, after, rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	if gone, err = w.DeleteUser(t.Context(), gone, rostertest.Stamp()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.CreateTenant(t.Context(), rostertest.Tenant(20), rostertest.Stamp()); err != nil {
		t.Fatal(err) // another tenant, which must not be seen
	}

	var users []roster.User
	for _, c := range w.changes(t, since) {
		if c.User == nil {
			t.Errorf("the feed since then shows %v", c.Revision())
			continue
		}
		users = append(users, *c.User)
	}
	slices.SortFunc(users, func(a, b roster.User) int { return cmp.Compare(a.ID, b.ID) })
	if diff := gocmp.Diff([]roster.User{kept, moved, gone}, users); diff != "" {
		t.Errorf("the feed differs from what was written (-written +feed):\n%s", diff)
	}

	var organizations []roster.OrgID
	var roles []roster.Role
	var warehouses []roster.Warehouse
	for _, c := range w.changes(t, time.Time{}) {
		switch {
		case c.Organization != nil:
			organizations = append(organizations, c.Organization.ID)
		case c.Role != nil:
			roles = append(roles, *c.Role)
		case c.Warehouse != nil:
			warehouses = append(warehouses, *c.Warehouse)
		}
	}
	slices.Sort(organizations)
	if !slices.Equal(organizations, []roster.OrgID{7, 8}) || !gocmp.Equal(roles, []roster.Role{role}) || !gocmp.Equal(warehouses, []roster.Warehouse{warehouse}) {
		t.Errorf("the whole feed shows the organizations %v, the roles %v and the warehouses %v", organizations, roles, warehouses)
	}
	if late := w.changes(t, w.clock.Now().Add(time.Millisecond)); len(late) != 0 {
		t.Errorf("the feed of the future shows %v", late)
	}
}

func TestFeedIsInOrderOverManyPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	// One shard of more than a page: ids that are 1 mod 4.
	const users = 1600
	for first := 0; first < users; first += 400 {
		var batch []roster.NewUser
		for n := first; n < first+400; n++ {
			batch = append(batch, roster.NewUser{User: rostertest.User(w.child, 1001+4*n)})
		}
		if err := dynamo.FirstError(w.CreateUsers(t.Context(), batch, rostertest.Stamp())); err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(-time.Minute)
	}
	seen := make(map[roster.UserID]bool)
	var last time.Time
	err := w.Changes(t.Context(), 7, 1, time.Time{}, func(c roster.Change) error {
		if c.Revision().ChangedAt.Before(last) {
			t.Fatalf("after %v comes %v", last, c.Revision().ChangedAt)
		}
		last = c.Revision().ChangedAt
		if c.User != nil {
			if roster.Shard(c.User.ID) != 1 || seen[c.User.ID] {
				t.Fatalf("user %v is in shard 1, seen before: %v", c.User.ID, seen[c.User.ID])
			}
			seen[c.User.ID] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(seen) != users+1 { // and the admin, user 1
		t.Errorf("the shard shows %d users, want %d", len(seen), users+1)
	}
}
