package replica

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// With no MaxAge, a look that began before a query must not answer it: it may have read past what the caller knows to be
// there. Queries that come while one is under way share the next look.
func TestAQueryWaitsForALookOfItsOwnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStation(t, Config{})
		s.wantNames()
		reads := s.feed.reads
		passed, hold := make(chan struct{}), make(chan struct{})
		var looks sync.Map
		var held atomic.Bool // not a Once, on whose lock the other shards would wait
		s.feed.during = func(shard int) {
			if shard == 0 && held.CompareAndSwap(false, true) {
				close(passed)
				<-hold
			}
		}
		var queries sync.WaitGroup
		queries.Go(func() { looks.Store(0, s.names()) })
		<-passed
		synctest.Wait() // until the look has read all shards but the one that is held
		s.feed.put(roster.Change{User: user(1, "Ann", 1, s.feed.now)})
		const waiting = 8
		for i := range waiting {
			queries.Go(func() { looks.Store(i+1, s.names()) })
		}
		synctest.Wait() // until all of them wait
		close(hold)
		queries.Wait()
		for i := range waiting {
			if got, _ := looks.Load(i + 1); !slices.Equal(got.([]string), []string{"Ann"}) {
				t.Errorf("a query that came after a write sees %q, want Ann", got)
			}
		}
		if took := (s.feed.reads - reads) / roster.Shards; took != 2 {
			t.Errorf("%d queries at the same time took %d looks, want 2", waiting+1, took)
		}
	})
}

// A caller that gives up does not take the others with it.
func TestAnAbandonedLookFailsNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStation(t, Config{})
		s.feed.put(roster.Change{User: user(1, "Ann", 1, s.feed.now)})
		s.wantNames("Ann")
		passed, hold := make(chan struct{}), make(chan struct{})
		var held atomic.Bool // not a Once, on whose lock the other shards would wait
		leader, giveUp := context.WithCancel(t.Context())
		s.feed.during = func(int) {
			if held.CompareAndSwap(false, true) {
				close(passed)
				<-hold
			}
		}
		s.feed.fail = func(int, int) error { return leader.Err() }
		var queries sync.WaitGroup
		queries.Go(func() {
			_, err := s.SearchUsers(leader, testTenant, roster.Query{Page: roster.Page{Limit: 1}})
			if roster.KindOf(err) != roster.KindUnavailable || !errors.Is(err, context.Canceled) {
				t.Errorf("the caller that gave up got %v, want unavailable because it was cancelled", err)
			}
		})
		<-passed
		// MaxAge would let this one share the look under way; it must begin another when that is abandoned.
		s.maxAge = time.Hour
		f := s.acquire(testTenant)
		f.mu.Lock()
		f.looked = time.Time{}
		f.mu.Unlock()
		queries.Go(func() {
			_, err := f.fresh(t.Context())
			if err != nil {
				t.Errorf("a caller beside one that gave up got %v", err)
			}
		})
		synctest.Wait()
		giveUp()
		s.feed.mu.Lock()
		s.feed.fail = func(int, int) error { return nil }
		s.feed.mu.Unlock()
		close(hold)
		queries.Wait()
	})
}

// A caller whose time is up does not wait for a look.
func TestAWaitingCallerCanGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStation(t, Config{})
		s.wantNames()
		passed, hold := make(chan struct{}), make(chan struct{})
		var held atomic.Bool // not a Once, on whose lock the other shards would wait
		s.feed.during = func(int) {
			if held.CompareAndSwap(false, true) {
				close(passed)
				<-hold
			}
		}
		var queries sync.WaitGroup
		queries.Go(func() { s.names() })
		<-passed
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.SearchUsers(ctx, testTenant, roster.Query{Page: roster.Page{Limit: 1}}); !errors.Is(err, context.Canceled) {
			t.Errorf("a cancelled caller got %v, want that it was cancelled", err)
		}
		close(hold)
		queries.Wait()
	})
}
