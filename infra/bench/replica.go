package main

import (
	"context"
	"runtime"
	"time"

	"github.com/rosterhq/roster/internal/replica"
	"github.com/rosterhq/roster/internal/roster"
	"github.com/rosterhq/roster/internal/rostertest/people"
)

// engine answers classes of queries.
type engine interface {
	name() string
	// takes reports whether the engine is made for the class. The first engine takes all of them.
	takes(c *class) bool
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

func (e *replicaEngine) takes(*class) bool { return true }

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
