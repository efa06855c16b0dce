package replica

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// follower keeps one tenant's state up to date. It stays when its state is dropped to make room for other tenants.
//
// Locks are taken in this order: Replicas.mu, turn, mu. Neither turn nor mu is held while the feed is read.
type follower struct {
	replicas *Replicas
	tenant   roster.TenantID

	// Guarded by Replicas.mu: how many calls are using the follower, and when the last one began, as a count of calls.
	inUse int
	used  uint64

	// bytes is the memory held, as of the last change.
	bytes atomic.Int64

	// turn guards the looks at the feed, of which only one is under way at a time.
	turn    sync.Mutex
	current *look  // nil when none is under way
	looks   uint64 // begun so far
	good    uint64 // the number of the last one that succeeded

	// state is the newest state, nil when none is resident.
	state atomic.Pointer[state]

	// mu guards the rest.
	mu     sync.Mutex
	writer *writer // nil when no state is resident
	// looked is when the last successful look at the feed began, by the local clock. Everything the feed showed by then is
	// known: the watermark.
	looked  time.Time
	loading bool
	// written holds the changes that this environment made lately. The feed may not show them yet, so a state that is read
	// from the feed gets them again.
	written []writtenChange
	// resident counts the states loaded and dropped, so that a fold that took longer than its state's life is thrown away.
	resident uint64
	folding  bool
	refused  refusal
	loads    int
	folds    int
	applied  int
	// origin is the snapshot that the state began with, fromSnapshots and fallbacks are those of Stats.
	origin        origin
	fromSnapshots int
	fallbacks     int
}

// look is one look at the feed, shared by the calls that wait for it.
type look struct {
	number uint64
	begun  time.Time
	done   chan struct{}
	// Set before done is closed.
	err error
	// abandoned says that the call that led it was cancelled, which says nothing about the feed.
	abandoned bool
}

// writtenChange is a change of this environment's own and when it was made.
type writtenChange struct {
	at     time.Time
	change roster.Change
}

// refusal is a failure that would only repeat itself for a while.
type refusal struct {
	until time.Time
	err   error
}

// fresh returns a state that is as new as the configuration wants. With no MaxAge that takes a look at the feed that
// began after the call did; calls that come while one is under way share the next.
func (f *follower) fresh(ctx context.Context) (*state, error) {
	now := f.replicas.now()
	if s := f.youngEnough(now); s != nil {
		return s, nil
	}
	f.turn.Lock()
	want := f.looks + 1
	if l := f.current; l != nil && isWithin(now.Sub(l.begun), f.replicas.maxAge) {
		want = l.number
	}
	for f.good < want {
		l := f.current
		if l == nil {
			return f.lead(ctx)
		}
		f.turn.Unlock()
		select {
		case <-l.done:
		case <-ctx.Done():
			return nil, f.unreadable(ctx.Err())
		}
		if l.number >= want && l.err != nil {
			if !l.abandoned {
				return nil, l.err
			}
			want = l.number + 1
		}
		f.turn.Lock()
	}
	f.turn.Unlock()
	if s := f.state.Load(); s != nil {
		return s, nil
	}
	return f.fresh(ctx) // dropped for a tenant that needs the room; begin again
}

// youngEnough returns the resident state if it need not be looked after.
func (f *follower) youngEnough(now time.Time) *state {
	if f.replicas.maxAge <= 0 {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.writer == nil || !isWithin(now.Sub(f.looked), f.replicas.maxAge) {
		return nil
	}
	return f.state.Load()
}

// isWithin reports whether an age is at most limit. An age that runs backwards is not: the clock has been set.
func isWithin(age, limit time.Duration) bool { return limit > 0 && age >= 0 && age <= limit }

// lead takes a look at the feed, for this call and those that wait for it. The caller holds turn; lead lets go of it.
func (f *follower) lead(ctx context.Context) (*state, error) {
	f.looks++
	l := &look{number: f.looks, begun: f.replicas.now(), done: make(chan struct{})}
	f.current = l
	f.turn.Unlock()

	s, err := f.look(ctx, l.begun)

	f.turn.Lock()
	l.err, l.abandoned = err, err != nil && ctx.Err() != nil
	f.current = nil
	if err == nil {
		f.good = l.number
	}
	close(l.done)
	f.turn.Unlock()
	return s, err
}

// look brings the state up to date with the feed.
func (f *follower) look(ctx context.Context, begun time.Time) (*state, error) {
	f.mu.Lock()
	refused, resident, looked := f.refused, f.writer != nil, f.looked
	f.mu.Unlock()
	if begun.Before(refused.until) {
		return nil, refused.err
	}
	slept := begun.Sub(looked)
	// A clock set back by more than the overlap says that the watermark was ahead of the time, and may have passed by
	// changes.
	if !resident || slept > f.replicas.reloadAfter || slept < -f.replicas.overlap {
		return f.load(ctx, begun)
	}
	return f.catchUp(ctx, begun, begun.Add(min(0, -slept)-f.replicas.overlap))
}

// catchUp applies what has changed since. The watermark moves to the moment the look began, whatever was seen, so that a
// quiet tenant is not read again and again; but not if any shard failed.
func (f *follower) catchUp(ctx context.Context, begun, since time.Time) (*state, error) {
	applied := 0
	err := f.readFeed(ctx, since, func(c roster.Change) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.writer.put(&c) {
			applied++
		}
		return nil
	})
	f.mu.Lock()
	// What did arrive is good, even when another shard failed.
	f.publish(applied)
	if err != nil {
		f.mu.Unlock()
		return nil, err
	}
	f.looked = begun
	s := f.state.Load()
	f.mu.Unlock()
	return f.fit(s)
}

// publish makes what has been put the newest state. The caller holds mu.
func (f *follower) publish(applied int) {
	if applied == 0 {
		return
	}
	f.applied += applied
	f.writer.publish()
	f.state.Store(f.writer.state)
	f.bytes.Store(f.writer.state.bytes())
	f.startFold()
}

// fit makes room for the state s that the follower now holds. A tenant that is too large for the budget even alone is
// dropped and refused.
func (f *follower) fit(s *state) (*state, error) {
	if !s.full() && f.replicas.makeRoom(f) {
		return s, nil
	}
	if !s.full() && f.dropOrders() && f.replicas.makeRoom(f) {
		return s, nil
	}
	err := f.refuse(s.bytes(), s.users())
	f.drop()
	return nil, err
}

// apply takes in changes that this environment has made itself.
func (f *follower) apply(changes []roster.Change) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.replicas.now()
	f.forgetWritten(now)
	applied := 0
	for i := range changes {
		f.written = append(f.written, writtenChange{now, cloneChange(&changes[i])})
		if f.writer != nil && f.writer.put(&changes[i]) {
			applied++
		}
	}
	f.publish(applied)
}

// forgetWritten forgets changes that any look at the feed from now on will show. The caller holds mu.
func (f *follower) forgetWritten(now time.Time) {
	if f.loading {
		return // the feed is being read, and may have been read past them already
	}
	kept := f.written[:0]
	for _, w := range f.written {
		if now.Sub(w.at) <= f.replicas.overlap {
			kept = append(kept, w)
		}
	}
	clear(f.written[len(kept):])
	f.written = kept
}

func cloneChange(c *roster.Change) roster.Change {
	var out roster.Change
	if c.User != nil {
		out.User = c.User.Clone()
	}
	if c.Organization != nil {
		o := *c.Organization
		out.Organization = &o
	}
	if c.Role != nil {
		r := *c.Role
		out.Role = &r
	}
	if c.Warehouse != nil {
		w := *c.Warehouse
		out.Warehouse = &w
	}
	return out
}

// drop lets go of the state, if there is one. The caller holds neither turn nor mu.
func (f *follower) drop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.resident++
	f.writer = nil
	f.state.Store(nil)
	f.bytes.Store(0)
}

// dropOrders lets go of the sort orders, and reports whether there were any.
func (f *follower) dropOrders() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.writer == nil || f.writer.state.orders.bytes() == 0 {
		return false
	}
	s := *f.writer.state
	s.orders, s.tailOrders = &orders{}, &tailOrders{}
	f.writer.state = &s
	f.state.Store(&s)
	f.bytes.Store(s.bytes())
	return true
}

// startFold starts to fold the tail into the base, once it is worth it. The caller holds mu.
func (f *follower) startFold() {
	s := f.writer.state
	if f.folding || s.tail.rows() < f.replicas.foldAt(s.base.rows()) {
		return
	}
	f.folding = true
	resident := f.resident
	f.replicas.folds.Go(func() {
		folded := s.fold(millisOf(f.replicas.now()))
		f.mu.Lock()
		defer f.mu.Unlock()
		f.folding = false
		if f.resident != resident {
			return
		}
		f.folds++
		f.writer.rebase(folded, s.tail.rows())
		f.state.Store(f.writer.state)
		f.bytes.Store(f.writer.state.bytes())
	})
}

// readFeed reads all shards side by side, from since on. visit is called by one shard at a time per shard, by all shards
// at once.
func (f *follower) readFeed(ctx context.Context, since time.Time, visit func(roster.Change) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var shards sync.WaitGroup
	for shard := range roster.Shards {
		shards.Go(func() {
			if err := f.replicas.feed.Changes(ctx, f.tenant, shard, since, visit); err != nil {
				cancel(err)
			}
		})
	}
	shards.Wait()
	if err := context.Cause(ctx); err != nil {
		return f.unreadable(err)
	}
	return nil
}
