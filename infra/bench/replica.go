package main

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/rosterhq/roster/internal/replica"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest/people"
)

// engine answers classes of queries.
type engine interface {
	name() string
	// answer returns the exact total and the ids of the page.
	answer(ctx context.Context, c *class) (total int, ids []int64, err error)
	close()
}

// replicaEngine is the replica under test.
type replicaEngine struct {
	*replica.Replicas
	tenant roster.TenantID
	users  int
	heap   int64 // bytes by which the live heap grew
}

// madeUpFeed is a change feed that makes its users up while it is read.
type madeUpFeed struct {
	population *people.Population
	progress   *progress
}

func (f *madeUpFeed) Changes(ctx context.Context, _ roster.TenantID, shard int, since time.Time, visit func(roster.Change) error) error {
	if !since.IsZero() || shard != 0 {
		return nil // everything comes through the first shard, so that it is made up only once
	}
	for _, o := range f.population.Organizations() {
		if err := visit(roster.Change{Organization: &o}); err != nil {
			return err
		}
	}
	for u := range f.population.Users() {
		if err := visit(roster.Change{User: &u}); err != nil {
			return err
		}
		f.progress.step()
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

func loadReplica(ctx context.Context, p *people.Population, users int) (*replicaEngine, error) {
	progress := newProgress("loading the replica", users)
	before := liveHeap()
	e := &replicaEngine{
		Replicas: replica.New(replica.Config{Feed: &madeUpFeed{p, progress}, Now: func() time.Time { return madeFor }}),
		tenant:   p.Tenant(), users: users,
	}
	_, err := e.SearchUsers(ctx, e.tenant, roster.Query{Page: roster.Page{Limit: 1}})
	progress.done()
	e.heap = liveHeap() - before
	return e, err
}

// liveHeap returns the bytes of the heap that are in use.
func liveHeap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func (e *replicaEngine) name() string { return "replica" }

func (e *replicaEngine) close() { e.Wait() }

func (e *replicaEngine) answer(ctx context.Context, c *class) (int, []int64, error) {
	page, err := e.SearchUsers(ctx, e.tenant, c.query())
	if err != nil {
		return 0, nil, err
	}
	ids := make([]int64, len(page.Users))
	for i := range page.Users {
		ids[i] = int64(page.Users[i].ID)
	}
	return page.Total, ids, nil
}

func (e *replicaEngine) printMemory() {
	stats, _ := e.Stats(e.tenant)
	perUser := func(bytes int64) float64 { return float64(bytes) / float64(e.users) }
	fmt.Printf("memory: %.0f bytes per user with all that a page shows and no sort order (heap: %.0f); each sort order 4 more\n\n",
		perUser(stats.Bytes), perUser(e.heap))
}

// changesAtOnce is the number of changed users in one measurement.
const changesAtOnce = 1000

// printChanges measures 1,000 changed users, half of them renamed, until a query in one sort order shows them; and the fold
// that follows when enough have come.
func (e *replicaEngine) printChanges(ctx context.Context, rounds int) error {
	byName := roster.Query{Sort: []roster.Sort{{Field: roster.FieldName}}, Page: roster.Page{Limit: 1}}
	if _, err := e.SearchUsers(ctx, e.tenant, byName); err != nil {
		return err
	}
	var applied, shown []time.Duration
	for round := 0; ; round++ {
		changes, err := e.someChanges(ctx, round)
		if err != nil {
			return err
		}
		start := time.Now()
		e.Apply(e.tenant, changes...)
		stats, _ := e.Stats(e.tenant)
		if round >= rounds && stats.Tail < changesAtOnce {
			break // folded
		}
		middle := time.Now()
		if _, err := e.SearchUsers(ctx, e.tenant, byName); err != nil {
			return err
		}
		if round < 10*rounds {
			applied, shown = append(applied, middle.Sub(start)), append(shown, time.Since(start))
		}
		folds := stats.Folds
		start = time.Now()
		e.Wait()
		if stats, _ := e.Stats(e.tenant); stats.Folds > folds {
			fmt.Printf("a tail of %d users folded into the base and its sort orders, in the background: %s ms\n", changesAtOnce*(round+1), ms(time.Since(start)))
			break
		}
	}
	fmt.Printf("%d changed users applied: p50 %s ms; until shown in one sort order: p50 %s, p99 %s ms\n",
		changesAtOnce, ms(quantile(applied, 0.5)), ms(quantile(shown, 0.5)), ms(quantile(shown, 0.99)))
	return nil
}

// someChanges returns newer versions of users from all over the tenant.
func (e *replicaEngine) someChanges(ctx context.Context, round int) ([]roster.Change, error) {
	var changes []roster.Change
	const pages = 20
	for i := range pages {
		offset := (e.users/pages*i + round*changesAtOnce/pages) % (e.users - changesAtOnce/pages)
		page, err := e.SearchUsers(ctx, e.tenant, roster.Query{Page: roster.Page{Limit: changesAtOnce / pages, Offset: offset}})
		if err != nil {
			return nil, err
		}
		for j := range page.Users {
			u := &page.Users[j]
			u.Revision.Version++
			u.Revision.ChangedAt = u.Revision.ChangedAt.Add(time.Millisecond)
			if j%2 == 0 {
				u.Name = "Renamed " + u.Name
			}
			changes = append(changes, roster.Change{User: u})
		}
	}
	return changes, nil
}

// loadUsers is the number of users by which the CPU of a load is measured.
const loadUsers = 100_000

// decodedFeed holds users in memory, as a feed that has decoded them.
type decodedFeed [roster.Shards][]roster.Change

func (f *decodedFeed) Changes(_ context.Context, _ roster.TenantID, shard int, _ time.Time, visit func(roster.Change) error) error {
	for _, c := range f[shard] {
		if err := visit(c); err != nil {
			return err
		}
	}
	return nil
}

// printLoad measures building a replica from decoded users: the part of a cold load that is not the feed's.
func printLoad(ctx context.Context, o *options) error {
	users := min(o.users, loadUsers)
	p, feed := o.population(users), &decodedFeed{}
	for u := range p.Users() {
		shard := roster.Shard(u.ID)
		feed[shard] = append(feed[shard], roster.Change{User: &u})
	}
	var took []time.Duration
	for range o.rounds {
		r := replica.New(replica.Config{Feed: feed, Now: func() time.Time { return madeFor }})
		start := time.Now()
		if _, err := r.SearchUsers(ctx, p.Tenant(), roster.Query{Page: roster.Page{Limit: 1}}); err != nil {
			return err
		}
		took = append(took, time.Since(start))
	}
	fmt.Printf("a replica of %d users built from decoded ones: p50 %s ms\n", users, ms(quantile(took, 0.5)))
	return nil
}
