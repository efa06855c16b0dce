package replica

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest/people"
)

func TestAnInvalidQueryIsRefusedBeforeTheFeedIsRead(t *testing.T) {
	s := newStation(t, Config{})
	_, err := s.SearchUsers(t.Context(), testTenant, roster.Query{})
	if roster.KindOf(err) != roster.KindInvalid || s.feed.reads != 0 {
		t.Errorf("a query without a limit returns %v after %d reads, want invalid after none", err, s.feed.reads)
	}
}

func TestAnEmptyTenantHasNobody(t *testing.T) {
	r := New(Config{Feed: &listFeed{}})
	for _, field := range roster.Fields() {
		for _, q := range []roster.Query{{Sort: byName(field, false)}, {Sort: byName(field, true), Text: "a"}} {
			if page := ask(t, r, testTenant, q); page.Total != 0 || len(page.Users) != 0 || page.Before || page.After || page.Next != 0 {
				t.Errorf("an empty tenant answers %+v with %+v", q, page)
			}
		}
	}
}

func TestOrganizationsAndRolesAreLookedUpWithoutReads(t *testing.T) {
	s := newStation(t, Config{})
	s.wantNames()
	reads := s.feed.reads
	if o, err := s.Organization(t.Context(), testTenant, testTenant.Root()); err != nil || o.Name != "Root" {
		t.Errorf("Organization = %+v, %v, want Root", o, err)
	}
	if r, err := s.Role(t.Context(), testTenant, roster.RoleStaff); err != nil || r.Name != "Staff" {
		t.Errorf("Role = %+v, %v, want Staff", r, err)
	}
	if s.feed.reads != reads {
		t.Error("looking up what is known reads the feed")
	}
	// What is not known may be new.
	s.feed.put(roster.Change{Role: &roster.Role{ID: 10, Name: "Auditor", Revision: roster.Revision{Version: 1, ChangedAt: s.feed.now}}})
	if r, err := s.Role(t.Context(), testTenant, 10); err != nil || r.Name != "Auditor" {
		t.Errorf("Role = %+v, %v, want the new Auditor", r, err)
	}
	if _, err := s.Role(t.Context(), testTenant, 11); roster.KindOf(err) != roster.KindNotFound {
		t.Errorf("an unknown role is %v, want not found", err)
	}
	if _, err := s.Organization(t.Context(), testTenant, 4711); roster.KindOf(err) != roster.KindNotFound {
		t.Errorf("an unknown organization is %v, want not found", err)
	}
	gone := roster.Organization{ID: 8, Name: "Gone", Path: roster.OrgPath{7, 8}, DeletedAt: s.feed.now, Revision: roster.Revision{Version: 1, ChangedAt: s.feed.now}}
	s.feed.put(roster.Change{Organization: &gone})
	if _, err := s.Organization(t.Context(), testTenant, 8); roster.KindOf(err) != roster.KindNotFound {
		t.Errorf("a deleted organization is %v, want not found", err)
	}
	o, _ := s.Organization(t.Context(), testTenant, testTenant.Root())
	o.Path[0] = 99
	if again, _ := s.Organization(t.Context(), testTenant, testTenant.Root()); again.Path[0] != testTenant.Root() {
		t.Error("an organization shares memory with the replica")
	}
	s.feed.fail = func(int, int) error { return errors.New("throttled") }
	if _, err := s.Role(t.Context(), testTenant, 12); roster.KindOf(err) != roster.KindUnavailable {
		t.Errorf("with a broken feed, an unknown role is %v, want unavailable", err)
	}
}

// Pages obey the laws of a pager, by offset and by cursor: they end, lose nobody and repeat nobody.
func TestPagesCoverEverybodyOnce(t *testing.T) {
	feed, tenants := town(1, 3000)
	for _, few := range []int{0, fewRows} {
		r := New(Config{Feed: feed, Now: func() time.Time { return testStart }})
		r.few = few
		for _, field := range roster.Fields() {
			for _, descending := range []bool{false, true} {
				seen := map[roster.UserID]bool{}
				q := roster.Query{Sort: byName(field, descending), Page: roster.Page{Limit: 170}}
				var next roster.UserID
				for {
					page := ask(t, r, tenants[0], q)
					if next != 0 && (len(page.Users) == 0 || page.Users[0].ID != next) {
						t.Fatalf("by %s, descending %t, the page at %d does not begin with the Next of the page before", field, descending, q.Page.Offset)
					}
					for _, u := range page.Users {
						if seen[u.ID] {
							t.Fatalf("by %s, descending %t, user %s is on two pages", field, descending, u.ID)
						}
						seen[u.ID] = true
					}
					if page.Before != (q.Page.Offset > 0) || page.After != (page.Next != 0) {
						t.Fatalf("by %s, the page at %d says Before %t, After %t, Next %s", field, q.Page.Offset, page.Before, page.After, page.Next)
					}
					if next = page.Next; !page.After {
						break
					}
					q.Page.Offset += q.Page.Limit
				}
				if len(seen) != 3000 {
					t.Errorf("by %s, descending %t, the pages hold %d users, want 3000", field, descending, len(seen))
				}
			}
		}
	}
}

// Cursors stay where they are while users come and go around them.
func TestCursorsAreStableUnderWrites(t *testing.T) {
	s := newStation(t, Config{})
	for id := roster.UserID(10); id <= 100; id += 10 {
		s.feed.put(roster.Change{User: user(id, fmt.Sprint("User ", id), 1, s.feed.now)})
	}
	var got []string
	next := roster.UserID(0)
	for step := range 10 {
		page := ask(t, s.Replicas, testTenant, roster.Query{Page: roster.Page{Limit: 3, Start: next}})
		for _, u := range page.Users {
			got = append(got, u.Name)
		}
		if !page.After {
			break
		}
		next = page.Next
		// Somebody comes before the page to come, and the user the cursor names goes.
		s.feed.put(roster.Change{User: user(roster.UserID(step+1), "Early", 1, s.feed.now)})
		if gone := user(next, "Gone", 2, s.feed.now); step == 0 {
			gone.DeletedAt = s.feed.now
			s.feed.put(roster.Change{User: gone})
		}
	}
	want := []string{"User 10", "User 20", "User 30", "User 50", "User 60", "User 70", "User 80", "User 90", "User 100"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the users paged over (-want +got):\n%s", diff)
	}
}

// Readers see each batch of changes whole or not at all, find everybody exactly once, and are never wrong about the order,
// while changes land and tails are folded. Run with -race.
func TestQueriesRunWhileChangesLand(t *testing.T) {
	const users, generations = 300, 60
	now := testStart
	r := New(Config{Feed: &listFeed{}, Now: func() time.Time { return now }, MaxAge: time.Hour})
	r.few = 0
	batch := func(generation int) []roster.Change {
		changes := make([]roster.Change, users)
		for i := range changes {
			u := user(roster.UserID(i+1), fmt.Sprintf("%c name", 'a'+(i*7+generation)%26), int64(generation+1), testStart)
			u.Nickname = fmt.Sprint("generation ", generation)
			u.DeviceCount = (i + generation) % 5
			changes[i].User = u
		}
		return changes
	}
	r.Apply(testTenant, batch(0)...)
	ask(t, r, testTenant, roster.Query{})
	done := make(chan struct{})
	var readers sync.WaitGroup
	for n := range 4 {
		readers.Go(func() {
			fields := roster.Fields()
			for i := n; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				field := fields[i%len(fields)]
				checkGeneration(t, r, roster.Query{Text: "generation", Sort: byName(field, i%2 == 0), Page: roster.Page{Limit: users + 1}}, users)
			}
		})
	}
	for generation := 1; generation <= generations; generation++ {
		r.Apply(testTenant, batch(generation)...)
	}
	close(done)
	readers.Wait()
	r.Wait()
	checkGeneration(t, r, roster.Query{Text: fmt.Sprint("generation ", generations), Page: roster.Page{Limit: users + 1}}, users)
	if stats, _ := r.Stats(testTenant); stats.Folds == 0 || stats.Users != users {
		t.Errorf("after %d generations: %+v, want folds, and %d users", generations, stats, users)
	}
}

func checkGeneration(t *testing.T, r *Replicas, q roster.Query, users int) {
	page, err := r.SearchUsers(context.Background(), testTenant, q)
	if err != nil {
		t.Errorf("SearchUsers: %v", err)
		return
	}
	if page.Total != users || len(page.Users) != users {
		t.Errorf("a query finds %d users and counts %d, want %d", len(page.Users), page.Total, users)
		return
	}
	m := newModel()
	for i := range page.Users {
		if page.Users[i].Nickname != page.Users[0].Nickname {
			t.Errorf("a page mixes %q and %q", page.Users[i].Nickname, page.Users[0].Nickname)
			return
		}
	}
	if !slices.IsSortedFunc(page.Users, func(a, b roster.User) int { return m.compare(q.Sort, &a, &b, testStart) }) {
		t.Errorf("a page by %v is not in order", q.Sort)
	}
}

// The same while the changes come through the feed, of several tenants under a budget, and some reads fail.
func TestFollowersRunSideBySide(t *testing.T) {
	feed, tenants := town(3, 500)
	flaky := &flakyFeed{Feed: feed}
	r := New(Config{Feed: flaky, MemoryBudget: sizeOf(t, feed, tenants[0])*2 + 4096})
	var callers sync.WaitGroup
	for n := range 6 {
		callers.Go(func() {
			for i := range 40 {
				tenant := tenants[(n+i/7)%len(tenants)]
				page, err := r.SearchUsers(t.Context(), tenant, roster.Query{Sort: byName(roster.FieldEmail, false), Page: roster.Page{Limit: 10, Offset: i}})
				if err != nil && roster.KindOf(err) != roster.KindUnavailable {
					t.Errorf("SearchUsers: %v", err)
				}
				if err == nil && (page.Total < 500 || len(page.Users) != 10) {
					t.Errorf("a page of tenant %s has %d users of %d", tenant, len(page.Users), page.Total)
				}
				r.Apply(tenant, roster.Change{User: user(roster.UserID(n+1), fmt.Sprint("New ", i), int64(i+1), testStart)})
				r.Stats(tenant)
			}
		})
	}
	callers.Wait()
	r.Wait()
}

// flakyFeed fails each 17th read.
type flakyFeed struct {
	Feed
	mu    sync.Mutex
	reads int // guarded by mu
}

func (f *flakyFeed) Changes(ctx context.Context, tenant roster.TenantID, shard int, since time.Time, visit func(roster.Change) error) error {
	f.mu.Lock()
	f.reads++
	fails := f.reads%17 == 0
	f.mu.Unlock()
	if fails {
		return errors.New("throttled")
	}
	return f.Feed.Changes(ctx, tenant, shard, since, visit)
}

// A warm query allocates for the users of its page and a few buffers, whatever the size of the tenant.
func TestAllocationsDoNotGrowWithTheTenant(t *testing.T) {
	counts := map[int]float64{}
	for _, size := range []int{1000, 20_000} {
		p := people.New(people.Config{Seed: 1, Now: testStart, Tenant: testTenant, Organizations: 5, Users: size})
		feed := &listFeed{}
		for u := range p.Users() {
			feed[roster.Shard(u.ID)] = append(feed[roster.Shard(u.ID)], roster.Change{User: &u})
		}
		r := New(Config{Feed: feed, Now: func() time.Time { return testStart }, MaxAge: time.Hour})
		q := roster.Query{Text: "an", Sort: byName(roster.FieldName, true), Page: roster.Page{Limit: 20}}
		ask(t, r, testTenant, q)
		counts[size] = testing.AllocsPerRun(20, func() { ask(t, r, testTenant, q) })
	}
	if counts[1000] > 300 || counts[20_000] > 300 {
		t.Errorf("a query for 20 users allocates %v times by size of the tenant, want at most 300", counts)
	}
}
