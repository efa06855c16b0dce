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

func TestASnapshotAndTheFeedSinceAreTheTenant(t *testing.T) {
	l := newLibrary(t, 40)
	l.read(t, false)
	if r := l.keep(t); r.Written != 1 || r.Chunks < 4 {
		t.Fatalf("keeping gives %+v, want a copy of several chunks", r)
	}
	l.read(t, true)
	l.advance(time.Minute)
	l.change(7, 2)
	gone := user(8, "Gone", 2, l.feed.now)
	gone.DeletedAt, gone.ExpiresAt = l.feed.now, l.feed.now.Add(time.Hour)
	l.feed.put(roster.Change{User: gone})
	visits := l.feed.visits
	l.read(t, true)
	if got := l.feed.visits - visits; got > 3 {
		t.Errorf("a load from a snapshot reads %d items of the feed, want those since", got)
	}
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

// Whatever is wrong with a snapshot, the answer is right, and the log says what it is.
func TestWhatIsWrongWithASnapshotIsToldAndHarmsNobody(t *testing.T) {
	current := func(l *library, change func(*roster.SnapshotCopy)) {
		record := l.shelf.records[testTenant]
		change(&record.Current)
		l.shelf.records[testTenant] = record
	}
	for name, wrong := range map[string]struct {
		do   func(l *library)
		says error
	}{
		"a flipped bit in a chunk": {func(l *library) { l.shelf.rot(testTenant, 0, 3) }, errSnapshotTorn},
		"a flipped bit in the index": {func(l *library) {
			l.shelf.rot(testTenant, l.shelf.records[testTenant].Current.Chunks, 3)
		}, errSnapshotTorn},
		"a chunk cut short": {func(l *library) {
			at := place{testTenant, roster.SlotA, 2}
			chunk := l.shelf.chunks[at]
			chunk.Data = chunk.Data[:len(chunk.Data)/2]
			l.shelf.chunks[at] = chunk
		}, errSnapshotTorn},
		"two chunks in each other's place": {func(l *library) {
			a, b := place{testTenant, roster.SlotA, 1}, place{testTenant, roster.SlotA, 2}
			l.shelf.chunks[a], l.shelf.chunks[b] = l.shelf.chunks[b], l.shelf.chunks[a]
		}, errSnapshotTorn},
		"a missing chunk":    {func(l *library) { delete(l.shelf.chunks, place{testTenant, roster.SlotA, 1}) }, errors.New("chunk not found")},
		"no index":           {func(l *library) { current(l, func(c *roster.SnapshotCopy) { c.Index = nil }) }, errSnapshotTorn},
		"another tenant's":   {func(l *library) { l.shelf.records[testTenant] = l.foreign() }, errSnapshotTorn},
		"a later format":     {func(l *library) { current(l, func(c *roster.SnapshotCopy) { c.Format = "2/99.0.0" }) }, errOtherFormat},
		"too old":            {func(l *library) { l.advance(DefaultReloadAfter + time.Second) }, errSnapshotStale},
		"expired":            {func(l *library) { current(l, func(c *roster.SnapshotCopy) { c.ExpiresAt = l.feed.now }) }, errSnapshotStale},
		"from the future":    {func(l *library) { l.setSkew(-time.Minute - DefaultOverlap - time.Second) }, errSnapshotAhead},
		"an unreachable one": {func(l *library) { l.shelf.before = func(int, string) error { return errShelf } }, errShelf},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLibrary(t, 40)
			l.keep(t)
			l.advance(time.Minute)
			l.change(3, 2)
			wrong.do(l)
			l.read(t, false)
			if stats, _ := l.Stats(testTenant); stats.Fallbacks != 1 {
				t.Errorf("%d fallbacks were counted, want 1", stats.Fallbacks)
			}
			if got := l.log.String(); !strings.Contains(got, wrong.says.Error()) || !strings.Contains(got, EventFallback) {
				t.Errorf("the log says %q, want the reason %q", got, wrong.says)
			}
			l.shelf.before = nil
			l.setSkew(0)
			l.advance(2 * time.Hour)
			if r := l.keep(t); r.Written+r.Renewed+r.Fresh != 1 {
				t.Errorf("the next keeping gives %+v, want a copy that can be used", r)
			}
			l.read(t, true)
		})
	}
}

// foreign returns the record of a snapshot of another tenant under this one's name.
func (l *library) foreign() roster.Snapshot {
	record := l.shelf.records[testTenant]
	x, err := parseIndex(record.Current.Index)
	if err != nil {
		l.t.Fatal(err)
	}
	x.tenant++
	record.Current.Index = x.append(nil)
	return record
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

// pausing is a shelf whose reader does something else between the record and the chunks of its first load.
type pausing struct {
	*shelf
	between func()
	records int
}

func (p *pausing) Snapshot(ctx context.Context, tenant roster.TenantID) (roster.Snapshot, error) {
	record, err := p.shelf.Snapshot(ctx, tenant)
	if p.records++; p.records == 1 {
		p.between()
	}
	return record, err
}

// A reader can be away while copies are made. One behind, it reads its own to the end, since the next is written elsewhere; two behind,
// it meets the chunks of another and takes that.
func TestAReaderBetweenTwoCopies(t *testing.T) {
	for copies, records := range map[int]int{1: 1, 2: 2, 3: 2} {
		l := newLibrary(t, 40)
		l.keep(t)
		p := &pausing{shelf: l.shelf, between: func() {
			for version := range int64(copies) {
				for id := range roster.UserID(20) {
					l.change(id+1, version+2)
				}
				if r := l.keep(t); r.Written != 1 {
					t.Errorf("keeping gives %+v", r)
				}
			}
		}}
		l.snapshots = p
		l.read(t, true)
		if p.records != records {
			t.Errorf("with %d copies made meanwhile, the record was read %d times, want %d", copies, p.records, records)
		}
		if got := l.log.String(); strings.Contains(got, EventFallback) {
			t.Errorf("with %d copies made meanwhile, the log says %s", copies, got)
		}
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

// Who was deleted and purged since a snapshot was made is in no feed; the snapshot must be too old by then to be used.
func TestASnapshotHidesNoDeletion(t *testing.T) {
	l := newLibrary(t, 40)
	l.keep(t)
	l.advance(time.Minute)
	gone := user(8, "Gone", 2, l.feed.now)
	gone.DeletedAt, gone.ExpiresAt = l.feed.now, l.feed.now.Add(DefaultReloadAfter+time.Hour)
	l.feed.put(roster.Change{User: gone})
	for _, wait := range []time.Duration{DefaultReloadAfter - 2*time.Minute, 2 * time.Hour} {
		l.advance(wait)
		l.feed.purge(l.feed.now)
		l.cold()
		if got := l.names(); len(got) != 39 || slices.Contains(got, "User 8") {
			t.Fatalf("%v after a user was deleted, %d users are seen: %q", wait, len(got), got)
		}
	}
	if stats, _ := l.Stats(testTenant); stats.FromSnapshot != 1 || stats.Fallbacks != 1 {
		t.Errorf("the loads were %+v, want one from the snapshot and one that found it too old", stats)
	}
}

// What is written while a snapshot is may not be in it, and so must be after its watermark.
func TestTheWatermarkOfASnapshotIsWhenItsReadingBegan(t *testing.T) {
	l := newLibrary(t, 40)
	var done atomic.Bool
	l.shelf.during = func(name string) {
		if name == "PutSnapshotChunk" && done.CompareAndSwap(false, true) {
			l.change(3, 2)
			l.advance(10 * time.Minute)
		}
	}
	l.keep(t)
	l.read(t, true)
}

// The record says how large a tenant is: one that does not fit is refused before a chunk of it is read, and those beside it stay.
func TestATenantOfAnotherSizeThanTheOthers(t *testing.T) {
	feed, tenants := town(21, 100)
	huge, hugeTenants := town(1, 5000)
	feed[tenants[0]] = huge[hugeTenants[0]]
	store, log, chunks := newShelf(), &bytes.Buffer{}, 0
	now := testStart
	clock := func() time.Time { return now }
	k := NewKeeper(KeeperConfig{Feed: feed, Store: store, Now: clock, MinUsers: 1000})
	if _, err := k.Keep(t.Context(), tenants[0], &Report{}); err != nil {
		t.Fatal(err)
	}
	store.during = func(name string) {
		if name == "SnapshotChunk" {
			chunks++
		}
	}
	small := sizeOf(t, feed, tenants[1])
	counted := &countingFeed{Feed: feed}
	r := New(Config{Feed: counted, Snapshots: store, Now: clock, MemoryBudget: 10*small + small/2, Log: slog.New(slog.NewTextHandler(log, nil))})
	for round := range 3 {
		for _, tenant := range tenants[1:] {
			if got := ask(t, r, tenant, roster.Query{}).Total; got != 100 {
				t.Fatalf("tenant %d has %d users, want 100", tenant, got)
			}
		}
		reads := counted.reads.Load()
		_, err := r.SearchUsers(t.Context(), tenants[0], roster.Query{Page: roster.Page{Limit: 1}})
		if e, ok := errors.AsType[*roster.Error](err); !ok || e.Kind != roster.KindUnavailable || e.RetryAfter != refusePause {
			t.Fatalf("the large tenant gives %v, want unavailable for a while", err)
		}
		if chunks != 0 || counted.reads.Load() != reads {
			t.Errorf("round %d: to refuse it took %d chunks and %d reads of the feed", round, chunks, counted.reads.Load()-reads)
		}
		now = now.Add(refusePause)
	}
	if got := log.String(); strings.Count(got, EventRefused) != 3 || !strings.Contains(got, "users=5000") || strings.Contains(got, EventFallback) {
		t.Errorf("the log says %s", got)
	}
}
