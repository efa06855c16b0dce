package replica

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// SnapshotStore keeps snapshots.
type SnapshotStore interface {
	Snapshots
	// PutSnapshot writes a record, on the condition that the version before it stands: roster.KindConflict if not.
	PutSnapshot(ctx context.Context, snapshot roster.Snapshot) error
	// PutSnapshotChunk writes a chunk: roster.KindConflict if one of a later generation stands there. It is called for several
	// chunks at the same time.
	PutSnapshotChunk(ctx context.Context, chunk roster.SnapshotChunk) error
	// SnapshotsDue returns up to so many of the tenants whose snapshots are due by that moment, those due longest first.
	SnapshotsDue(ctx context.Context, by time.Time, limit int) ([]roster.SnapshotDue, error)
	// RemoveSnapshotDue forgets what PutSnapshotDue noted.
	RemoveSnapshotDue(ctx context.Context, due roster.SnapshotDue) error
}

// KeeperConfig says what a Keeper reads from and writes to. Feed and Store are required.
type KeeperConfig struct {
	Feed  Feed
	Store SnapshotStore
	// Now tells the local time; nil means time.Now.
	Now func() time.Time
	// Overlap and MaxAge are Overlap and SnapshotMaxAge of the Config of those who read the snapshots.
	Overlap, MaxAge time.Duration
	// MinUsers is the number of users from which on a tenant has a snapshot; 0 means DefaultSnapshotUsers.
	MinUsers int
	// MemoryBudget is how many bytes the tenant at hand may take; its chunks come on top, some MB. 0 means no bound.
	MemoryBudget int64
	// Log gets what an operator must know; nil means nobody does.
	Log *slog.Logger
}

// Keeper makes snapshots and keeps them young. It is asked by those who had to do without: see PutSnapshotDue.
//
// The chunks of a new copy go where those of the copy before the current one stand, which nobody reads any more, and the record leads to
// them once all stand: so a crash at any moment leaves a whole copy, and chunks that the next writer overwrites. The record holds the
// lease too, and is written on the condition that nobody else has, so a writer whose lease was taken over cannot end its work. A
// chunk does not take the place of one of a later generation, so such a writer damages nothing either. A reader that was between
// two copies for long enough to meet chunks of the next one sees by the checksums that they are not its own.
type Keeper struct {
	config KeeperConfig
	// interval is DefaultSnapshotInterval, limit roster.MaxSnapshotChunk; tests make them small.
	interval time.Duration
	limit    int
}

// NewKeeper returns a Keeper.
func NewKeeper(c KeeperConfig) *Keeper {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.MaxAge <= 0 {
		c.MaxAge = DefaultReloadAfter
	}
	if c.MinUsers <= 0 {
		c.MinUsers = DefaultSnapshotUsers
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Keeper{config: c, interval: DefaultSnapshotInterval, limit: roster.MaxSnapshotChunk}
}

// leaseTime is how long a writer that says nothing keeps others out: as long as a Lambda can run.
const leaseTime = 15 * time.Minute

// lateTime is how long each of the two last things may take that are done when the context has ended: to give up the lease, and to note
// that there is more to do.
const lateTime = time.Second

// retryAfter is when what failed is tried again.
const retryAfter = time.Hour

// dueAtOnce is how many tenants are taken from the list at a time.
const dueAtOnce = 25

// Report counts what a run of KeepDue has done.
type Report struct {
	// Written counts the copies made, Renewed those found to be as they were and given a new watermark, Fresh those that were left
	// alone, and Small the tenants that need none.
	Written, Renewed, Fresh, Small int
	// Busy counts those that another writer was at, Failed those of which no copy could be made.
	Busy, Failed int
	// Chunks and Size are the number of chunks written, and their bytes.
	Chunks int
	Size   int64
}

// KeepDue looks after all snapshots that are due, one after the other, until there are none or the context ends. What could not be done
// stays on the list: an error is one of the list itself. It ends some two seconds after the context at the latest.
func (k *Keeper) KeepDue(ctx context.Context) (Report, error) {
	var r Report
	now := k.config.Now()
	for ctx.Err() == nil {
		due, err := k.config.Store.SnapshotsDue(ctx, now, dueAtOnce)
		if err != nil {
			return r, fmt.Errorf("reading which snapshots are due: %w", err)
		}
		for _, d := range due {
			if ctx.Err() != nil {
				return r, nil
			}
			if err := k.keepDue(ctx, d, &r); err != nil {
				return r, err
			}
		}
		if len(due) < dueAtOnce {
			return r, nil
		}
	}
	return r, nil
}

// keepDue looks after one tenant on the list, and puts it to where it next belongs there, before it takes it from where it is. One that the
// time did not suffice for goes behind the others, so that a tenant which takes longer than a run does not keep them from their turn.
func (k *Keeper) keepDue(ctx context.Context, due roster.SnapshotDue, r *Report) error {
	next, err := k.Keep(ctx, due.Tenant, r)
	ended := ctx.Err() != nil
	if ended {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), lateTime)
		defer cancel()
		ctx = late
	}
	now := k.config.Now()
	switch {
	case err != nil && ended:
		k.config.Log.WarnContext(ctx, "a tenant's snapshot could not be looked after in the time there was; it goes behind the others",
			"tenant", due.Tenant, "due", due.At)
		next = now.Add(time.Millisecond) // and not where it is about to be taken from
	case err != nil:
		r.Failed++
		k.config.Log.ErrorContext(ctx, "no snapshot could be made of a tenant; where it does not fit the memory, give the function more",
			"event", EventUnsaved, "tenant", due.Tenant, "error", err)
		next = now.Add(retryAfter)
	case !next.IsZero() && !next.After(now):
		next = now.Add(retryAfter)
	}
	if !next.IsZero() {
		if err := k.config.Store.PutSnapshotDue(ctx, roster.SnapshotDue{Tenant: due.Tenant, At: next}); err != nil {
			return fmt.Errorf("noting when a snapshot is due: %w", err)
		}
	}
	if err := k.config.Store.RemoveSnapshotDue(ctx, due); err != nil {
		return fmt.Errorf("noting that a snapshot is not due: %w", err)
	}
	return nil
}

// Keep looks after one tenant's snapshot, and returns when to do it again; the zero time for a tenant that needs none.
//
//   - A tenant with few users gets no snapshot.
//   - A snapshot that nothing has happened since gets a new watermark, for a write unit or two, as long as its chunks stand.
//   - One that is young and lacks less than 5 % is left alone, and so is one that was written less than DefaultSnapshotInterval ago.
//   - Otherwise, or where there is none that this release can read, a copy of the whole feed is written: a unit per KB, and a load.
func (k *Keeper) Keep(ctx context.Context, tenant roster.TenantID, r *Report) (next time.Time, err error) {
	record, err := k.config.Store.Snapshot(ctx, tenant)
	if roster.KindOf(err) == roster.KindNotFound {
		record = roster.Snapshot{Tenant: tenant}
	} else if err != nil {
		return time.Time{}, err
	}
	now := k.config.Now()
	if record.Lease.Until.After(now) {
		r.Busy++
		return record.Lease.Until, nil
	}
	if since := now.Sub(record.Current.WrittenAt); record.Current.Format == SnapshotFormat && since >= 0 && since < k.interval {
		r.Fresh++
		return k.nextDue(&record.Current), nil
	}
	record.Version++
	// The time in it makes it larger than that of any chunk, even should the record have been lost.
	generation := max(record.Current.Generation+1, record.Lease.Generation+1, now.UnixMilli())
	record.Lease = roster.SnapshotLease{Generation: generation, Until: now.Add(leaseTime)}
	if err := k.config.Store.PutSnapshot(ctx, record); err != nil {
		return k.overtaken(err, r)
	}
	copied, err := k.renew(ctx, &record, r)
	if err != nil {
		k.giveUp(ctx, record)
		return time.Time{}, err
	}
	record.Version++
	record.Current = copied
	record.Lease.Until = now // the generation stays: it has been used up
	if err := k.config.Store.PutSnapshot(ctx, record); err != nil {
		return k.overtaken(err, r)
	}
	return k.nextDue(&copied), nil
}

// giveUp ends a lease, also where the context has ended, so that others need not wait until it ends by itself.
func (k *Keeper) giveUp(ctx context.Context, record roster.Snapshot) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lateTime)
	defer cancel()
	record.Version++
	record.Lease.Until = k.config.Now()
	if err := k.config.Store.PutSnapshot(ctx, record); err != nil {
		k.config.Log.WarnContext(ctx, "a lease could not be given up", "tenant", record.Tenant, "error", err)
	}
}

// overtaken is what a record that another has written in the meantime means: the other looks after the tenant.
func (k *Keeper) overtaken(err error, r *Report) (time.Time, error) {
	if roster.KindOf(err) != roster.KindConflict {
		return time.Time{}, err
	}
	r.Busy++
	return k.config.Now().Add(leaseTime), nil
}

// nextDue returns when a snapshot is to be looked after so that it never becomes too old. It is rounded up, so that the copies made of a
// tenant one soon after the other leave one entry on the list.
func (k *Keeper) nextDue(c *roster.SnapshotCopy) time.Time {
	if c.Generation == 0 {
		return time.Time{}
	}
	step := k.config.MaxAge / 16
	return c.Watermark.Add(k.config.MaxAge/2 + step - 1).Truncate(step)
}

// chunksStandFor is how long chunks stand: two watermarks longer than the last reader may use them, so that an unchanged snapshot is
// written anew rarely. DynamoDB removes what nobody has overwritten by then, at no cost.
func (k *Keeper) chunksStandFor() time.Duration { return 3 * k.config.MaxAge }

// renew returns the copy that is to be the current one from now on: the one that is, with another watermark or as it was, or a new one.
//
// The snapshot that there is and the feed since decide whether a copy is worth making. It is made from the whole feed all the same: a change
// that came into the index later than the overlap covers is in neither, and would be missing from every copy made of the one before, as
// a deletion that nobody ever sees; and the words that nobody uses any more would be handed on from copy to copy.
func (k *Keeper) renew(ctx context.Context, record *roster.Snapshot, r *Report) (roster.SnapshotCopy, error) {
	current := record.Current
	s, looked, from, err := k.load(ctx, record.Tenant, k.config.Store)
	if err != nil {
		return current, err
	}
	now := k.config.Now()
	usable := from.snapshot.Generation != 0 && from.snapshot.Generation == current.Generation
	switch {
	case s.users() < k.config.MinUsers:
		r.Small++
		return roster.SnapshotCopy{}, nil
	case usable && from.changes == 0 && current.ExpiresAt.Sub(now) > k.config.MaxAge:
		x, err := parseIndex(current.Index)
		if err != nil {
			return current, err
		}
		r.Renewed++
		x.watermark = millisOf(looked)
		current.Watermark, current.Index = looked, x.append(nil)
		return current, nil
	case usable && !worthSaving(from.changes, from.users) && now.Sub(current.Watermark) < k.config.MaxAge/2:
		r.Fresh++
		return current, nil
	}
	if from.snapshot.Generation != 0 {
		s = nil // there is memory for one
		if s, looked, _, err = k.load(ctx, record.Tenant, nil); err != nil {
			return current, err
		}
	}
	return k.write(ctx, record, s, looked, r)
}

// load reads the tenant as a reader would, from its snapshot, or from the whole feed where snapshots is nil. A snapshot that is of no use to
// readers is of none here.
func (k *Keeper) load(ctx context.Context, tenant roster.TenantID, snapshots Snapshots) (*state, time.Time, origin, error) {
	replicas := New(Config{
		Feed: k.config.Feed, Snapshots: snapshots, Now: k.config.Now, Overlap: k.config.Overlap,
		SnapshotMaxAge: k.config.MaxAge, MemoryBudget: k.config.MemoryBudget, Log: k.config.Log,
	})
	replicas.asks = false
	// The state is read once and let go of. A fold would take as much memory again, and go on beside the next load.
	replicas.foldAt = func(uint32) uint32 { return math.MaxUint32 }
	f := replicas.acquire(tenant)
	defer replicas.release(f)
	if _, err := f.fresh(ctx); err != nil {
		return nil, time.Time{}, origin{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.writer == nil {
		return nil, time.Time{}, origin{}, errDoesNotFit
	}
	return f.writer.state, f.looked, f.origin, nil
}

// snapshotWrites is how many chunks are written at the same time.
const snapshotWrites = 4

// write writes a copy of the state into the slot that is free.
func (k *Keeper) write(ctx context.Context, record *roster.Snapshot, s *state, looked time.Time, r *Report) (roster.SnapshotCopy, error) {
	now := k.config.Now()
	made := roster.SnapshotCopy{
		Generation: record.Lease.Generation, Slot: record.Current.Slot.Other(), Format: SnapshotFormat,
		Watermark: looked, WrittenAt: now, ExpiresAt: now.Add(k.chunksStandFor()),
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	room := make(chan struct{}, snapshotWrites)
	var writing sync.WaitGroup
	index, size, err := s.encode(millisOf(now), k.limit, func(number int, chunk []byte) error {
		select {
		case room <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		writing.Go(func() {
			defer func() { <-room }()
			err := k.config.Store.PutSnapshotChunk(ctx, roster.SnapshotChunk{
				Tenant: record.Tenant, Slot: made.Slot, Number: number, Generation: made.Generation, ExpiresAt: made.ExpiresAt, Data: chunk,
			})
			if err != nil {
				cancel(err)
			}
		})
		return nil
	})
	writing.Wait()
	if err := errors.Join(err, context.Cause(ctx)); err != nil {
		return record.Current, err
	}
	index.generation, index.watermark = made.Generation, millisOf(looked)
	made.Chunks, made.Users, made.Size, made.Index = len(index.chunks), index.rows(), size, index.append(nil)
	if len(made.Index) > roster.MaxSnapshotChunk {
		return record.Current, fmt.Errorf("the index of %d chunks does not fit into an item", made.Chunks)
	}
	r.Written++
	r.Chunks, r.Size = r.Chunks+made.Chunks, r.Size+size
	return made, nil
}
