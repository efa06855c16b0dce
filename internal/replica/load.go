package replica

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// A load makes a state from nothing: from the newest snapshot and the feed since its watermark, or from the whole feed.
//
// A snapshot is as good as the feed as long as no deletion can be missed. A user who stands in it and is deleted later, at a moment D
// after its watermark W, is in the feed as a soft deletion until D + retention at least. A load at L reads the feed since W (less the
// overlap), and so shows the deletion if L < W + retention. SnapshotMaxAge bounds L - W; package app takes half of the retention or less,
// so that neither clocks nor a retention that was made shorter lately can break it. Who is soft-deleted in the snapshot has the
// moment in it at which they disappear. Nothing but users is ever removed from the feed.
//
// Versions decide what is newer, so that a change which both have does no harm; the overlap covers, as it does for every look, the
// difference between the clocks of whoever wrote the change and whoever wrote the snapshot, and the lag of the index.

// DefaultSnapshotUsers is the number of users from which on a tenant gets a snapshot. Below it a cold load takes one or two pages a shard,
// as many round trips as with a snapshot. In units a snapshot is cheaper to read than the feed from some ten users on: of 100,000
// users the feed takes 5,600 RRU in 70 calls, the snapshot 970 in 23. But to write it takes 7,700 WRU and a load from the feed, which in
// money is what ten loads from it save; so it is written for time, and first where somebody has just had to wait. From then on it is kept
// young whether anybody loads it or not: at most two copies a week.
const DefaultSnapshotUsers = 10_000

// worthSaving reports whether a snapshot with so many users is worth writing anew for so many changes since: from 5 % on.
func worthSaving(changes, users int) bool { return changes*20 >= users }

// DefaultSnapshotInterval is the least time between two writings of a tenant's snapshot, which bounds what it costs: hourly, all month,
// 100,000 users are 5.5 million WRU and 4.7 million RRU.
const DefaultSnapshotInterval = time.Hour

// snapshotReads is how many chunks are read at the same time.
const snapshotReads = 8

// origin is the snapshot that a state began with, the zero value for none, and how many changes the feed has shown since.
type origin struct {
	snapshot roster.SnapshotCopy
	users    int
	changes  int
}

// load reads the tenant into a new state, aside; the old one, if there is one, stays until the new one is complete.
func (f *follower) load(ctx context.Context, begun time.Time) (*state, error) {
	f.mu.Lock()
	f.forgetWritten(begun)
	f.loading = true
	f.mu.Unlock()

	w, from, err := f.loadSnapshot(ctx, begun)
	if w == nil && err == nil {
		w, err = f.loadFeed(ctx, begun, from.snapshot)
		from = origin{}
	}

	f.mu.Lock()
	f.loading = false
	if err != nil {
		if f.writer == nil {
			f.bytes.Store(0)
		} else {
			f.bytes.Store(f.writer.state.bytes())
		}
		f.mu.Unlock()
		return nil, err
	}
	for i := range f.written {
		w.put(&f.written[i].change)
	}
	w.publish()
	f.resident++
	f.loads++
	f.writer, f.looked, f.origin = w, begun, from
	s := w.state // read here: changes of our own may follow as soon as mu is free
	f.state.Store(s)
	f.bytes.Store(s.bytes())
	if from.snapshot.Generation != 0 {
		f.fromSnapshots++
		f.startFold()
	}
	f.mu.Unlock()
	f.replicas.log.LogAttrs(ctx, slog.LevelInfo, "replica loaded", slog.String("tenant", f.tenant.String()),
		slog.Duration("duration", f.replicas.now().Sub(begun)), slog.Int("users", s.users()), slog.Int64("bytes", s.bytes()),
		slog.Bool("fromSnapshot", from.snapshot.Generation != 0))
	return f.fit(s)
}

// loadFeed reads the whole feed. last is the snapshot that there is, though it was of no use.
func (f *follower) loadFeed(ctx context.Context, begun time.Time, last roster.SnapshotCopy) (*writer, error) {
	l := newLoader(f.tenant)
	var asking sync.WaitGroup
	defer asking.Wait()
	var mu sync.Mutex
	items, users := 0, 0
	err := f.readFeed(ctx, time.Time{}, func(c roster.Change) error {
		mu.Lock()
		defer mu.Unlock()
		l.add(&c)
		if c.User != nil {
			// Before the end: a load that takes too long is the one that needs a snapshot most.
			if users++; users == f.replicas.snapshotUsers {
				asking.Go(func() { f.ask(ctx, begun, last) })
			}
		}
		if items++; items%checkEvery != 0 {
			return nil
		}
		return f.checkLoad(l.bytes(), int(l.writer.tail.rows()), l.writer.tail.full())
	})
	if err == nil {
		err = f.checkLoad(l.bytes(), int(l.writer.tail.rows()), l.writer.tail.full())
	}
	if err != nil {
		return nil, err
	}
	return l.finish(millisOf(f.replicas.now())), nil
}

// checkEvery is how many items a load takes in between two looks at the memory.
const checkEvery = 4096

// checkLoad makes room for what has been loaded so far, and ends a load that does not fit, or is full.
func (f *follower) checkLoad(held int64, users int, full bool) error {
	if old := f.state.Load(); old != nil {
		held += old.bytes()
	}
	f.bytes.Store(held)
	if !full && f.replicas.makeRoom(f) {
		return nil
	}
	return f.refuse(held, users)
}

// ask notes that a snapshot is wanted, in place of last. The hour is the same for all who ask in it, and so is what they write.
func (f *follower) ask(ctx context.Context, begun time.Time, last roster.SnapshotCopy) {
	if !f.replicas.asks {
		return
	}
	at := begun.Truncate(time.Hour)
	if next := last.WrittenAt.Add(DefaultSnapshotInterval); last.Generation != 0 && next.After(at) {
		at = next
	}
	if err := f.replicas.snapshots.PutSnapshotDue(ctx, roster.SnapshotDue{Tenant: f.tenant, At: at}); err != nil {
		f.replicas.log.WarnContext(ctx, "a snapshot could not be asked for", "tenant", f.tenant, "error", err)
	}
}

// loadSnapshot returns a writer that begins with the newest snapshot and what the feed shows since, and nil where the feed must be read
// from its beginning: there is no snapshot, or none that can be used, which is for the log. The origin tells of a snapshot that is there in
// any case. An error is one of the feed, of the memory, or of a context that has ended.
func (f *follower) loadSnapshot(ctx context.Context, begun time.Time) (*writer, origin, error) {
	if f.replicas.snapshots == nil {
		return nil, origin{}, nil
	}
	var tried int64
	var reason error
	for {
		record, err := f.replicas.snapshots.Snapshot(ctx, f.tenant)
		if roster.KindOf(err) == roster.KindNotFound || err == nil && record.Current.Generation == 0 {
			return nil, origin{}, nil
		}
		from := origin{snapshot: record.Current, users: record.Current.Users}
		if err == nil && tried == record.Current.Generation {
			err = reason
		} else if err == nil {
			var w *writer
			var failed error
			w, from.changes, err, failed = f.readSnapshot(ctx, begun, &record.Current)
			if failed != nil {
				return nil, from, failed
			}
			if err == nil {
				if worthSaving(from.changes, from.users) {
					f.ask(ctx, begun, record.Current)
				}
				return w, from, nil
			}
			// While it was read, another may have taken its place.
			if tried == 0 && (errors.Is(err, errSnapshotTorn) || roster.KindOf(err) == roster.KindNotFound) && ctx.Err() == nil {
				tried, reason = record.Current.Generation, err
				continue
			}
		}
		return nil, from, f.fallBack(ctx, record.Current, err)
	}
}

// fallBack takes note of a snapshot that cannot be used. The error is that of a context that has ended: it says nothing about the snapshot,
// and leaves no time for the feed.
func (f *follower) fallBack(ctx context.Context, snapshot roster.SnapshotCopy, reason error) error {
	if ctx.Err() != nil {
		return f.unreadable(context.Cause(ctx))
	}
	level := slog.LevelError
	if errors.Is(reason, errSnapshotStale) || errors.Is(reason, errOtherFormat) {
		level = slog.LevelWarn // as after a release, or a long time in which nobody came
	}
	f.replicas.log.Log(ctx, level, "a snapshot cannot be used; the tenant is read from its feed", "event", EventFallback,
		"tenant", f.tenant, "generation", snapshot.Generation, "format", snapshot.Format, "reason", reason.Error())
	f.mu.Lock()
	f.fallbacks++
	f.mu.Unlock()
	return nil
}

// usable returns the index of a snapshot that may be read at that moment.
func (f *follower) usable(begun time.Time, c *roster.SnapshotCopy) (*snapshotIndex, error) {
	if c.Format != SnapshotFormat {
		return nil, errOtherFormat
	}
	x, err := parseIndex(c.Index)
	if err != nil {
		return nil, err
	}
	if x.tenant != f.tenant || x.generation != c.Generation || len(x.chunks) != c.Chunks {
		return nil, torn("its index is of another snapshot")
	}
	age := begun.Sub(x.watermark.time())
	switch {
	case age < -f.replicas.overlap:
		// Its writer's clock was ahead, by more than the overlap covers.
		return nil, errSnapshotAhead
	case age > f.replicas.snapshotMaxAge || !begun.Before(c.ExpiresAt):
		return nil, errSnapshotStale
	}
	return x, nil
}

// readSnapshot reads a snapshot, and at the same time the feed since. It returns how many changes the feed shows that the snapshot does
// not have; unusable says why the snapshot is of no use, failed what else went wrong.
func (f *follower) readSnapshot(ctx context.Context, begun time.Time, c *roster.SnapshotCopy) (w *writer, changes int, unusable, failed error) {
	x, err := f.usable(begun, c)
	if err != nil {
		return nil, 0, err, nil
	}
	if err := f.checkLoad(x.bytes(), x.rows(), false); err != nil {
		return nil, 0, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ready := make(chan struct{})
	go func() {
		defer close(ready)
		if w, unusable = f.readChunks(ctx, x, c.Slot); unusable != nil {
			cancel()
		}
	}()
	var mu sync.Mutex
	err = f.readFeed(ctx, x.watermark.time().Add(-f.replicas.overlap), func(change roster.Change) error {
		<-ready // the first pages of the feed are on their way while the chunks are
		if unusable != nil {
			return unusable
		}
		mu.Lock()
		defer mu.Unlock()
		if !w.put(&change) {
			return nil
		}
		if changes++; changes%checkEvery != 0 {
			return nil
		}
		return f.checkLoad(w.state.bytes()+w.tail.bytes(), x.rows()+changes, w.tail.full())
	})
	<-ready
	if unusable != nil {
		return nil, 0, unusable, nil
	}
	return w, changes, nil, err
}

// readChunks reads all chunks of a snapshot, side by side, and puts them together. It begins at any of them: the many that start cold at the
// same moment, as after a deployment, would otherwise all ask the same few partitions, then the next few.
func (f *follower) readChunks(ctx context.Context, x *snapshotIndex, slot roster.SnapshotSlot) (*writer, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r := newSnapshotReader(x)
	numbers := make(chan int)
	var reading sync.WaitGroup
	for range min(snapshotReads, len(x.chunks)) {
		reading.Go(func() {
			inflate, err := newInflater()
			if err != nil {
				cancel(err)
				return
			}
			defer inflate.close()
			for number := range numbers {
				chunk, err := f.replicas.snapshots.SnapshotChunk(ctx, f.tenant, slot, number)
				if err == nil {
					err = r.read(number, chunk, inflate)
				}
				if err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	first := rand.N(max(1, len(x.chunks)))
	for i := range x.chunks {
		select {
		case numbers <- (first + i) % len(x.chunks):
		case <-ctx.Done():
		}
	}
	close(numbers)
	reading.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	return r.finish()
}
