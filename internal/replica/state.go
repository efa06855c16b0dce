package replica

import (
	"sync/atomic"

	"github.com/rosterhq/roster/internal/roster"
)

// state is everything known of one tenant at one moment. It never changes, so any number of queries can read it while its
// successor is made; only what can be worked out from it (sort orders, ranks) is added on first use.
//
// A user has at most one live row. A newer version of the user is a new row at the tail's end, and the old row, wherever
// it is, is not live any more (it keeps its place in sort orders until the next fold).
type state struct {
	tenant roster.TenantID
	segments
	values
	names *names
	// live holds the rows that count, by roster.Deleted: those that stand, and those that are soft-deleted.
	live [2]bitset
	// delegations are those of the base's rows, tailDelegations those of the tail's.
	delegations, tailDelegations delegations
	// orders are those of the base, tailOrders say where the tail's rows belong in them.
	orders     *orders
	tailOrders *tailOrders
	// fixed is the memory of base, its delegations and the dictionary, which are not counted again at every change.
	fixed int64
}

// tailOrders are the places of the tail's rows in the orders of the base, as far as they have been worked out.
type tailOrders [fields]atomic.Pointer[tailOrder]

// clone returns a copy that other orders can be added to.
func (t *tailOrders) clone() *tailOrders {
	c := &tailOrders{}
	for f := range t {
		c[f].Store(t[f].Load())
	}
	return c
}

// emptyState returns the state of a tenant of which nothing is known.
func emptyState(tenant roster.TenantID, v values) *state {
	return &state{
		tenant: tenant, segments: segments{base: &segment{frequencies: &frequencies{}}}, values: v, names: &names{values: v},
		orders: &orders{}, tailOrders: &tailOrders{},
	}
}

// users returns the number of users, soft-deleted ones included.
func (s *state) users() int {
	return s.live[roster.NotDeleted].count() + s.live[roster.OnlyDeleted].count()
}

// bytes estimates the memory held.
func (s *state) bytes() int64 {
	n := s.fixed + s.tail.bytes() + s.tailDelegations.bytes() + s.orders.bytes()
	for _, live := range s.live {
		n += 8 * int64(cap(live))
	}
	for f := range s.tailOrders {
		if t := s.tailOrders[f].Load(); t != nil {
			n += 8 * int64(cap(t.rows))
		}
	}
	return n
}

// full reports whether base and tail together could soon hold more text than offsets can say.
func (s *state) full() bool {
	return len(s.base.text.data)+len(s.tail.text.data) > maxBlob || len(s.base.packed.data)+len(s.tail.packed.data) > maxBlob
}
