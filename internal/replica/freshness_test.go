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

// station is a feed and one follower of it, whose clock can be off.
type station struct {
	t *testing.T
	*Replicas
	feed *fakeFeed
	mu   sync.Mutex
	skew time.Duration // of the follower's clock; guarded by mu
}

func newStation(t *testing.T, c Config) *station {
	t.Helper()
	s := &station{t: t, feed: newFakeFeed(testStart)}
	c.Feed = s.feed
	c.Now = s.clock
	s.Replicas = New(c)
	s.feed.put(roster.Change{Organization: &roster.Organization{
		Tenant: testTenant, ID: testTenant.Root(), Name: "Root", Path: roster.OrgPath{testTenant.Root()}, Revision: roster.Revision{Version: 1, ChangedAt: testStart},
	}})
	return s
}

func (s *station) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	return s.feed.now.Add(s.skew)
}

func (s *station) advance(d time.Duration) {
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	s.feed.now = s.feed.now.Add(d)
}

func (s *station) setSkew(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skew = d
}

// user returns version n of the user, changed at the given moment.
func user(id roster.UserID, name string, n int64, at time.Time) *roster.User {
	return &roster.User{
		Tenant: testTenant, ID: id, Path: roster.OrgPath{testTenant.Root()}, Name: name, Roles: []roster.RoleID{roster.RoleUser},
		Email: roster.Email(fmt.Sprintf("user-%d@one.example", id)), Status: roster.StatusActive,
		CreatedAt: testStart, UpdatedAt: at, RegisteredAt: testStart,
		Revision: roster.Revision{Version: n, ChangedAt: at},
	}
}

// names returns the names that a query sees, in id order.
func (s *station) names() []string {
	s.t.Helper()
	return s.namesOf(roster.Query{})
}

func (s *station) namesOf(q roster.Query) []string {
	s.t.Helper()
	q.Page.Limit = roster.MaxLimit
	page, err := s.SearchUsers(s.t.Context(), testTenant, q)
	if err != nil {
		s.t.Fatalf("SearchUsers: %v", err)
	}
	names := []string{}
	for _, u := range page.Users {
		names = append(names, u.Name)
	}
	return names
}

func (s *station) wantNames(want ...string) {
	s.t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), s.names()); diff != "" {
		s.t.Fatalf("the names seen (-want +got):\n%s", diff)
	}
}

// since returns the arguments of the last look's reads, which must all be equal.
func (s *station) since() time.Time {
	s.t.Helper()
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	last := s.feed.sinces[len(s.feed.sinces)-roster.Shards:]
	if slices.ContainsFunc(last, func(t time.Time) bool { return !t.Equal(last[0]) }) {
		s.t.Fatalf("one look read the shards since %v", last)
	}
	return last[0]
}

func TestEveryQuerySeesWhatTheFeedShows(t *testing.T) {
	s := newStation(t, Config{})
	s.wantNames()
	s.feed.put(roster.Change{User: user(1, "Ann", 1, s.feed.now)})
	s.wantNames("Ann")
	s.feed.put(roster.Change{User: user(1, "Anna", 2, s.feed.now)})
	s.wantNames("Anna")
}

// A change that appears late, stamped before the last look, is found because each look reads the overlap again.
func TestLateItemsAreSeenInTheOverlap(t *testing.T) {
	s := newStation(t, Config{Overlap: 5 * time.Second})
	s.wantNames()
	s.feed.write(roster.Change{User: user(1, "Late", 1, s.feed.now.Add(-time.Second))}, 3*time.Second, false)
	s.advance(2 * time.Second)
	s.wantNames() // this look begins after the change was stamped
	s.advance(2 * time.Second)
	s.wantNames("Late")
}

// An item stamped by a clock that runs ahead is seen at once and again; nothing is missed because of it.
func TestItemsStampedAheadDoNotMoveTheWatermark(t *testing.T) {
	s := newStation(t, Config{Overlap: 5 * time.Second})
	s.feed.put(roster.Change{User: user(1, "Ahead", 1, s.feed.now.Add(time.Minute))})
	s.wantNames("Ahead")
	s.advance(10 * time.Second)
	s.feed.put(roster.Change{User: user(2, "Behind", 1, s.feed.now)})
	s.wantNames("Ahead", "Behind")
}

func TestOlderVersionsAreIgnored(t *testing.T) {
	s := newStation(t, Config{})
	s.feed.put(roster.Change{User: user(1, "New", 3, s.feed.now)})
	s.wantNames("New")
	s.Apply(testTenant, roster.Change{User: user(1, "Old", 2, s.feed.now)}, roster.Change{User: user(1, "Same", 3, s.feed.now)})
	s.wantNames("New")
	s.Apply(testTenant, roster.Change{User: user(1, "Newer", 4, s.feed.now)}, roster.Change{User: user(1, "Older", 3, s.feed.now)})
	s.wantNames("Newer")
}

// While a feed is first read, an item can change and so be read twice, in either order.
func TestTheNewestOfSeveralVersionsIsLoaded(t *testing.T) {
	for _, order := range [][]int{{1, 2, 3}, {3, 1, 2}, {2, 3, 1}} {
		feed := &listFeed{}
		for _, version := range order {
			s := roster.Shard(roster.UserID(8))
			feed[s] = append(feed[s], roster.Change{User: user(8, fmt.Sprint("Version ", version), int64(version), testStart)})
		}
		r := New(Config{Feed: feed})
		page, err := r.SearchUsers(t.Context(), testTenant, roster.Query{Page: roster.Page{Limit: 10}})
		if err != nil || len(page.Users) != 1 || page.Users[0].Name != "Version 3" {
			t.Errorf("read in the order %v, the users are %v (error %v), want Version 3 once", order, page.Users, err)
		}
	}
}

// A quiet tenant costs one empty query a shard, however long it has been quiet: the watermark moves with the clock.
func TestTheWatermarkMovesWithTime(t *testing.T) {
	s := newStation(t, Config{Overlap: 5 * time.Second})
	s.feed.put(roster.Change{User: user(1, "Ann", 1, s.feed.now)})
	s.wantNames("Ann")
	if got := s.since(); !got.IsZero() {
		t.Fatalf("the first look reads since %v, want everything", got)
	}
	s.advance(time.Minute)
	s.wantNames("Ann") // sees again what was written when the first look began
	for range 3 {
		s.advance(time.Minute)
		began, before := s.clock(), s.feed.visits
		s.wantNames("Ann")
		s.advance(time.Second)
		s.wantNames("Ann")
		if got, want := s.since(), began.Add(-5*time.Second); !got.Equal(want) {
			t.Fatalf("a look reads since %v, want %v: the beginning of the look before less the overlap", got, want)
		}
		if s.feed.visits != before {
			t.Fatalf("looks at a quiet tenant read %d items", s.feed.visits-before)
		}
	}
}

// The watermark is the moment a look began: what is written while it reads must be read by the next.
func TestTheWatermarkIsWhenTheLookBegan(t *testing.T) {
	s := newStation(t, Config{Overlap: time.Millisecond})
	s.wantNames()
	var once sync.Once
	began := s.clock()
	s.feed.during = func(int) { once.Do(func() { s.advance(time.Minute) }) }
	s.wantNames()
	s.feed.during = nil
	s.wantNames()
	if got, want := s.since(), began.Add(-time.Millisecond); !got.Equal(want) {
		t.Fatalf("after a look that took a minute, the next reads since %v, want %v", got, want)
	}
}

func TestAFailedShardDoesNotMoveTheWatermark(t *testing.T) {
	for broken := range roster.Shards {
		s := newStation(t, Config{Overlap: time.Second})
		s.wantNames()
		began := s.clock()
		s.advance(10 * time.Second)
		for id := range roster.UserID(roster.Shards) {
			s.feed.put(roster.Change{User: user(id+1, fmt.Sprint("User ", id+1), 1, s.feed.now)})
		}
		s.advance(10 * time.Second)
		cause := errors.New("connection reset")
		s.feed.fail = func(shard, _ int) error {
			if shard == broken {
				return cause
			}
			return nil
		}
		_, err := s.SearchUsers(t.Context(), testTenant, roster.Query{Page: roster.Page{Limit: 1}})
		if roster.KindOf(err) != roster.KindUnavailable || !errors.Is(err, cause) {
			t.Fatalf("with a broken shard, SearchUsers returns %v, want unavailable because of %v", err, cause)
		}
		s.feed.fail = nil
		s.advance(10 * time.Second)
		s.wantNames("User 1", "User 2", "User 3", "User 4")
		if got, want := s.since(), began.Add(-time.Second); !got.Equal(want) {
			t.Errorf("after a failed look, the next reads since %v, want %v", got, want)
		}
	}
}

// A load that fails leaves nothing behind that a query could take for the tenant.
func TestAFailedLoadIsNotHalfATenant(t *testing.T) {
	s := newStation(t, Config{MaxAge: time.Hour})
	s.feed.put(roster.Change{User: user(1, "One", 1, s.feed.now)}, roster.Change{User: user(2, "Two", 1, s.feed.now)})
	s.feed.fail = func(shard, _ int) error {
		if shard == 2 {
			return errors.New("throttled")
		}
		return nil
	}
	for range 2 {
		if _, err := s.SearchUsers(t.Context(), testTenant, roster.Query{Page: roster.Page{Limit: 1}}); roster.KindOf(err) != roster.KindUnavailable {
			t.Fatalf("SearchUsers returns %v, want unavailable", err)
		}
	}
	if _, ok := s.Stats(testTenant); ok {
		t.Error("a failed load left a replica")
	}
	s.feed.fail = nil
	s.wantNames("One", "Two")
}

// A reload that fails does not throw away the copy that is there.
func TestAFailedReloadKeepsTheOldCopy(t *testing.T) {
	s := newStation(t, Config{MaxAge: time.Minute, ReloadAfter: time.Hour})
	s.feed.put(roster.Change{User: user(1, "One", 1, s.feed.now)})
	s.wantNames("One")
	s.advance(2 * time.Hour)
	s.feed.fail = func(int, int) error { return errors.New("throttled") }
	if _, err := s.SearchUsers(t.Context(), testTenant, roster.Query{Page: roster.Page{Limit: 1}}); roster.KindOf(err) != roster.KindUnavailable {
		t.Fatalf("SearchUsers returns %v, want unavailable", err)
	}
	if stats, ok := s.Stats(testTenant); !ok || stats.Users != 1 {
		t.Errorf("after a failed reload, Stats = %+v, %t, want the user that was there", stats, ok)
	}
}

// A user who was deleted and purged while the follower slept is in no look since the watermark; only a reload shows that
// it is gone.
func TestAFollowerThatSleptTooLongReloads(t *testing.T) {
	s := newStation(t, Config{ReloadAfter: 24 * time.Hour})
	s.feed.put(roster.Change{User: user(1, "Ann", 1, s.feed.now)}, roster.Change{User: user(2, "Ghost", 1, s.feed.now)})
	s.wantNames("Ann", "Ghost")
	gone := user(2, "Ghost", 2, s.feed.now.Add(time.Hour))
	gone.DeletedAt, gone.ExpiresAt = gone.UpdatedAt, gone.UpdatedAt.Add(time.Hour)
	s.feed.put(roster.Change{User: gone})
	s.advance(25 * time.Hour)
	s.feed.purge(s.feed.now)
	s.wantNames("Ann")
	if stats, _ := s.Stats(testTenant); stats.Loads != 2 {
		t.Errorf("the follower has loaded %d times, want 2", stats.Loads)
	}
	s.advance(24 * time.Hour)
	s.wantNames("Ann")
	if stats, _ := s.Stats(testTenant); stats.Loads != 2 {
		t.Errorf("after no longer than ReloadAfter, the follower has loaded %d times, want 2", stats.Loads)
	}
}

// A Lambda environment can be frozen for hours, in which the monotonic clock stands still.
func TestAgesAreToldByTheWallClock(t *testing.T) {
	if now := New(Config{}).now(); now != now.Round(0) {
		t.Errorf("the time is %v, want one without a monotonic clock", now)
	}
}

// A clock that was ahead and is set back leaves a watermark in the future, behind which changes would be missed.
func TestAClockSetBackReloads(t *testing.T) {
	s := newStation(t, Config{})
	s.setSkew(time.Hour)
	s.wantNames()
	s.advance(time.Minute)
	s.feed.put(roster.Change{User: user(1, "Missed", 1, s.feed.now)})
	s.advance(time.Minute)
	s.setSkew(0)
	s.wantNames("Missed")
}

func TestAClockSteppedBackALittleMissesNothing(t *testing.T) {
	s := newStation(t, Config{Overlap: 5 * time.Second})
	s.wantNames()
	s.setSkew(-4 * time.Second)
	began := s.clock()
	s.wantNames()
	if got, want := s.since(), began.Add(-5*time.Second); got.After(want) {
		t.Errorf("a look after a step back reads since %v, want at most %v", got, want)
	}
	if stats, _ := s.Stats(testTenant); stats.Loads != 1 {
		t.Errorf("the follower has loaded %d times, want 1", stats.Loads)
	}
}

// A write made here is seen here at once, before the feed shows it.
func TestApplyWritesThrough(t *testing.T) {
	s := newStation(t, Config{})
	s.wantNames()
	created := roster.Change{User: user(1, "Mine", 1, s.feed.now)}
	s.feed.write(created, 2*time.Second, false)
	s.Apply(testTenant, created)
	s.wantNames("Mine")
	s.advance(3 * time.Second)
	s.wantNames("Mine")
}

// The same goes for a tenant that is not in memory, or is being read anew: the feed that is read may not show the write.
func TestApplyOutlivesALoad(t *testing.T) {
	t.Run("before the first load", func(t *testing.T) {
		s := newStation(t, Config{})
		created := roster.Change{User: user(1, "Mine", 1, s.feed.now)}
		s.feed.write(created, 2*time.Second, false)
		s.Apply(testTenant, created)
		s.advance(time.Second)
		s.wantNames("Mine")
	})
	t.Run("during a load", func(t *testing.T) {
		s := newStation(t, Config{ReloadAfter: time.Hour})
		s.wantNames()
		s.advance(2 * time.Hour)
		created := roster.Change{User: user(1, "Mine", 1, s.feed.now)}
		s.feed.write(created, time.Minute, false)
		var once sync.Once
		s.feed.during = func(int) {
			once.Do(func() {
				s.Apply(testTenant, created)
				s.advance(10 * time.Second) // longer than the overlap: the load is slow
				s.Apply(testTenant, roster.Change{User: user(2, "Mine too", 1, s.feed.now)})
			})
		}
		s.wantNames("Mine", "Mine too")
	})
	t.Run("but not for ever", func(t *testing.T) {
		s := newStation(t, Config{ReloadAfter: time.Hour})
		s.wantNames()
		s.Apply(testTenant, roster.Change{User: user(1, "Purged since", 1, s.feed.now)})
		s.wantNames("Purged since")
		s.advance(2 * time.Hour)
		s.wantNames()
	})
}

func TestExpiredUsersAreInvisible(t *testing.T) {
	for name, folds := range map[string]bool{"in the tail": false, "in the base": true} {
		t.Run(name, func(t *testing.T) {
			s := newStation(t, Config{})
			if !folds {
				s.wantNames()
			}
			gone := user(1, "Gone", 2, s.feed.now)
			gone.DeletedAt, gone.ExpiresAt = s.feed.now, s.feed.now.Add(time.Hour)
			odd := user(2, "Expiring but not deleted", 1, s.feed.now)
			odd.ExpiresAt = s.feed.now.Add(time.Hour)
			s.feed.put(roster.Change{User: gone}, roster.Change{User: odd})
			deleted := roster.Query{Deleted: roster.OnlyDeleted}
			s.advance(time.Hour - time.Millisecond)
			if got := s.namesOf(deleted); !slices.Equal(got, []string{"Gone"}) {
				t.Errorf("before it expires, the deleted users are %q, want Gone", got)
			}
			s.wantNames("Expiring but not deleted")
			s.advance(time.Millisecond)
			if got := s.namesOf(deleted); len(got) != 0 {
				t.Errorf("after they expired, the deleted users are %q, want none", got)
			}
			s.wantNames()
		})
	}
}

func TestMaxAgeSavesLooks(t *testing.T) {
	s := newStation(t, Config{MaxAge: 10 * time.Second})
	s.wantNames()
	s.feed.put(roster.Change{User: user(1, "Ann", 1, s.feed.now)})
	reads := s.feed.reads
	s.advance(10 * time.Second)
	s.wantNames() // as old as it may be
	if s.feed.reads != reads {
		t.Fatalf("a query within MaxAge read the feed")
	}
	s.advance(time.Millisecond)
	s.wantNames("Ann")
}
