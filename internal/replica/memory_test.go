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

func TestStatsSayWhatIsHeld(t *testing.T) {
	s := newStation(t, Config{})
	if stats, ok := s.Stats(testTenant); ok {
		t.Errorf("before the first query, Stats = %+v", stats)
	}
	gone := user(2, "Gone", 1, s.feed.now)
	gone.DeletedAt = s.feed.now
	s.feed.put(roster.Change{User: user(1, "Ann", 1, s.feed.now)}, roster.Change{User: gone})
	s.feed.put(roster.Change{Role: &roster.Role{ID: 10, Name: "Auditor", Revision: roster.Revision{Version: 1, ChangedAt: s.feed.now}}})
	s.wantNames("Ann")
	s.Apply(testTenant, roster.Change{User: user(3, "Bob", 1, s.feed.now)})
	s.advance(time.Second)
	got, _ := s.Stats(testTenant)
	want := Stats{Users: 3, Deleted: 1, Organizations: 1, Roles: 1, Tail: 1, Age: time.Second, Loads: 1, Applied: 1, Bytes: got.Bytes}
	if got != want || got.Bytes <= 0 {
		t.Errorf("Stats = %+v, want %+v", got, want)
	}
}
