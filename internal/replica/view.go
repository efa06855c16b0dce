package replica

import (
	"context"
	"slices"
	"time"

	"github.com/rosterhq/roster/internal/roster"
)

// View is a tenant as one look at the feed showed it, for answers that need many users, roles, organizations and
// warehouses beside one another. What comes later does not change it. All methods are safe for concurrent use, and none reads the feed.
//
// A View keeps what it shows in memory, whatever becomes of the tenant's copy: it is made for one request and let go.
type View struct {
	replicas *Replicas
	state    *state
	now      time.Time
	byID     sequence
}

// View returns the tenant as it is now: as new as an answer of SearchUsers, whose errors it has too.
func (r *Replicas) View(ctx context.Context, tenant roster.TenantID) (*View, error) {
	f := r.acquire(tenant)
	defer r.release(f)
	s, err := f.fresh(ctx)
	if err != nil {
		return nil, err
	}
	now := r.now()
	v := &View{replicas: r, state: s, now: now, byID: s.query(now, r.few).sequence(roster.FieldID)}
	f.grew(s)
	return v, nil
}

// EachUser calls visit for every user whom q asks for, in its order, until visit returns false. The page of q does not
// count: there is no limit. The user is complete but for Revision.Stamp, and valid only during the call: the next one has
// its memory, though not that of its texts. A query that breaks a rule is roster.KindInvalid, the only error.
func (v *View) EachUser(q roster.Query, visit func(*roster.User) bool) error {
	q.Page = roster.Page{Limit: 1}
	if err := q.Validate(); err != nil {
		return err
	}
	var u roster.User
	var p unpacker
	for _, row := range v.rows(&q) {
		s, local := v.state.locate(row)
		s.read(&u, &p, local, v.state.tenant, &v.state.values)
		if !visit(&u) {
			return nil
		}
	}
	return nil
}

// SearchUsers returns the page that q asks for, as Replicas.SearchUsers does, but of the tenant as the View shows it. A query
// that breaks a rule is roster.KindInvalid, and one that takes until ctx has ended roster.KindUnavailable.
func (v *View) SearchUsers(ctx context.Context, q roster.Query) (roster.UserPage, error) {
	if err := q.Validate(); err != nil {
		return roster.UserPage{}, err
	}
	page, err := v.state.query(v.now, v.replicas.few).page(ctx, &q)
	v.grew()
	return page, err
}

// rows returns all rows that q asks for, in its order.
func (v *View) rows(q *roster.Query) []uint32 {
	e := v.state.query(v.now, v.replicas.few)
	set := e.matching(q)
	size := set.count()
	rows := e.slice(make([]uint32, 0, size), set, size, q.Sort, 0, size)
	v.grew()
	return rows
}

// grew notes that a sort order may have been built. The copy must not be dropped while its size is noted.
func (v *View) grew() {
	f := v.replicas.acquire(v.state.tenant)
	defer v.replicas.release(f)
	f.grew(v.state)
}

// User returns the user with that id, complete but for Revision.Stamp, if they stand.
func (v *View) User(id roster.UserID) (roster.User, bool) {
	from, to := v.byID.equals(func(row uint32) int { return compareNumbers(v.state.id(row), id) })
	for from != to {
		var row uint32
		if row, from = v.byID.next(from); v.stands(row) {
			s, local := v.state.locate(row)
			return s.user(local, v.state.tenant, &v.state.values), true
		}
	}
	return roster.User{}, false
}

// Delegators returns the users who stand and have that user among their Delegates, in id order. The user need not exist.
func (v *View) Delegators(id roster.UserID) []roster.UserID {
	base, tail := v.state.delegations.of(id), v.state.tailDelegations.of(id)
	if len(base)+len(tail) == 0 {
		return nil
	}
	ids := make([]roster.UserID, 0, len(base)+len(tail))
	for _, row := range base {
		if v.stands(row) {
			ids = append(ids, v.state.id(row))
		}
	}
	inBase := len(ids)
	for _, row := range tail {
		if v.stands(row) {
			ids = append(ids, v.state.id(row))
		}
	}
	if len(ids) > inBase { // the tail is not in id order
		slices.Sort(ids)
	}
	return ids
}

// stands reports whether the row is that of a user who stands.
func (v *View) stands(row uint32) bool {
	if !v.state.live[roster.NotDeleted].has(row) {
		return false
	}
	s, local := v.state.locate(row)
	if !s.expires(local) {
		return true
	}
	u := s.user(local, v.state.tenant, &v.state.values)
	return !u.Expired(v.now)
}

// Role returns the role with that id, built-in or the tenant's own, if it has not been deleted.
func (v *View) Role(id roster.RoleID) (roster.Role, bool) { return v.state.names.standingRole(id) }

// Organization returns the organization with that id, if it has not been deleted. It shares no memory with the replica.
func (v *View) Organization(id roster.OrgID) (roster.Organization, bool) {
	return v.state.names.organization(id)
}

// Warehouse returns the warehouse with that id, active or not, if it has not been deleted.
func (v *View) Warehouse(id roster.WarehouseID) (roster.Warehouse, bool) {
	return v.state.names.warehouse(id)
}
