package replica

import (
	"errors"
	"fmt"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// acquire returns the tenant's follower and keeps its state from being dropped until release.
func (r *Replicas) acquire(tenant roster.TenantID) *follower {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.followers[tenant]
	if f == nil {
		r.sweep()
		f = &follower{replicas: r, tenant: tenant}
		r.followers[tenant] = f
	}
	r.calls++
	f.used = r.calls
	f.inUse++
	return f
}

// release ends the use of a follower, and drops what was kept beyond the budget only because it was in use.
func (r *Replicas) release(f *follower) {
	r.mu.Lock()
	f.inUse--
	r.mu.Unlock()
	r.makeRoom(nil)
}

// manyFollowers is the number from which on followers that hold nothing are forgotten.
const manyFollowers = 256

// sweep forgets followers that hold no state and no changes of their own. The caller holds mu.
func (r *Replicas) sweep() {
	if len(r.followers) < manyFollowers {
		return
	}
	now := r.now()
	for tenant, f := range r.followers {
		if f.inUse > 0 {
			continue
		}
		f.mu.Lock()
		f.forgetWritten(now)
		empty := f.writer == nil && len(f.written) == 0
		f.mu.Unlock()
		if empty {
			delete(r.followers, tenant)
		}
	}
}

// makeRoom drops the states used least lately, but not those in use, until all together fit the budget. It reports
// whether keep, alone, does; what others in use hold beyond that is dropped when they are released.
func (r *Replicas) makeRoom(keep *follower) bool {
	if r.budget <= 0 {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	total := int64(0)
	for _, f := range r.followers {
		total += f.bytes.Load()
	}
	for total > r.budget {
		var oldest *follower
		for _, f := range r.followers {
			if f.inUse == 0 && f.bytes.Load() > 0 && (oldest == nil || f.used < oldest.used) {
				oldest = f
			}
		}
		if oldest == nil {
			break
		}
		freed := oldest.bytes.Load()
		total -= freed
		oldest.drop()
		r.log.Info("dropped a tenant's replica to make room", "tenant", oldest.tenant, "bytes", freed, "budget", r.budget)
	}
	return keep == nil || keep.bytes.Load() <= r.budget
}

// refusePause is how long a tenant that does not fit the budget is refused before its size is looked at again: finding
// out costs reading as much of its feed as the budget holds.
const refusePause = time.Minute

// What log lines call the events that an operator counts: template.yaml makes metrics of them.
const (
	// EventRefused is a tenant that does not fit the memory budget.
	EventRefused = "replica.refused"
	// EventFallback is a snapshot that could not be used.
	EventFallback = "snapshot.fallback"
	// EventUnsaved is a tenant of which no snapshot could be made.
	EventUnsaved = "snapshot.failed"
)

var errDoesNotFit = errors.New("does not fit the replica's memory budget")

// refuse returns the error for a tenant that does not fit, and remembers it for a while.
func (f *follower) refuse(bytes int64, users int) error {
	err := &roster.Error{
		Kind: roster.KindUnavailable, Message: "the organization has too many users for this server",
		RetryAfter: refusePause, Cause: fmt.Errorf("tenant %s %w", f.tenant, errDoesNotFit),
	}
	f.replicas.log.Error("a tenant does not fit the replica's memory budget; give the function more memory",
		"event", EventRefused, "tenant", f.tenant, "users", users, "bytes", bytes, "budget", f.replicas.budget)
	f.mu.Lock()
	f.refused = refusal{f.replicas.now().Add(refusePause), err}
	f.mu.Unlock()
	return err
}

// grew takes note of sort orders that a query may have added to s. Orders are a convenience: where they do not fit, they
// go.
func (f *follower) grew(s *state) {
	held := s.bytes()
	if f.state.Load() != s || f.bytes.Load() == held {
		return
	}
	f.bytes.Store(held)
	if !f.replicas.makeRoom(f) {
		f.dropOrders()
	}
}
