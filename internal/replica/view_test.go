package replica

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/roster"
)

// everyone returns copies of all users that EachUser visits.
func everyone(t interface {
	Helper()
	Fatalf(string, ...any)
}, v *View, q roster.Query) []roster.User {
	t.Helper()
	users := []roster.User{}
	if err := v.EachUser(q, func(u *roster.User) bool {
		users = append(users, *u.Clone())
		return true
	}); err != nil {
		t.Fatalf("EachUser(%+v): %v", q, err)
	}
	return users
}

func (s *station) view() *View {
	s.t.Helper()
	v, err := s.View(s.t.Context(), testTenant)
	if err != nil {
		s.t.Fatalf("View: %v", err)
	}
	return v
}

// delegating returns version n of a user with those delegates.
func delegating(id roster.UserID, n int64, delegates ...roster.UserID) *roster.User {
	u := user(id, fmt.Sprint("User ", id), n, testStart.Add(time.Duration(n)))
	for _, d := range delegates {
		u.Delegates = append(u.Delegates, roster.Delegate{User: d})
	}
	return u
}

func (s *station) wantDelegators(id roster.UserID, want ...roster.UserID) {
	s.t.Helper()
	if got := s.view().Delegators(id); !slices.Equal(got, want) {
		s.t.Errorf("Delegators(%d) = %v, want %v", id, got, want)
	}
}

func TestDelegatorsFollowEveryChange(t *testing.T) {
	for name, fold := range map[string]uint32{"in the tail": 1000, "folded": 1} {
		t.Run(name, func(t *testing.T) {
			s := newStation(t, Config{})
			s.foldAt = func(uint32) uint32 { return fold }
			put := func(u *roster.User) {
				s.feed.put(roster.Change{User: u})
				s.view() // takes the change in
				s.Wait()
			}
			put(delegating(9, 1, 5))
			put(delegating(2, 1, 5, 6))
			put(delegating(5, 1))
			s.wantDelegators(5, 2, 9)
			s.wantDelegators(6, 2) // who does not exist
			s.wantDelegators(2)

			put(delegating(2, 2, 6))
			s.wantDelegators(5, 9)
			put(delegating(5, 2, 9)) // each is the other's
			s.wantDelegators(5, 9)
			s.wantDelegators(9, 5)

			gone := delegating(9, 2, 5)
			gone.DeletedAt, gone.ExpiresAt = testStart, testStart.Add(time.Hour)
			put(gone)
			s.wantDelegators(5)
			s.wantDelegators(9, 5) // of a user who is gone, but who still has it
			put(delegating(9, 3, 5))
			s.wantDelegators(5, 9)

			odd := delegating(1, 1, 5)
			odd.ExpiresAt = testStart.Add(time.Hour)
			put(odd)
			s.wantDelegators(5, 1, 9)
			s.advance(time.Hour)
			s.wantDelegators(5, 9)
		})
	}
}

// Whatever is asked of a View, it is one look at the feed.
func TestAViewIsOneLook(t *testing.T) {
	for _, users := range []roster.UserID{50, 5000} {
		s := newStation(t, Config{})
		for id := roster.UserID(1); id <= users; id++ {
			s.feed.put(roster.Change{User: delegating(id, 1, id%users+1)})
		}
		for looks := 1; looks <= 3; looks++ {
			v := s.view()
			visited := roster.UserID(0)
			err := v.EachUser(roster.Query{Sort: byName(roster.FieldName, true)}, func(u *roster.User) bool {
				visited++
				delegate, ok := v.User(u.Delegates[0].User)
				if !ok || delegate.ID != u.ID%users+1 || !slices.Equal(v.Delegators(delegate.ID), []roster.UserID{u.ID}) {
					t.Fatalf("user %d has the delegate %d, %t, who has the delegators %v", u.ID, delegate.ID, ok, v.Delegators(delegate.ID))
				}
				_, hasRole := v.Role(u.Role())
				_, hasOrganization := v.Organization(u.Org())
				return hasRole && hasOrganization
			})
			if err != nil || visited != users {
				t.Fatalf("EachUser visits %d users, %v, want %d", visited, err, users)
			}
			if got, want := s.feed.reads, looks*roster.Shards; got != want {
				t.Fatalf("after %d views of %d users, the feed was read %d times, want %d", looks, users, got, want)
			}
		}
	}
	s := newStation(t, Config{MaxAge: time.Minute})
	s.view()
	s.view()
	if s.feed.reads != roster.Shards {
		t.Errorf("two views within MaxAge read the feed %d times, want %d", s.feed.reads, roster.Shards)
	}
}

// A View is the tenant at one moment, also when the tenant has changed, has been folded, or has made room for others.
func TestAViewStaysAsItWas(t *testing.T) {
	s := newStation(t, Config{})
	s.foldAt = func(uint32) uint32 { return 2 }
	s.feed.put(roster.Change{User: delegating(1, 1, 2)}, roster.Change{User: delegating(2, 1, 3)}, roster.Change{User: delegating(3, 1)})
	loaded := s.view()
	s.Apply(testTenant, roster.Change{User: delegating(4, 1, 3)})
	before := s.view()
	gone := delegating(2, 2, 3)
	gone.DeletedAt = testStart
	s.Apply(testTenant, roster.Change{User: delegating(3, 2, 1)}, roster.Change{User: gone})
	s.Wait()
	after := s.view()
	check := func() {
		t.Helper()
		for _, test := range []struct {
			name       string
			v          *View
			users      []roster.UserID
			delegators []roster.UserID // of user 3
		}{
			{"after the load", loaded, []roster.UserID{1, 2, 3}, []roster.UserID{2}},
			{"with a tail", before, []roster.UserID{1, 2, 3, 4}, []roster.UserID{2, 4}},
			{"after a fold", after, []roster.UserID{1, 3, 4}, []roster.UserID{4}},
		} {
			var users []roster.UserID
			for _, u := range everyone(t, test.v, roster.Query{Sort: byName(roster.FieldName, false)}) {
				users = append(users, u.ID)
			}
			if diff := cmp.Diff(test.users, users); diff != "" {
				t.Errorf("the users of the view taken %s (-want +got):\n%s", test.name, diff)
			}
			if got := test.v.Delegators(3); !slices.Equal(got, test.delegators) {
				t.Errorf("the delegators that the view taken %s shows are %v, want %v", test.name, got, test.delegators)
			}
			if u, ok := test.v.User(2); ok != slices.Contains(test.users, 2) || ok && u.Name != "User 2" {
				t.Errorf("user 2 in the view taken %s is %+v, %t", test.name, u, ok)
			}
		}
	}
	check()
	if stats, _ := s.Stats(testTenant); stats.Folds != 1 {
		t.Errorf("%d folds, want 1", stats.Folds)
	}
	f := s.acquire(testTenant)
	f.drop()
	s.release(f)
	check()
}

// A sort order that is built for a View counts while the tenant's copy has it, and no longer.
func TestAViewOfADroppedTenantTakesNoBudget(t *testing.T) {
	feed, tenants := town(2, 5000)
	one := max(sizeOf(t, feed, tenants[0]), sizeOf(t, feed, tenants[1]))
	r := New(Config{Feed: feed, MemoryBudget: one + 5000*4*3/2})
	v, err := r.View(t.Context(), tenants[0])
	if err != nil {
		t.Fatal(err)
	}
	before, _ := r.Stats(tenants[0])
	if got := len(everyone(t, v, roster.Query{Sort: byName(roster.FieldName, false)})); got != 5000 {
		t.Errorf("EachUser visits %d users, want 5000", got)
	}
	if page, err := v.SearchUsers(t.Context(), roster.Query{Sort: byName(roster.FieldName, true), Page: roster.Page{Limit: 5}}); err != nil || len(page.Users) != 5 {
		t.Errorf("SearchUsers finds %d users, %v, want 5", len(page.Users), err)
	}
	after, _ := r.Stats(tenants[0])
	if order := int64(5000 * 4); after.Bytes != before.Bytes+order || r.followers[tenants[0]].bytes.Load() != after.Bytes {
		t.Errorf("a sort order took the copy from %d to %d bytes, want %d more", before.Bytes, after.Bytes, order)
	}
	ask(t, r, tenants[1], roster.Query{})
	if stats, ok := r.Stats(tenants[0]); ok {
		t.Fatalf("the first tenant is still in memory: %+v", stats)
	}
	if got := len(everyone(t, v, roster.Query{Sort: byName(roster.FieldEmail, false)})); got != 5000 {
		t.Errorf("after its tenant was dropped, EachUser visits %d users, want 5000", got)
	}
	if page, err := v.SearchUsers(t.Context(), roster.Query{Sort: byName(roster.FieldUsername, false), Page: roster.Page{Limit: 7}}); err != nil || page.Total != 5000 || len(page.Users) != 7 {
		t.Errorf("after its tenant was dropped, SearchUsers finds %d of %d users, %v, want 7 of 5000", len(page.Users), page.Total, err)
	}
	if got := r.followers[tenants[0]].bytes.Load(); got != 0 {
		t.Errorf("a tenant that was dropped counts as %d bytes", got)
	}
	if _, ok := r.Stats(tenants[1]); !ok {
		t.Error("a view drove out another tenant")
	}
}

func TestEachUserStopsWhenItIsTold(t *testing.T) {
	s := newStation(t, Config{})
	for id := range roster.UserID(10) {
		s.feed.put(roster.Change{User: delegating(id+1, 1)})
	}
	v := s.view()
	var visited []roster.UserID
	err := v.EachUser(roster.Query{Page: roster.Page{Offset: 7, Limit: 1}}, func(u *roster.User) bool {
		visited = append(visited, u.ID)
		return len(visited) < 3
	})
	if want := []roster.UserID{1, 2, 3}; err != nil || !slices.Equal(visited, want) {
		t.Errorf("EachUser visits %v, %v, want %v", visited, err, want)
	}
	err = v.EachUser(roster.Query{Sort: []roster.Sort{{}}}, func(*roster.User) bool {
		t.Error("an invalid query visits somebody")
		return false
	})
	if roster.KindOf(err) != roster.KindInvalid {
		t.Errorf("an invalid query is %v, want invalid", err)
	}
	if page, err := v.SearchUsers(t.Context(), roster.Query{}); roster.KindOf(err) != roster.KindInvalid {
		t.Errorf("a query without a limit is %+v, %v, want invalid", page, err)
	}
}

// Whoever keeps texts of a visited user keeps them as they were; what a visitor does to the user harms nobody.
func TestVisitedUsersShareNothingThatMatters(t *testing.T) {
	feed, tenants := town(1, 300)
	r := New(Config{Feed: feed})
	v, err := r.View(t.Context(), tenants[0])
	if err != nil {
		t.Fatal(err)
	}
	want := everyone(t, v, roster.Query{})
	var kept []roster.User
	_ = v.EachUser(roster.Query{}, func(u *roster.User) bool {
		kept = append(kept, roster.User{Name: u.Name, Email: u.Email, Username: u.Username, PhoneNumber: u.PhoneNumber, PublicKey: u.PublicKey})
		for i := range u.Roles {
			u.Roles[i] = 99
		}
		clear(u.Path)
		clear(u.Groups)
		clear(u.Delegates)
		return true
	})
	for i, k := range kept {
		if w := want[i]; k.Name != w.Name || k.Email != w.Email || k.Username != w.Username || k.PhoneNumber != w.PhoneNumber || k.PublicKey != w.PublicKey {
			t.Fatalf("texts kept of user %d are %+v, want those of %+v", i, k, w)
		}
	}
	if diff := cmp.Diff(want, everyone(t, v, roster.Query{})); diff != "" {
		t.Errorf("after a visitor changed what it was shown, the users are different (-before +after):\n%s", diff)
	}
}

func TestAViewNeedsTheFeed(t *testing.T) {
	s := newStation(t, Config{})
	s.feed.fail = func(int, int) error { return errors.New("throttled") }
	if v, err := s.View(t.Context(), testTenant); v != nil || roster.KindOf(err) != roster.KindUnavailable {
		t.Errorf("with a broken feed, View = %v, %v, want unavailable", v, err)
	}
}

func TestAViewShowsNoDeletedNames(t *testing.T) {
	s := newStation(t, Config{})
	at := roster.Revision{Version: 1, ChangedAt: testStart}
	s.feed.put(
		roster.Change{Organization: &roster.Organization{ID: 8, Name: "Gone", Path: roster.OrgPath{7, 8}, DeletedAt: testStart, Revision: at}},
		roster.Change{Role: &roster.Role{ID: 10, Name: "Gone", DeletedAt: testStart, Revision: at}},
		roster.Change{Role: &roster.Role{ID: 11, Name: "Auditor", Revision: at}},
		roster.Change{Warehouse: &roster.Warehouse{ID: 12, Name: "Gone", Active: true, DeletedAt: testStart, Revision: at}},
		roster.Change{Warehouse: &roster.Warehouse{ID: 13, Name: "Closed", Revision: at}},
	)
	v := s.view()
	if o, ok := v.Organization(8); ok {
		t.Errorf("Organization shows %+v, who is deleted", o)
	}
	if r, ok := v.Role(10); ok {
		t.Errorf("Role shows %+v, who is deleted", r)
	}
	if r, ok := v.Role(11); !ok || r.Name != "Auditor" {
		t.Errorf("Role = %+v, %t, want Auditor", r, ok)
	}
	if r, ok := v.Role(roster.RoleAdmin); !ok || r.Name != "Admin" {
		t.Errorf("Role = %+v, %t, want Admin", r, ok)
	}
	if w, ok := v.Warehouse(12); ok {
		t.Errorf("Warehouse shows %+v, which is deleted", w)
	}
	if w, ok := v.Warehouse(13); !ok || w.Name != "Closed" {
		t.Errorf("Warehouse = %+v, %t, want Closed, which stands though it is not active", w, ok)
	}
	if w, ok := v.Warehouse(14); ok {
		t.Errorf("Warehouse shows %+v, which was never there", w)
	}
	o, _ := v.Organization(testTenant.Root())
	o.Path[0] = 99
	if again, ok := v.Organization(testTenant.Root()); !ok || again.Path[0] != testTenant.Root() {
		t.Error("an organization shares memory with the replica")
	}
}

// Views are taken, kept and read by many while changes land, tails are folded and copies dropped. Each must be all of one
// generation, in which user i is delegate of exactly one. Run with -race.
func TestViewsAreReadWhileChangesLand(t *testing.T) {
	const users, generations = 200, 60
	r := New(Config{Feed: &listFeed{}, Now: func() time.Time { return testStart }, MaxAge: time.Hour})
	batch := func(generation int) []roster.Change {
		changes := make([]roster.Change, users)
		for i := range changes {
			u := delegating(roster.UserID(i+1), int64(generation+1), roster.UserID((i+generation)%users+1))
			u.DeviceCount = generation
			changes[i].User = u
		}
		return changes
	}
	r.Apply(testTenant, batch(0)...)
	take := func() *View {
		v, err := r.View(t.Context(), testTenant)
		if err != nil {
			t.Errorf("View: %v", err)
		}
		return v
	}
	done := make(chan struct{})
	var readers sync.WaitGroup
	shared := take()
	for n := range 4 {
		readers.Go(func() {
			older := shared
			for i := n; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				v := take()
				field := roster.Fields()[i%len(roster.Fields())]
				for _, v := range []*View{v, older, shared} {
					checkRing(t, v, roster.Query{Sort: byName(field, i%2 == 0)}, users)
				}
				older = v
			}
		})
	}
	for generation := 1; generation <= generations; generation++ {
		r.Apply(testTenant, batch(generation)...)
		if generation%20 == 0 {
			f := r.acquire(testTenant)
			f.drop()
			r.release(f)
		}
	}
	close(done)
	readers.Wait()
	r.Wait()
	if got := generationOf(t, take()); got != generations {
		t.Errorf("the last view is of generation %d, want %d", got, generations)
	}
}

func generationOf(t *testing.T, v *View) int {
	u, ok := v.User(1)
	if !ok {
		t.Error("user 1 is nowhere")
	}
	return u.DeviceCount
}

func checkRing(t *testing.T, v *View, q roster.Query, users int) {
	generation, visited := generationOf(t, v), 0
	err := v.EachUser(q, func(u *roster.User) bool {
		visited++
		delegate := roster.UserID((int(u.ID)-1+generation)%users + 1)
		if u.DeviceCount != generation || u.Delegates[0].User != delegate {
			t.Errorf("a view of generation %d shows user %d of generation %d with the delegate %d", generation, u.ID, u.DeviceCount, u.Delegates[0].User)
			return false
		}
		if got := v.Delegators(delegate); !slices.Equal(got, []roster.UserID{u.ID}) {
			t.Errorf("in generation %d, user %d has the delegators %v, want %d", generation, delegate, got, u.ID)
			return false
		}
		return true
	})
	if err != nil || visited != users {
		t.Errorf("EachUser visits %d users, %v, want %d", visited, err, users)
	}
}
