package replica

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

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

// orderly is a shelf that notes which chunks are read, in their order.
type orderly struct {
	*shelf
	mu      sync.Mutex
	numbers []int // guarded by mu
}

func (o *orderly) SnapshotChunk(ctx context.Context, tenant roster.TenantID, slot roster.SnapshotSlot, number int) ([]byte, error) {
	o.mu.Lock()
	o.numbers = append(o.numbers, number)
	o.mu.Unlock()
	return o.shelf.SnapshotChunk(ctx, tenant, slot, number)
}

// Cold processes do not all begin with the same chunk; whichever it is, each chunk is read, once.
func TestALoadBeginsWithAnyChunk(t *testing.T) {
	l := newLibrary(t, 400)
	chunks := l.keep(t).Chunks
	if chunks < 4*snapshotReads {
		t.Fatalf("there are %d chunks, too few to see an order", chunks)
	}
	var want []int
	for number := range chunks {
		want = append(want, number)
	}
	begins := map[int]bool{}
	for range 40 { // all in the same half have a chance of less than one in 10^11
		o := &orderly{shelf: l.shelf}
		l.snapshots = o
		l.read(t, true)
		begins[o.numbers[0]*2/chunks] = true
		slices.Sort(o.numbers)
		if !slices.Equal(o.numbers, want) {
			t.Fatalf("a load reads the chunks %v, want each of %d once", o.numbers, chunks)
		}
	}
	if len(begins) != 2 {
		t.Errorf("40 loads begin in %d halves of the chunks, want both", len(begins))
	}
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

// A caller that goes away while a snapshot is read says nothing about the snapshot, and has no use for the feed.
func TestWhoGoesAwayReadsNoFeed(t *testing.T) {
	for _, in := range []string{"Snapshot", "SnapshotChunk"} {
		l := newLibrary(t, 40)
		l.keep(t)
		l.read(t, true)
		l.log.Reset()
		ctx, cancel := context.WithCancel(t.Context())
		l.shelf.during = func(name string) {
			if name == in {
				cancel()
			}
		}
		l.cold()
		before := len(l.feed.sinces)
		_, err := l.SearchUsers(ctx, testTenant, roster.Query{Page: roster.Page{Limit: 1}})
		if !errors.Is(err, context.Canceled) || roster.KindOf(err) != roster.KindUnavailable {
			t.Errorf("cut off in %s, a load gives %v, want unavailable for its context", in, err)
		}
		l.shelf.during = nil
		if slices.ContainsFunc(l.feed.sinces[before:], time.Time.IsZero) {
			t.Errorf("cut off in %s, a load reads the whole feed", in)
		}
		l.read(t, true)
		if stats, _ := l.Stats(testTenant); stats.Fallbacks != 0 || strings.Contains(l.log.String(), EventFallback) {
			t.Errorf("cut off in %s, %d fallbacks are counted, and the log says %s", in, stats.Fallbacks, l.log)
		}
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
