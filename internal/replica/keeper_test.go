package replica

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rosterhq/roster/internal/roster"
)

// library is a feed, a shelf, and those who read and write there, all by the feed's clock.
type library struct {
	*station
	shelf  *shelf
	keeper *Keeper
	log    *bytes.Buffer
}

// newLibrary returns one of a tenant of so many users.
func newLibrary(t *testing.T, users int) *library {
	t.Helper()
	l := &library{shelf: newShelf(), log: &bytes.Buffer{}}
	l.station = newStation(t, Config{Snapshots: l.shelf, SnapshotUsers: 5, Log: slog.New(slog.NewTextHandler(l.log, nil))})
	for id := range roster.UserID(users) {
		l.feed.put(roster.Change{User: user(id+1, fmt.Sprint("User ", id+1), 1, l.feed.now)})
	}
	l.advance(time.Minute) // further than a look reads back
	l.keeper = l.anotherKeeper()
	return l
}

func (l *library) anotherKeeper() *Keeper {
	k := NewKeeper(KeeperConfig{Feed: l.feed, Store: l.shelf, Now: l.clock, MinUsers: 5, Log: slog.New(slog.NewTextHandler(l.log, nil))})
	k.interval, k.limit = 0, 120
	return k
}

// cold makes the reader forget what it has.
func (l *library) cold() {
	f := l.acquire(testTenant)
	f.drop()
	l.release(f)
}

// keep runs the keeper, and fails the test where that fails.
func (l *library) keep(t *testing.T) Report {
	t.Helper()
	var r Report
	if _, err := l.keeper.Keep(t.Context(), testTenant, &r); err != nil {
		t.Fatalf("Keep: %v", err)
	}
	return r
}

// read is a cold query. It fails unless it sees what the feed shows, and unless it reads from a snapshot where it should.
func (l *library) read(t *testing.T, fromSnapshot bool) {
	t.Helper()
	before, _ := l.Stats(testTenant)
	l.cold()
	got := l.names()
	l.feed.mu.Lock()
	var want []string
	for id := roster.UserID(1); ; id++ {
		h := l.feed.items[itemKey{'u', int64(id)}]
		if h == nil {
			break
		}
		if u := (*h)[len(*h)-1].change.User; !u.Deleted() {
			want = append(want, u.Name)
		}
	}
	l.feed.mu.Unlock()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("the names seen (-want +got):\n%s", diff)
	}
	after, _ := l.Stats(testTenant)
	if got := after.FromSnapshot > before.FromSnapshot; got != fromSnapshot {
		t.Errorf("the load was from a snapshot: %t, want %t; the log says %s", got, fromSnapshot, l.log)
	}
}

func (l *library) change(id roster.UserID, version int64) {
	l.feed.put(roster.Change{User: user(id, fmt.Sprintf("User %d.%d", id, version), version, l.feed.now)})
}

// What a cold load of a large tenant cost decides whether there is a snapshot; a small one costs nothing for it.
func TestSnapshotsAreAskedForByWhoHadToWait(t *testing.T) {
	t.Run("a small tenant never", func(t *testing.T) {
		l := newLibrary(t, 3)
		l.read(t, false)
		if len(l.shelf.due) != 0 || l.shelf.calls != 1 {
			t.Errorf("a load took %d calls and left %v, want one call for the record and nothing", l.shelf.calls, l.shelf.due)
		}
	})
	t.Run("one with few users in many organizations neither", func(t *testing.T) {
		l := newLibrary(t, 3)
		for id := range roster.OrgID(40) {
			o := roster.Organization{Tenant: testTenant, ID: 100 + id, Name: "Sales", Path: roster.OrgPath{7, 100 + id}, CreatedAt: testStart}
			o.Revision = roster.Revision{Version: 1, ChangedAt: l.feed.now}
			l.feed.put(roster.Change{Organization: &o})
		}
		l.read(t, false)
		if len(l.shelf.due) != 0 {
			t.Errorf("a load of 3 users left %v, want nothing", l.shelf.due)
		}
	})
	t.Run("a large one at its first load", func(t *testing.T) {
		l := newLibrary(t, 40)
		l.read(t, false)
		l.read(t, false)
		if len(l.shelf.due) != 1 {
			t.Fatalf("two loads within an hour asked %v, want once", l.shelf.due)
		}
		r, err := l.keeper.KeepDue(t.Context())
		if err != nil || r.Written != 1 || len(l.shelf.due) != 1 {
			t.Fatalf("KeepDue gives %+v, %v and leaves %v, want a copy, and one entry for its renewal", r, err, l.shelf.due)
		}
		l.read(t, true)
		if len(l.shelf.due) != 1 {
			t.Errorf("a load from a young snapshot asked for another: %v", l.shelf.due)
		}
	})
	t.Run("even when the load does not come to its end", func(t *testing.T) {
		l := newLibrary(t, 40)
		l.feed.fail = func(shard, seen int) error {
			if shard == 3 && seen == 9 {
				return errors.New("out of time")
			}
			return nil
		}
		if _, err := l.SearchUsers(t.Context(), testTenant, roster.Query{Page: roster.Page{Limit: 1}}); err == nil {
			t.Fatal("the load came to its end")
		}
		if len(l.shelf.due) != 1 {
			t.Errorf("the load asked for %v", l.shelf.due)
		}
	})
	t.Run("again once five percent have changed, an hour after the last", func(t *testing.T) {
		l := newLibrary(t, 40)
		l.keeper.interval = DefaultSnapshotInterval
		l.keep(t)
		written := l.feed.now
		l.advance(10 * time.Minute)
		l.change(1, 2)
		l.read(t, true)
		if len(l.shelf.due) != 0 {
			t.Errorf("one change in 40 asked for %v", l.shelf.due)
		}
		l.change(2, 2)
		l.read(t, true)
		want := roster.SnapshotDue{Tenant: testTenant, At: written.Add(DefaultSnapshotInterval)}
		if len(l.shelf.due) != 1 || !l.shelf.due[want] {
			t.Fatalf("two changes in 40 asked for %v, want %v", l.shelf.due, want)
		}
		if r, err := l.keeper.KeepDue(t.Context()); err != nil || r != (Report{}) {
			t.Errorf("before it is due, KeepDue gives %+v, %v", r, err)
		}
		l.advance(50 * time.Minute)
		if r, err := l.keeper.KeepDue(t.Context()); err != nil || r.Written != 1 || l.shelf.due[want] {
			t.Errorf("when it is due, KeepDue gives %+v, %v", r, err)
		}
		l.read(t, true)
	})
}

// A tenant in which nothing happens keeps its chunks; the record says how new they are.
func TestAnUnchangedSnapshotGetsANewWatermark(t *testing.T) {
	l := newLibrary(t, 40)
	l.keep(t)
	writes := 0
	l.shelf.before = func(_ int, name string) error {
		if name == "PutSnapshotChunk" {
			writes++
		}
		return nil
	}
	for range 2 { // far beyond the age at which a snapshot is not used any more
		l.advance(DefaultReloadAfter * 2 / 3)
		if r := l.keep(t); r.Renewed != 1 || writes != 0 {
			t.Fatalf("keeping gives %+v and %d chunks, want a new watermark", r, writes)
		}
		l.advance(DefaultReloadAfter - time.Minute)
		l.read(t, true)
		l.advance(-DefaultReloadAfter + time.Minute)
	}
	l.advance(DefaultReloadAfter * 2 / 3)
	if r := l.keep(t); r.Written != 1 || writes == 0 {
		t.Errorf("with chunks about to expire, keeping gives %+v, want new ones", r)
	}
	l.read(t, true)
}

func TestATenantThatHasBecomeSmallNeedsNoSnapshot(t *testing.T) {
	l := newLibrary(t, 8)
	l.keep(t)
	l.advance(time.Minute)
	for id := roster.UserID(1); id <= 5; id++ {
		u := user(id, "Gone", 2, l.feed.now)
		u.DeletedAt, u.ExpiresAt = l.feed.now, l.feed.now.Add(time.Hour)
		l.feed.put(roster.Change{User: u})
	}
	l.advance(2 * time.Hour)
	l.feed.purge(l.feed.now)
	l.advance(23 * time.Hour)
	var r Report
	next, err := l.keeper.Keep(t.Context(), testTenant, &r)
	if err != nil || r.Small != 1 || !next.IsZero() {
		t.Errorf("Keep gives %v, %+v, %v, want a small tenant that is not looked after", next, r, err)
	}
	l.cold()
	l.wantNames("User 6", "User 7", "User 8")
}

// A change that comes into the index later than any look reads back is missed by whoever begins with the snapshot; the next copy has it.
func TestACopyHasWhatTheOneBeforeMissed(t *testing.T) {
	l := newLibrary(t, 40)
	l.advance(time.Minute)
	l.keep(t)
	gone := user(8, "Gone", 2, l.feed.now.Add(-DefaultOverlap-time.Second))
	gone.DeletedAt, gone.ExpiresAt = l.feed.now, l.feed.now.Add(time.Hour)
	l.feed.put(roster.Change{User: gone})
	l.advance(time.Minute)
	l.cold()
	if got := l.names(); !slices.Contains(got, "User 8") {
		t.Fatalf("%q are seen; the change is not late enough to prove anything", got)
	}
	l.change(1, 2)
	l.change(2, 2)
	if r := l.keep(t); r.Written != 1 {
		t.Fatalf("keeping gives %+v, want another copy", r)
	}
	l.advance(time.Minute)
	l.read(t, true)
}

// A tenant that is written often is on the list once for all the copies, and not before half of their age has passed.
func TestManyCopiesLeaveOneEntry(t *testing.T) {
	l := newLibrary(t, 40)
	const step = DefaultReloadAfter / 16
	l.advance(l.feed.now.Truncate(step).Add(step).Sub(l.feed.now)) // where the rounding changes
	l.advance(time.Minute)
	due := map[time.Time]int{}
	for version := range int64(8) {
		l.change(1, version+2)
		l.change(2, version+2)
		var r Report
		next, err := l.keeper.Keep(t.Context(), testTenant, &r)
		if err != nil || r.Written != 1 {
			t.Fatalf("Keep gives %+v, %v", r, err)
		}
		if after := next.Sub(l.feed.now); after < DefaultReloadAfter/2 || after >= DefaultReloadAfter/2+step {
			t.Errorf("a copy is due after %v, want half of %v and less than %v more", after, DefaultReloadAfter, step)
		}
		due[next]++
		l.advance(10 * time.Minute)
	}
	if len(due) != 1 {
		t.Errorf("eight copies within a step are due at %v, want one moment", due)
	}
}

// A writer can be cut off before or after any of its calls. Readers have what there is, and the next writer goes on.
func TestAWriterCanCrashAtAnyStep(t *testing.T) {
	for _, before := range []bool{true, false} {
		for step := 1; ; step++ {
			l := newLibrary(t, 40)
			l.keep(t)
			l.advance(2 * time.Minute)
			for id := range roster.UserID(10) {
				l.change(id+1, 2)
			}
			reached, first := false, l.shelf.calls
			// From its step on, a crashed writer does nothing more.
			crash := func(call int, _ string) error {
				if call-first < step {
					return nil
				}
				reached = true
				if !before {
					l.shelf.before = func(int, string) error { return errShelf }
				}
				return errShelf
			}
			if before {
				l.shelf.before = crash
			} else {
				l.shelf.after = crash
			}
			_, err := l.keeper.Keep(t.Context(), testTenant, &Report{})
			l.shelf.before, l.shelf.after = nil, nil
			l.log.Reset()
			if !reached {
				if err != nil || step < 5 {
					t.Fatalf("after %d steps: %v", step, err)
				}
				break
			}
			l.read(t, true)
			l.advance(leaseTime + time.Second)
			next := l.anotherKeeper()
			var r Report
			if _, err := next.Keep(t.Context(), testTenant, &r); err != nil || r.Written+r.Renewed+r.Fresh != 1 {
				t.Fatalf("after a crash at step %d, the next writer gives %+v, %v", step, r, err)
			}
			l.read(t, true)
			if got := l.log.String(); strings.Contains(got, EventFallback) {
				t.Fatalf("after a crash at step %d, readers fell back: %s", step, got)
			}
		}
	}
}

func TestOneWriterAtATime(t *testing.T) {
	l := newLibrary(t, 40)
	var second Report
	var done atomic.Bool // not a Once, on whose lock the others would wait
	l.shelf.during = func(name string) {
		if name == "PutSnapshotChunk" {
			if done.CompareAndSwap(false, true) {
				if _, err := l.anotherKeeper().Keep(t.Context(), testTenant, &second); err != nil {
					t.Error(err)
				}
			}
		}
	}
	if r := l.keep(t); r.Written != 1 || second.Busy != 1 || second.Written != 0 {
		t.Errorf("the first writer gives %+v, the second beside it %+v", r, second)
	}
	l.read(t, true)
}

// A writer that was away for longer than its lease finds that another has done the work, at whatever step it comes back.
func TestAWriterThatLostItsLeaseChangesNothing(t *testing.T) {
	for step := 2; step < 12; step++ {
		l := newLibrary(t, 40)
		calls, slept := 0, false
		var mu sync.Mutex
		l.shelf.during = func(string) {
			mu.Lock()
			calls++
			now := calls == step && !slept
			slept = slept || now
			mu.Unlock()
			if !now {
				return
			}
			l.advance(leaseTime + time.Second)
			l.change(1, 2)
			var r Report
			if _, err := l.anotherKeeper().Keep(t.Context(), testTenant, &r); err != nil || r.Written != 1 {
				t.Errorf("step %d: the second writer gives %+v, %v", step, r, err)
			}
		}
		var r Report
		_, err := l.keeper.Keep(t.Context(), testTenant, &r)
		l.shelf.during = nil
		if err != nil && roster.KindOf(err) != roster.KindConflict {
			t.Errorf("step %d: the writer that was away gives %v", step, err)
		}
		if !slept {
			break
		}
		record := l.shelf.records[testTenant]
		for number := range record.Current.Chunks {
			if got := l.shelf.chunks[place{testTenant, record.Current.Slot, number}].Generation; got != record.Current.Generation {
				t.Fatalf("step %d: chunk %d is of generation %d, the record of %d", step, number, got, record.Current.Generation)
			}
		}
		l.read(t, true)
	}
}

// A format that this release does not know is replaced by a copy in its own, after a release and after the return to the one before.
func TestReleasesTakeTurns(t *testing.T) {
	l := newLibrary(t, 40)
	l.keep(t)
	other := func(format string) {
		record := l.shelf.records[testTenant]
		record.Current.Format = format
		l.shelf.records[testTenant] = record
	}
	for _, format := range []string{"2/16.0.0", "0/15.0.0"} {
		other(format)
		l.read(t, false)
		l.advance(2 * time.Hour)
		if r, err := l.keeper.KeepDue(t.Context()); err != nil || r.Written != 1 {
			t.Fatalf("over a snapshot in the format %s, KeepDue gives %+v, %v", format, r, err)
		}
		l.read(t, true)
		l.advance(time.Hour)
	}
}

// What cannot be kept is told, does not hold up others, and is tried again.
func TestATenantThatCannotBeKeptHoldsUpNobody(t *testing.T) {
	feed, tenants := town(3, 200)
	huge, hugeTenants := town(1, 5000)
	feed[tenants[0]] = huge[hugeTenants[0]]
	store, log := newShelf(), &bytes.Buffer{}
	now := testStart
	k := NewKeeper(KeeperConfig{
		Feed: feed, Store: store, Now: func() time.Time { return now }, MinUsers: 100, MemoryBudget: sizeOf(t, feed, tenants[0]) / 2,
		Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	for _, tenant := range tenants {
		if err := store.PutSnapshotDue(t.Context(), roster.SnapshotDue{Tenant: tenant, At: testStart}); err != nil {
			t.Fatal(err)
		}
	}
	r, err := k.KeepDue(t.Context())
	if err != nil || r.Written != 2 || r.Failed != 1 {
		t.Fatalf("KeepDue gives %+v, %v, want two copies and a failure", r, err)
	}
	if got := log.String(); !strings.Contains(got, EventUnsaved) || !strings.Contains(got, EventRefused) || !strings.Contains(got, "more memory") {
		t.Errorf("the log says %s", got)
	}
	if !store.due[roster.SnapshotDue{Tenant: tenants[0], At: now.Add(retryAfter)}] || len(store.due) != 3 {
		t.Errorf("the list has %v, want the large tenant an hour later and the others in their time", store.due)
	}
}

// stuckFeed is a feed of which one tenant takes longer to read than there is time, which it ends.
type stuckFeed struct {
	Feed
	stuck  roster.TenantID
	cancel context.CancelFunc // guarded by the caller: set before each run
}

func (f *stuckFeed) Changes(ctx context.Context, tenant roster.TenantID, shard int, since time.Time, visit func(roster.Change) error) error {
	if tenant != f.stuck {
		return f.Feed.Changes(ctx, tenant, shard, since, visit)
	}
	f.cancel()
	<-ctx.Done()
	return ctx.Err()
}

// A tenant that takes longer than a run has goes behind the others.
func TestATenantThatTakesTooLongLetsTheOthersHaveTheirTurn(t *testing.T) {
	towns, tenants := town(2, 200)
	feed, store, log := &stuckFeed{Feed: towns, stuck: tenants[0]}, newShelf(), &bytes.Buffer{}
	now := testStart
	k := NewKeeper(KeeperConfig{
		Feed: feed, Store: store, Now: func() time.Time { return now }, MinUsers: 100, Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	for i, tenant := range tenants {
		at := testStart.Add(time.Duration(i) * time.Millisecond)
		if err := store.PutSnapshotDue(t.Context(), roster.SnapshotDue{Tenant: tenant, At: at}); err != nil {
			t.Fatal(err)
		}
	}
	run := func() Report {
		t.Helper()
		now = now.Add(15 * time.Minute)
		var ctx context.Context
		ctx, feed.cancel = context.WithCancel(t.Context())
		defer feed.cancel()
		r, err := k.KeepDue(ctx)
		if err != nil {
			t.Fatalf("KeepDue: %v", err)
		}
		return r
	}
	if r := run(); r != (Report{}) {
		t.Fatalf("the first run gives %+v, want that it ends in the first tenant", r)
	}
	if got := log.String(); !strings.Contains(got, "behind the others") || strings.Contains(got, EventUnsaved) {
		t.Errorf("the log says %s", got)
	}
	if store.records[tenants[0]].Lease.Until.After(now) {
		t.Error("the lease of the first tenant has not been given up")
	}
	if r := run(); r.Written != 1 || store.records[tenants[1]].Current.Generation == 0 {
		t.Errorf("the second run gives %+v, want a copy of the other tenant", r)
	}
	var still []roster.TenantID
	for due := range store.due {
		still = append(still, due.Tenant)
	}
	slices.Sort(still)
	if !slices.Equal(still, tenants) {
		t.Errorf("the list has tenants %v, want each once", still)
	}
}
