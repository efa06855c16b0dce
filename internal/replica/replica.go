// Package replica answers list, search, sort, count and look-ups by reference for whole tenants from memory. It holds a
// copy of each tenant it is asked about, brought up to date from the tenant's change feed before a query.
//
// Of the table, which is package dynamo's and reaches this package as a Feed and as Snapshots, it writes nothing but snapshots: copies of
// what the feed shows, which make a cold process read a large tenant quickly. What a caller may see and how an answer looks on the wire
// is decided in packages directory and api. Uniqueness and authorization must never be
// decided from a replica: it can be behind.
//
// In reading order: this file is the way in. follower.go keeps one tenant's copy fresh. state.go is such a copy at one
// moment; segments.go, segment.go, columns.go, blob.go, dictionary.go, pack.go and delegations.go are its layout;
// writer.go and fold.go make the next one. query.go, filter.go, search.go, page.go, sequence.go, order.go and ranks.go
// answer a roster.Query from one; view.go hands out one for answers that must fit together. load.go reads a tenant from a snapshot
// or the feed; snapshot.go, snapshotnames.go, snapshotrows.go and snapshotcodec.go are a snapshot's form, and keeper.go writes them.
//
// The layout is the one that measured best: users in id order; one blob of folded text to search; narrow columns to
// filter; results as bitsets; a permutation for each sort order that is used; and a small tail of changes, folded in when
// it has grown.
package replica

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// Feed reads a tenant's change feed.
type Feed interface {
	// Changes calls visit for each item of the tenant's shard whose ChangedAt is at or after since, in feed order; a
	// zero since asks for all of them. The change and everything it points to is valid only during the call of visit. An
	// error of visit ends the reading and is returned, wrapped or not. Changes is called for all shards at the same time.
	Changes(ctx context.Context, tenant roster.TenantID, shard int, since time.Time, visit func(roster.Change) error) error
}

// Snapshots reads the snapshots of tenants.
type Snapshots interface {
	// Snapshot returns the record of the tenant's snapshot, roster.KindNotFound where there is none. It may be a moment old.
	Snapshot(ctx context.Context, tenant roster.TenantID) (roster.Snapshot, error)
	// SnapshotChunk returns what stands in that place, whichever copy it is of: a chunk, or roster.KindNotFound. It is called
	// for several chunks at the same time.
	SnapshotChunk(ctx context.Context, tenant roster.TenantID, slot roster.SnapshotSlot, number int) ([]byte, error)
	// PutSnapshotDue notes that the tenant's snapshot is to be looked after, or to be made. To note it again is no error.
	PutSnapshotDue(ctx context.Context, due roster.SnapshotDue) error
}

// Config says what Replicas read from and how fresh they are. Only Feed is required.
type Config struct {
	Feed Feed
	// Snapshots are read before the feed where there are any; nil means that there are none.
	Snapshots Snapshots
	// SnapshotMaxAge is the age from which on a snapshot is not used. It must be well below the time for which a deleted user
	// stays in the feed, see load.go. 0 means DefaultReloadAfter.
	SnapshotMaxAge time.Duration
	// SnapshotUsers is the number of users from which on a tenant that was read from the feed gets a snapshot; 0 means
	// DefaultSnapshotUsers.
	SnapshotUsers int
	// Now tells the local time; nil means time.Now.
	Now func() time.Time
	// MaxAge is how old the last look at the feed may be when a query is answered without another one. 0 means that
	// each query sees everything that the feed showed when the query came.
	MaxAge time.Duration
	// Overlap is how much further back than the last look a look reads. It must cover the difference between the clocks of
	// any writer and this one, plus the time an item takes to appear in the feed. 0 means DefaultOverlap.
	Overlap time.Duration
	// ReloadAfter is the age from which on a copy is read anew instead of being caught up. It must be well below the time
	// for which a deleted user stays in the feed. 0 means DefaultReloadAfter.
	ReloadAfter time.Duration
	// MemoryBudget is how many bytes all copies together may take; the one not used for longest goes first. It does not
	// include what a load or a fold takes for a moment, at most as much as the tenant's copy itself. 0 means no bound.
	MemoryBudget int64
	// Log gets what an operator must know; nil means nobody does.
	Log *slog.Logger
}

// The defaults of Config.
const (
	DefaultOverlap     = 5 * time.Second
	DefaultReloadAfter = 24 * time.Hour
)

// Replicas are the copies of all tenants that this process has been asked about lately. All methods are safe for
// concurrent use. Queries never wait for changes to be applied or for a fold.
type Replicas struct {
	feed        Feed
	clock       func() time.Time
	maxAge      time.Duration
	overlap     time.Duration
	reloadAfter time.Duration
	budget      int64
	log         *slog.Logger
	snapshots   Snapshots // nil for none
	// snapshotMaxAge and snapshotUsers are those of Config. asks says whether snapshots are asked for.
	snapshotMaxAge time.Duration
	snapshotUsers  int
	asks           bool
	// few and foldAt are query.few and the function foldAt; tests make them small.
	few    int
	foldAt func(base uint32) uint32

	// folds are the goroutines that fold tails; see Wait.
	folds sync.WaitGroup

	mu        sync.Mutex
	followers map[roster.TenantID]*follower // guarded by mu
	calls     uint64                        // guarded by mu
}

// New returns Replicas that hold nothing yet.
func New(c Config) *Replicas {
	r := &Replicas{
		feed: c.Feed, clock: c.Now, maxAge: c.MaxAge, overlap: c.Overlap, reloadAfter: c.ReloadAfter,
		budget: c.MemoryBudget, log: c.Log, snapshots: c.Snapshots, snapshotMaxAge: c.SnapshotMaxAge, snapshotUsers: c.SnapshotUsers,
		asks: c.Snapshots != nil, few: fewRows, foldAt: foldAt, followers: map[roster.TenantID]*follower{},
	}
	if r.clock == nil {
		r.clock = time.Now
	}
	if r.overlap <= 0 {
		r.overlap = DefaultOverlap
	}
	if r.reloadAfter <= 0 {
		r.reloadAfter = DefaultReloadAfter
	}
	if r.snapshotMaxAge <= 0 {
		r.snapshotMaxAge = DefaultReloadAfter
	}
	if r.snapshotUsers <= 0 {
		r.snapshotUsers = DefaultSnapshotUsers
	}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	return r
}

// now returns the wall clock's time. The monotonic clock is left out: it stands still while a Lambda environment is
// frozen, and the feed is ordered by wall clocks.
func (r *Replicas) now() time.Time { return r.clock().Round(0) }

// SearchUsers returns the page of the tenant's users that q asks for. The users are complete but for Revision.Stamp, and
// share no memory with the replica. A query that breaks a rule is roster.KindInvalid; a feed that cannot be read, a
// tenant that does not fit the memory budget, or a query that takes until ctx has ended, is roster.KindUnavailable.
func (r *Replicas) SearchUsers(ctx context.Context, tenant roster.TenantID, q roster.Query) (roster.UserPage, error) {
	if err := q.Validate(); err != nil {
		return roster.UserPage{}, err
	}
	f := r.acquire(tenant)
	defer r.release(f)
	s, err := f.fresh(ctx)
	if err != nil {
		return roster.UserPage{}, err
	}
	page, err := s.query(r.now(), r.few).page(ctx, &q)
	f.grew(s)
	return page, err
}

// Organization returns an organization of the tenant. It is as new as the last query of the tenant; the feed is looked at
// only when the organization is not known yet, so rendering a page costs no reads. Unknown and deleted organizations are
// roster.KindNotFound; the other errors are those of SearchUsers.
func (r *Replicas) Organization(ctx context.Context, tenant roster.TenantID, id roster.OrgID) (roster.Organization, error) {
	return lookUp(ctx, r, tenant, "organization", func(s *state) (roster.Organization, bool) { return s.names.organization(id) })
}

// Role returns a role of the tenant, built-in or its own, under the same rules as Organization.
func (r *Replicas) Role(ctx context.Context, tenant roster.TenantID, id roster.RoleID) (roster.Role, error) {
	if role, ok := roster.BuiltinRole(id); ok {
		return role, nil
	}
	return lookUp(ctx, r, tenant, "role", func(s *state) (roster.Role, bool) { return s.names.standingRole(id) })
}

// lookUp finds a noun in the tenant's state, and looks again in a fresh one where it finds none.
func lookUp[T any](ctx context.Context, r *Replicas, tenant roster.TenantID, noun string, find func(*state) (T, bool)) (T, error) {
	f := r.acquire(tenant)
	defer r.release(f)
	if s := f.state.Load(); s != nil {
		if found, ok := find(s); ok {
			return found, nil
		}
	}
	s, err := f.fresh(ctx)
	if err != nil {
		var none T
		return none, err
	}
	found, ok := find(s)
	if !ok {
		var none T
		return none, roster.NotFound(noun)
	}
	return found, nil
}

// Apply takes in changes that this process has just written to the table, so that its own next query shows them even
// where the feed does not yet. Changes that are not newer than what is known are ignored.
func (r *Replicas) Apply(tenant roster.TenantID, changes ...roster.Change) {
	if len(changes) == 0 {
		return
	}
	f := r.acquire(tenant)
	defer r.release(f)
	f.apply(changes)
}

// Stats are figures about one tenant's copy.
type Stats struct {
	// Users counts the users that are held, the soft-deleted among them as Deleted too.
	Users, Deleted                   int
	Organizations, Roles, Warehouses int
	// Bytes is about how much memory is held, Tail how many rows wait to be folded in.
	Bytes int64
	Tail  int
	// Age is the time since the last successful look at the feed began.
	Age time.Duration
	// Loads, Folds and Applied count whole loads, folds and applied changes since the process began.
	Loads, Folds, Applied int
	// FromSnapshot counts the loads that began with a snapshot, Fallbacks those that could not use the one that was there.
	FromSnapshot, Fallbacks int
}

// Stats returns figures about the tenant's copy, and false if there is none.
func (r *Replicas) Stats(tenant roster.TenantID) (Stats, bool) {
	r.mu.Lock()
	f := r.followers[tenant]
	r.mu.Unlock()
	if f == nil {
		return Stats{}, false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.writer == nil {
		return Stats{}, false
	}
	s := f.writer.state
	return Stats{
		Users: s.users(), Deleted: s.live[roster.OnlyDeleted].count(),
		Organizations: len(s.names.organizations), Roles: len(s.names.roles), Warehouses: len(s.names.warehouses),
		Bytes: s.bytes(), Tail: int(s.tail.rows()), Age: r.now().Sub(f.looked),
		Loads: f.loads, Folds: f.folds, Applied: f.applied, FromSnapshot: f.fromSnapshots, Fallbacks: f.fallbacks,
	}, true
}

// Wait waits until no tail is being folded. Folds go on after the call that started them; where the process is frozen in
// between, as in Lambda, they end after it wakes. A process that is about to end has no need to wait.
func (r *Replicas) Wait() { r.folds.Wait() }

// unreadable returns the error of a feed that could not be read.
func (f *follower) unreadable(cause error) error {
	if e, ok := errors.AsType[*roster.Error](cause); ok && e.Kind == roster.KindUnavailable {
		return e
	}
	return roster.Unavailable("users cannot be read at the moment", fmt.Errorf("reading the feed of tenant %s: %w", f.tenant, cause))
}
