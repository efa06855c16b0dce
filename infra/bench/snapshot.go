package main

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/rosterhq/roster/internal/replica"
	"github.com/rosterhq/roster/internal/roster"
)

// measureSnapshots measures how much processor time a cold load takes from a snapshot and the feed since, in turns with one from the whole
// feed, and what writing the snapshot takes.
func measureSnapshots(ctx context.Context, o *options, r *report) error {
	r.say("Processor time as above, of a load from the snapshot of a tenant in which nothing has changed since. The chunks come from memory: " +
		"on Lambda the transfer comes on top, of fewer bytes. Writing is reading the tenant from its feed, and making the chunks.")
	var rows [][]string
	var bars []bar
	for _, users := range o.sizes {
		measured, err := measureSnapshot(ctx, o, users)
		if err != nil {
			return fmt.Errorf("%d users: %w", users, err)
		}
		perUnit := inMS(measured.snapshot) * 100_000 / float64(users)
		rows = append(rows, []string{
			thousands(users), thousands(measured.chunks), digits(float64(measured.bytes) / float64(users)), ms(measured.snapshot), digits(perUnit),
			ms(measured.feed), times(float64(measured.feed) / float64(measured.snapshot)), ms(measured.write),
		})
		if users >= 100_000 {
			bars = append(bars, bar{what: thousands(users) + " users: from a snapshot, per 100,000", limit: 40, value: perUnit, unit: "ms"})
		}
	}
	r.table([]string{"users", "chunks", "bytes per user", "snapshot, ms", "per 100,000 users", "feed, ms", "times the snapshot's", "writing, ms"}, rows)
	if len(bars) > 0 {
		r.bars(bars)
	}
	return nil
}

// snapshotTimes is what a snapshot took. Times are medians of processor time.
type snapshotTimes struct {
	chunks, bytes         int
	snapshot, feed, write time.Duration
}

func measureSnapshot(ctx context.Context, o *options, users int) (snapshotTimes, error) {
	p := o.population(users)
	canned, err := fillCanned(ctx, p, users)
	if err != nil {
		return snapshotTimes{}, err
	}
	all := runtime.GOMAXPROCS(o.cores)
	defer runtime.GOMAXPROCS(all)
	clock := func() time.Time { return madeFor }
	feed := canned.open()
	kept := &keptSnapshot{chunks: map[int][]byte{}}
	runtime.GC()
	start := processorTime()
	keeper := replica.NewKeeper(replica.KeeperConfig{Feed: feed, Store: kept, Now: clock, MinUsers: 1})
	if _, err := keeper.Keep(ctx, p.Tenant(), &replica.Report{}); err != nil {
		return snapshotTimes{}, err
	}
	t := snapshotTimes{write: processorTime() - start, chunks: kept.record.Current.Chunks, bytes: int(kept.record.Current.Size)}
	if t.chunks == 0 {
		return t, fmt.Errorf("no snapshot was written")
	}
	configs := []replica.Config{{Feed: feed, Snapshots: kept, Now: clock}, {Feed: feed, Now: clock}}
	took := make([][]time.Duration, len(configs))
	for range o.rounds {
		for i, config := range configs {
			runtime.GC()
			start := processorTime()
			r := replica.New(config)
			page, err := r.SearchUsers(ctx, p.Tenant(), roster.Query{Page: roster.Page{Limit: pageSize}})
			if err != nil {
				return t, err
			}
			took[i] = append(took[i], processorTime()-start)
			if page.Total != users {
				return t, fmt.Errorf("a replica holds %d users, want %d", page.Total, users)
			}
			if stats, _ := r.Stats(p.Tenant()); (stats.FromSnapshot > 0) != (config.Snapshots != nil) {
				return t, fmt.Errorf("the replica was loaded from a snapshot %d times", stats.FromSnapshot)
			}
		}
	}
	t.snapshot, t.feed = quantile(took[0], 0.5), quantile(took[1], 0.5)
	return t, nil
}

// keptSnapshot keeps the snapshot of one tenant in memory.
type keptSnapshot struct {
	mu     sync.Mutex
	record roster.Snapshot
	chunks map[int][]byte
}

func (k *keptSnapshot) Snapshot(context.Context, roster.TenantID) (roster.Snapshot, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.record.Version == 0 {
		return roster.Snapshot{}, roster.NotFound("snapshot")
	}
	return k.record, nil
}

func (k *keptSnapshot) SnapshotChunk(_ context.Context, _ roster.TenantID, _ roster.SnapshotSlot, number int) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	data, ok := k.chunks[number]
	if !ok {
		return nil, roster.NotFound("chunk")
	}
	return data, nil
}

func (k *keptSnapshot) PutSnapshot(_ context.Context, snapshot roster.Snapshot) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.record = snapshot
	return nil
}

func (k *keptSnapshot) PutSnapshotChunk(_ context.Context, chunk roster.SnapshotChunk) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.chunks[chunk.Number] = chunk.Data
	return nil
}

func (k *keptSnapshot) PutSnapshotDue(context.Context, roster.SnapshotDue) error { return nil }

func (k *keptSnapshot) SnapshotsDue(context.Context, time.Time, int) ([]roster.SnapshotDue, error) {
	return nil, nil
}

func (k *keptSnapshot) RemoveSnapshotDue(context.Context, roster.SnapshotDue) error { return nil }
