package replica

import (
	"bytes"
	"context"
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest/people"
)

// town is a feed of several tenants, each with as many users.
func town(tenants, users int) (townFeed, []roster.TenantID) {
	feed, ids := townFeed{}, make([]roster.TenantID, tenants)
	for i := range ids {
		p := people.New(people.Config{Seed: uint64(i), Now: testStart, Tenant: roster.TenantID(i + 1), Organizations: 3, Users: users})
		feed[p.Tenant()], ids[i] = &listFeed{}, p.Tenant()
		for u := range p.Users() {
			s := roster.Shard(u.ID)
			feed[p.Tenant()][s] = append(feed[p.Tenant()][s], roster.Change{User: &u})
		}
	}
	return feed, ids
}

// townFeed is a feed for each tenant.
type townFeed map[roster.TenantID]*listFeed

func (f townFeed) Changes(ctx context.Context, tenant roster.TenantID, shard int, since time.Time, visit func(roster.Change) error) error {
	return f[tenant].Changes(ctx, tenant, shard, since, visit)
}

// countingFeed counts the reads of shards and the items visited.
type countingFeed struct {
	Feed
	reads, visits atomic.Int64
}

func (f *countingFeed) Changes(ctx context.Context, tenant roster.TenantID, shard int, since time.Time, visit func(roster.Change) error) error {
	f.reads.Add(1)
	return f.Feed.Changes(ctx, tenant, shard, since, func(c roster.Change) error {
		f.visits.Add(1)
		return visit(c)
	})
}

// heapGrowth returns by how much the live heap grows while do runs.
func heapGrowth(do func()) int64 {
	live := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := live()
	do()
	return live() - before
}

func ask(t testing.TB, r *Replicas, tenant roster.TenantID, q roster.Query) roster.UserPage {
	t.Helper()
	q.Page.Limit = max(q.Page.Limit, 1)
	page, err := r.SearchUsers(t.Context(), tenant, q)
	if err != nil {
		t.Fatalf("SearchUsers of tenant %d: %v", tenant, err)
	}
	return page
}

// sizeOf returns the memory that the tenant takes in a replica of its own.
func sizeOf(t testing.TB, feed Feed, tenant roster.TenantID) int64 {
	t.Helper()
	r := New(Config{Feed: feed})
	ask(t, r, tenant, roster.Query{})
	stats, _ := r.Stats(tenant)
	return stats.Bytes
}

func TestTheTenantUsedLeastLatelyGoesFirst(t *testing.T) {
	feed, tenants := town(4, 2000)
	one := sizeOf(t, feed, tenants[0])
	now := testStart
	r := New(Config{Feed: feed, Now: func() time.Time { return now }, MemoryBudget: one*3 + one/2})
	for _, i := range []int{0, 1, 2, 0, 3} { // 1 is the one used least lately when 3 comes
		if got := ask(t, r, tenants[i], roster.Query{}).Total; got != 2000 {
			t.Fatalf("tenant %d has %d users, want 2000", i, got)
		}
	}
	for i, want := range []bool{true, false, true, true} {
		if _, got := r.Stats(tenants[i]); got != want {
			t.Errorf("tenant %d is in memory: %t, want %t", i, got, want)
		}
	}
	if got := ask(t, r, tenants[1], roster.Query{}).Total; got != 2000 {
		t.Errorf("a tenant that was dropped has %d users when it is asked for again, want 2000", got)
	}
	held := int64(0)
	for _, tenant := range tenants {
		stats, _ := r.Stats(tenant)
		held += stats.Bytes
	}
	if held > r.budget {
		t.Errorf("%d bytes are held, want at most the budget of %d", held, r.budget)
	}
}

func TestATenantLargerThanTheBudgetIsUnavailable(t *testing.T) {
	feed, tenants := town(2, 5000)
	small, smallTenants := town(1, 100)
	feed[tenants[1]] = small[smallTenants[0]]
	var log bytes.Buffer
	now := testStart
	counted := &countingFeed{Feed: feed}
	r := New(Config{
		Feed: counted, Now: func() time.Time { return now }, MemoryBudget: sizeOf(t, feed, tenants[0]) * 9 / 10,
		Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	ask(t, r, tenants[1], roster.Query{})
	search := func() error {
		_, err := r.SearchUsers(t.Context(), tenants[0], roster.Query{Page: roster.Page{Limit: 1}})
		return err
	}
	if err := search(); roster.KindOf(err) != roster.KindUnavailable {
		t.Fatalf("a search in a tenant that does not fit returns %v, want unavailable", err)
	}
	if got := log.String(); !strings.Contains(got, "level=ERROR") || !strings.Contains(got, "memory budget") || !strings.Contains(got, "tenant=1") {
		t.Errorf("the log says %q, want an error that names the tenant and the budget", got)
	}
	reads := counted.reads.Load()
	if err := search(); roster.KindOf(err) != roster.KindUnavailable || counted.reads.Load() != reads {
		t.Errorf("asked again at once, the tenant is read again (error %v)", err)
	}
	now = now.Add(refusePause)
	if err := search(); roster.KindOf(err) != roster.KindUnavailable || counted.reads.Load() == reads {
		t.Errorf("asked again later, the tenant is not read again (error %v)", err)
	}
	if _, ok := r.Stats(tenants[0]); ok {
		t.Error("a tenant that does not fit is in memory")
	}
	if got := ask(t, r, tenants[1], roster.Query{}).Total; got != 100 {
		t.Errorf("beside a tenant that does not fit, another has %d users, want 100", got)
	}
}

// A load that cannot succeed must end before it has used up the process's memory.
func TestALoadEndsWhenItIsTooLarge(t *testing.T) {
	feed, tenants := town(1, 40_000)
	counted := &countingFeed{Feed: feed}
	r := New(Config{Feed: counted, MemoryBudget: sizeOf(t, feed, tenants[0]) / 4})
	if _, err := r.SearchUsers(t.Context(), tenants[0], roster.Query{Page: roster.Page{Limit: 1}}); roster.KindOf(err) != roster.KindUnavailable {
		t.Fatalf("SearchUsers returns %v, want unavailable", err)
	}
	if got := counted.visits.Load(); got > 30_000 {
		t.Errorf("%d of 40,000 users were read for a quarter of the memory they need", got)
	}
}

// Sort orders that do not fit are given up; the query that built one has its answer.
func TestSortOrdersGoWhenTheyDoNotFit(t *testing.T) {
	feed, tenants := town(1, 20_000)
	r := New(Config{Feed: feed, MemoryBudget: sizeOf(t, feed, tenants[0]) + 20_000*4*2})
	fields := []roster.Field{roster.FieldName, roster.FieldEmail, roster.FieldCreatedAt, roster.FieldUpdatedAt, roster.FieldUsername}
	for _, field := range append(fields, fields...) {
		if got := ask(t, r, tenants[0], roster.Query{Sort: byName(field, false)}).Total; got != 20_000 {
			t.Fatalf("sorted by %s, the tenant has %d users, want 20000", field, got)
		}
		if stats, ok := r.Stats(tenants[0]); !ok || stats.Bytes > r.budget || stats.Loads != 1 {
			t.Fatalf("after a query sorted by %s: %+v, want a tenant loaded once and at most %d bytes", field, stats, r.budget)
		}
	}
}

func TestFollowersThatHoldNothingAreForgotten(t *testing.T) {
	now := testStart
	r := New(Config{Feed: &listFeed{}, Now: func() time.Time { return now }})
	for tenant := range roster.TenantID(2000) {
		r.Apply(tenant+1, roster.Change{User: user(1, "Ann", 1, now)})
		now = now.Add(100 * time.Millisecond)
	}
	if got := len(r.followers); got > 2*manyFollowers {
		t.Errorf("after writes to 2000 tenants, %d are remembered, want about %d", got, manyFollowers)
	}
}

// The figures of Stats.Bytes are what the budget is kept by: they must be near the truth.
func TestBytesAreNearTheTruth(t *testing.T) {
	feed, tenants := town(1, 20_000)
	size := sizeOf(t, feed, tenants[0])
	var r *Replicas
	grown := heapGrowth(func() {
		r = New(Config{Feed: feed})
		ask(t, r, tenants[0], roster.Query{})
	})
	if low, high := size*9/10, size*12/10+64<<10; grown < low || grown > high {
		t.Errorf("the heap grew by %d bytes, want about the %d that Stats says", grown, size)
	}
	r.Wait()
	if perUser := float64(size) / 20_000; perUser > 260 {
		t.Errorf("a user takes %.0f bytes, want at most 260", perUser)
	}
}

// delegate gives each third user one to three delegates from anywhere among them.
func delegate(users []roster.User) {
	for i := 3; i < len(users); i += 3 {
		users[i].Delegates = nil
		for n := range 1 + i/3%3 {
			users[i].Delegates = append(users[i].Delegates, roster.Delegate{User: users[(i*7919+n+1)%len(users)].ID, Permissions: []string{"VIEW"}})
		}
	}
}

// loadUsers returns Replicas that have read these users, and the tenant's state.
func loadUsers(t testing.TB, users []roster.User) (*Replicas, *state) {
	feed := &listFeed{}
	for i := range users {
		s := roster.Shard(users[i].ID)
		feed[s] = append(feed[s], roster.Change{User: &users[i]})
	}
	r := New(Config{Feed: feed, Now: func() time.Time { return testStart }})
	ask(t, r, testTenant, roster.Query{})
	return r, r.followers[testTenant].state.Load()
}

// withoutDelegates returns people none of whom have delegates, and some of whom are deleted.
func withoutDelegates(size int) []roster.User {
	p := people.New(people.Config{Seed: 1, Now: testStart, Tenant: testTenant, Organizations: 5, Users: size})
	var users []roster.User
	for u := range p.Users() {
		u.Delegates = nil
		if len(users)%50 == 49 {
			u.DeletedAt = testStart
		}
		users = append(users, u)
	}
	return users
}

// delegatesOf counts the delegates of those who stand.
func delegatesOf(users []roster.User) int64 {
	count := 0
	for i := range users {
		if !users[i].Deleted() {
			count += len(users[i].Delegates)
		}
	}
	return int64(count)
}

// Who is whose delegate is kept for those who have delegates, 12 bytes for each, and for nobody else.
func TestADelegateTakesTwelveBytes(t *testing.T) {
	const size = 20_000
	users := withoutDelegates(size)
	_, bare := loadUsers(t, users)
	without := bare.bytes() - bare.base.packed.bytes()
	if got := bare.delegations.bytes(); got != 0 {
		t.Errorf("where nobody has delegates, who is whose takes %d bytes", got)
	}
	delegate(users)
	var s *state
	grown := heapGrowth(func() { _, s = loadUsers(t, users) })
	count, all := delegatesOf(users), s.bytes()
	more := all - s.base.packed.bytes() - without // a few of them for the names of permissions
	if got := s.delegations.bytes(); got != 12*count || count < size/2 || more < got || more > got+1<<10 {
		t.Errorf("who is whose takes %d bytes for %d delegates, and makes the tenant %d larger, want 12 for each", got, count, more)
	}
	if low, high := all*9/10, all*12/10+64<<10; grown < low || grown > high {
		t.Errorf("the heap grew by %d bytes, want about the %d that Stats says", grown, all)
	}
	if perUser := float64(all) / size; perUser > 260 {
		t.Errorf("a user takes %.0f bytes where a third have delegates, want at most 260", perUser)
	}
}

// Those of users who changed since are held in the tail, once however often they change, until it is folded.
func TestADelegateInTheTailTakesTwelveBytes(t *testing.T) {
	users := withoutDelegates(20_000)
	delegate(users)
	r, _ := loadUsers(t, users)
	r.foldAt = func(uint32) uint32 { return 10_000 }
	count := delegatesOf(users)
	changed := users[:600]
	for range 3 {
		var changes []roster.Change
		for i := range changed {
			changed[i].Revision.Version++
			changes = append(changes, roster.Change{User: &changed[i]})
		}
		r.Apply(testTenant, changes[:300]...)
		r.Apply(testTenant, changes[300:]...)
	}
	s := r.followers[testTenant].state.Load()
	inTail, counted := delegatesOf(changed), s.bytes()
	empty := *s
	empty.tailDelegations = delegations{}
	if got := s.tailDelegations.bytes(); got != 12*inTail || counted-empty.bytes() != got || s.delegations.bytes() != 12*count {
		t.Errorf("%d delegates in the tail take %d bytes and count as %d, those in the base %d; want 12 for each, of %d in the base",
			inTail, got, counted-empty.bytes(), s.delegations.bytes(), count)
	}
	r.foldAt = func(uint32) uint32 { return 1 }
	changed[3].Revision.Version++
	changed[3].DeletedAt = testStart
	r.Apply(testTenant, roster.Change{User: &changed[3]})
	r.Wait()
	s = r.followers[testTenant].state.Load()
	if got := s.delegations.bytes() + s.tailDelegations.bytes(); got != 12*delegatesOf(users) || delegatesOf(users) == count {
		t.Errorf("folded, and without one user, who is whose takes %d bytes, want 12 for each of %d", got, delegatesOf(users))
	}
}

// The bars of the design: what a search and two sort orders need, and what a page shows beside it.
func TestAUserTakesFewBytes(t *testing.T) {
	feed, tenants := town(1, 20_000)
	r := New(Config{Feed: feed})
	ask(t, r, tenants[0], roster.Query{Sort: byName(roster.FieldName, false)})
	ask(t, r, tenants[0], roster.Query{Sort: byName(roster.FieldEmail, false)})
	s := r.followers[tenants[0]].state.Load()
	all, shown := float64(s.bytes())/20_000, float64(s.base.packed.bytes())/20_000
	if all-shown > 130 || all > 260 {
		t.Errorf("a user takes %.0f bytes for search and two sort orders, and %.0f with what a page shows; want at most 130 and 260", all-shown, all)
	}
}

// A visited user without lists costs the memory of their texts, not that of a whole user.
func TestVisitingAllocatesLittle(t *testing.T) {
	users := withoutDelegates(20_000)
	for i := range users {
		users[i].Groups, users[i].Identities, users[i].SuperDelegatePermissions = nil, nil, nil
		users[i].PublicKey = ""
	}
	r, _ := loadUsers(t, users)
	v, err := r.View(t.Context(), testTenant)
	if err != nil {
		t.Fatal(err)
	}
	visited := 0
	count := testing.AllocsPerRun(3, func() {
		visited = 0
		_ = v.EachUser(roster.Query{}, func(*roster.User) bool {
			visited++
			return true
		})
	})
	if perUser := count / float64(visited); visited < 15_000 || perUser > 3 {
		t.Errorf("each of %d visits allocates %.1f times, want at most 3", visited, perUser)
	}
	if got := testing.AllocsPerRun(20, func() { v.Delegators(1) }); got != 0 {
		t.Errorf("finding no delegators allocates %v times, want none", got)
	}
}

func TestStatsSayWhatIsHeld(t *testing.T) {
	s := newStation(t, Config{})
	if stats, ok := s.Stats(testTenant); ok {
		t.Errorf("before the first query, Stats = %+v", stats)
	}
	gone := user(2, "Gone", 1, s.feed.now)
	gone.DeletedAt = s.feed.now
	s.feed.put(roster.Change{User: user(1, "Ann", 1, s.feed.now)}, roster.Change{User: gone})
	s.feed.put(roster.Change{Role: &roster.Role{ID: 10, Name: "Auditor", Revision: roster.Revision{Version: 1, ChangedAt: s.feed.now}}})
	s.feed.put(roster.Change{Warehouse: &roster.Warehouse{ID: 10, Name: "East", Revision: roster.Revision{Version: 1, ChangedAt: s.feed.now}}})
	s.wantNames("Ann")
	s.Apply(testTenant, roster.Change{User: user(3, "Bob", 1, s.feed.now)})
	s.advance(time.Second)
	got, _ := s.Stats(testTenant)
	want := Stats{Users: 3, Deleted: 1, Organizations: 1, Roles: 1, Warehouses: 1, Tail: 1, Age: time.Second, Loads: 1, Applied: 1, Bytes: got.Bytes}
	if got != want || got.Bytes <= 0 {
		t.Errorf("Stats = %+v, want %+v", got, want)
	}
}
