package quota_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rosterhq/roster/internal/dynamo"
	"github.com/rosterhq/roster/internal/quota"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest"
)

func TestMain(m *testing.M) { rostertest.Main(m) }

var _ quota.Store = (*dynamo.Table)(nil)

const (
	tenant = roster.TenantID(7)
	org    = roster.OrgID(9)
)

// shelf is a store in memory.
type shelf struct {
	mu     sync.Mutex
	taken  map[roster.PermitLease]int64 // by lease without its permits
	leases int
	// before, where set, is called before a lease is given, and its error returned.
	before func(roster.PermitLease) error
}

func (s *shelf) LeasePermits(_ context.Context, lease roster.PermitLease) (int64, int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leases++
	if s.before != nil {
		if err := s.before(lease); err != nil {
			return 0, 0, err
		}
	}
	if s.taken == nil {
		s.taken = map[roster.PermitLease]int64{}
	}
	of := lease
	of.Permits = 0
	leased := min(lease.Permits, lease.Limit-s.taken[of])
	s.taken[of] += leased
	return leased, s.taken[of], nil
}

// minute is the beginning of a minute that no true clock expires the counts of.
var minute = time.Date(2100, time.January, 31, 22, 4, 0, 0, time.UTC)

// TestTheLimitHoldsForManyEnvironments lets 64 environments ask for more than there is at the same time, on a real table: in one
// minute all of them until they are refused, in the next one dies after its first request, in the last some ask for little.
func TestTheLimitHoldsForManyEnvironments(t *testing.T) {
	const limit, environments, least = quota.DefaultLimit, 64, quota.DefaultLimit / 150
	clock := rostertest.NewClock(minute)
	table := rostertest.TableWith(t, dynamo.Options{Now: clock.Now})
	limiters := make([]*quota.Limiter, environments)
	for i := range limiters {
		limiters[i] = quota.New(table, limit, clock.Now)
	}
	for _, m := range []struct {
		name string
		// requests is how many the environment makes after its first.
		requests    func(environment int) int
		least, most int64
	}{
		{"all", func(int) int { return limit }, limit, limit},
		{"one dies", func(environment int) int { return min(environment, 1) * limit }, limit - (least - 1), limit - (least - 1)},
		{"unevenly", func(environment int) int { return environment * environment }, limit * 4 / 5, limit},
	} {
		var through atomic.Int64
		meter := &roster.Meter{}
		ctx := roster.WithMeter(t.Context(), meter)
		take := func(l *quota.Limiter) bool {
			permit, err := l.Take(ctx, tenant, org)
			switch {
			case err == nil:
				through.Add(1)
			case roster.KindOf(err) != roster.KindTooMany || permit.Remaining != 0 || permit.Limit != limit:
				t.Errorf("%s: %+v, %v", m.name, permit, err)
			}
			return err == nil
		}
		take(limiters[0]) // so that the one which dies has its block
		var wg sync.WaitGroup
		for i, l := range limiters {
			var left atomic.Int64
			left.Store(int64(m.requests(i)))
			for range 2 { // requests of an environment at a time
				wg.Go(func() {
					for refused := 0; refused < 10 && left.Add(-1) >= 0; {
						if !take(l) {
							refused++
						}
					}
				})
			}
		}
		wg.Wait()
		if got := through.Load(); got < m.least || got > m.most {
			t.Errorf("%s: %d requests let through, want %d to %d", m.name, got, m.least, m.most)
		}
		writes := int64(meter.Cost().Calls) // refused ones included
		if writes*50 > through.Load() {
			t.Errorf("%s: %d writes for %d requests, want 1 per 50 at most", m.name, writes, through.Load())
		}
		t.Logf("%s: %d writes for %d requests let through", m.name, writes, through.Load())
		clock.Advance(time.Minute)
	}
}

// TestManyEnvironmentsAreServedEvenly lets requests come in at environments by turns, until the first is refused and then until 99 of 100 that
// there are permits for have come: the closer to the limit the better, though what is leased and unused is lost.
func TestManyEnvironmentsAreServedEvenly(t *testing.T) {
	const limit = quota.DefaultLimit
	for _, test := range []struct{ environments, first, through int }{
		{1, 99, 99}, {8, 90, 95}, {16, 50, 80}, {32, 40, 80}, {64, 90, 95}, {128, 80, 80},
	} {
		clock, store := rostertest.NewClock(minute), &shelf{}
		limiters := make([]*quota.Limiter, test.environments)
		for i := range limiters {
			limiters[i] = quota.New(store, limit, clock.Now)
		}
		through, first := 0, 0
		for i := range limit * 99 / 100 {
			if _, err := limiters[i%len(limiters)].Take(t.Context(), tenant, org); err == nil {
				through++
			} else if first == 0 {
				first = through
			}
		}
		if first == 0 {
			first = through
		}
		if test.environments <= 64 && store.leases*50 > through {
			t.Errorf("%d environments write %d times for %d requests, want 1 per 50 at most", test.environments, store.leases, through)
		}
		if first*100 < test.first*limit || through*100 < test.through*limit {
			t.Errorf("%d environments: the first is refused after %d, and %d are let through, want %d and %d of 100 of the limit", test.environments, first, through, test.first, test.through)
		}
		t.Logf("%d environments: the first is refused after %d, %d of %d are let through by %d writes", test.environments, first, through, limit*99/100, store.leases)
	}
}

// TestNoMinuteSeesMoreThanTheLimit lets any environments make any requests at any time.
func TestNoMinuteSeesMoreThanTheLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.Int64Range(1, 2000).Draw(t, "limit")
		clock := rostertest.NewClock(minute)
		store := &shelf{}
		limiters := make([]*quota.Limiter, rapid.IntRange(1, 8).Draw(t, "environments"))
		for i := range limiters {
			limiters[i] = quota.New(store, limit, clock.Now)
		}
		through, refused := map[time.Time]int64{}, map[time.Time]bool{}
		for range rapid.IntRange(1, 12).Draw(t, "bursts") {
			l := limiters[rapid.IntRange(0, len(limiters)-1).Draw(t, "environment")]
			for range rapid.IntRange(1, 800).Draw(t, "requests") {
				now := clock.Now()
				permit, err := l.Take(t.Context(), tenant, org)
				at := now.Truncate(time.Minute)
				if permit.Reset != at.Add(time.Minute).Sub(now) || permit.Limit != limit || permit.Remaining < 0 || permit.Remaining >= limit {
					t.Fatalf("at %v of %d: %+v", now, limit, permit)
				}
				if err != nil {
					if e, ok := errors.AsType[*roster.Error](err); !ok || e.Kind != roster.KindTooMany || e.RetryAfter != permit.Reset {
						t.Fatal(err)
					}
					refused[at] = true
					continue
				}
				if through[at]++; through[at] > limit {
					t.Fatalf("%d requests let through at %v, of %d", through[at], at, limit)
				}
			}
			clock.Advance(time.Duration(rapid.Int64Range(0, 70).Draw(t, "seconds")) * time.Second)
		}
		for at := range refused {
			if len(limiters) == 1 && through[at] != limit {
				t.Errorf("refused after %d of %d, though nobody else asked", through[at], limit)
			}
		}
	})
}

func TestEnvironmentsOfFewRequestsAreServed(t *testing.T) {
	clock := rostertest.NewClock(minute)
	store := &shelf{}
	for i := range 150 {
		if _, err := quota.New(store, quota.DefaultLimit, clock.Now).Take(t.Context(), tenant, org); err != nil {
			t.Fatalf("environment %d: %v", i, err)
		}
	}
	if store.leases != 150 {
		t.Errorf("%d writes, want one per environment", store.leases)
	}
	// And one that asks now and then writes once in each minute.
	l := quota.New(store, quota.DefaultLimit, clock.Now)
	for range 5 {
		clock.Set(clock.Now().Truncate(time.Minute).Add(time.Minute))
		store.leases = 0
		for range 40 {
			if _, err := l.Take(t.Context(), tenant, org); err != nil {
				t.Fatal(err)
			}
			clock.Advance(time.Second)
		}
		if store.leases != 1 {
			t.Errorf("%d writes in a minute of 40 requests, want 1", store.leases)
		}
	}
}

func TestSmallLimits(t *testing.T) {
	clock := rostertest.NewClock(minute)
	store := &shelf{}
	one, other := quota.New(store, 10, clock.Now), quota.New(store, 10, clock.Now)
	through := 0
	for i := range 40 {
		l := one
		if i%2 == 1 {
			l = other
		}
		permit, err := l.Take(t.Context(), tenant, org)
		if err == nil {
			if through++; permit.Remaining != int64(10-through) {
				t.Errorf("after %d requests, %d remain", through, permit.Remaining)
			}
		}
	}
	if through != 10 || store.leases > 12 {
		t.Errorf("%d let through by %d writes, want 10 by 12 at most", through, store.leases)
	}
}

func TestOrganizationsAndTenantsAreCountedApart(t *testing.T) {
	clock := rostertest.NewClock(minute)
	l := quota.New(&shelf{}, 1, clock.Now)
	for _, of := range []struct {
		tenant roster.TenantID
		org    roster.OrgID
	}{{7, 9}, {7, 10}, {8, 9}} {
		if _, err := l.Take(t.Context(), of.tenant, of.org); err != nil {
			t.Errorf("%+v: %v", of, err)
		}
		if _, err := l.Take(t.Context(), of.tenant, of.org); roster.KindOf(err) != roster.KindTooMany {
			t.Errorf("%+v again: %v", of, err)
		}
	}
}

// TestPermitsAreOfTheirMinute lets the minute end while a lease is on its way: what comes of it lets nobody through.
func TestPermitsAreOfTheirMinute(t *testing.T) {
	clock := rostertest.NewClock(minute.Add(59 * time.Second))
	store := &shelf{}
	store.before = func(lease roster.PermitLease) error {
		if lease.Minute.Equal(minute) {
			clock.Advance(2 * time.Second)
		}
		return nil
	}
	permit, err := quota.New(store, 300, clock.Now).Take(t.Context(), tenant, org)
	if err != nil || store.leases != 2 || permit.Reset != 59*time.Second || permit.Remaining != 299 {
		t.Errorf("%+v, %v after %d leases", permit, err, store.leases)
	}
}

func TestNoPermitWithoutTheTable(t *testing.T) {
	clock := rostertest.NewClock(minute)
	down := true
	store := &shelf{before: func(roster.PermitLease) error {
		if down {
			return roster.Unavailable("busy", nil)
		}
		return nil
	}}
	l := quota.New(store, 300, clock.Now)
	if _, err := l.Take(t.Context(), tenant, org); roster.KindOf(err) != roster.KindUnavailable {
		t.Errorf("without the table: %v", err)
	}
	down = false
	for range 2 { // a block is 2
		if _, err := l.Take(t.Context(), tenant, org); err != nil {
			t.Fatal(err)
		}
	}
	down = true
	if _, err := l.Take(t.Context(), tenant, org); roster.KindOf(err) != roster.KindUnavailable {
		t.Errorf("once the block is used up: %v", err)
	}
}

// TestOneLeaseAtATime holds a lease back while many wait for it, of whom one gives up.
func TestOneLeaseAtATime(t *testing.T) {
	clock := rostertest.NewClock(minute)
	entered, answer := make(chan struct{}), make(chan struct{})
	store := &shelf{before: func(roster.PermitLease) error {
		entered <- struct{}{}
		<-answer
		return nil
	}}
	l := quota.New(store, quota.DefaultLimit, clock.Now)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := l.Take(t.Context(), tenant, org); err != nil {
				t.Error(err)
			}
		})
	}
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Take(ctx, tenant, org); roster.KindOf(err) != roster.KindUnavailable {
		t.Errorf("who gives up gets %v", err)
	}
	close(answer)
	wg.Wait()
	if store.leases != 1 {
		t.Errorf("%d leases for 50 requests at once, want 1", store.leases)
	}
}
