package replica

import (
	"maps"
	"slices"
	"strings"

	"github.com/rosterhq/roster/internal/roster"
)

// writer makes states, each from the one before: put stages changes, publish makes them the next state. It belongs to
// whoever holds the follower's lock.
type writer struct {
	state *state // the newest
	dict  *dictionary
	pack  packer

	// What the next state will have. The tail only grows at its end, beyond what any state looks at; the rest is copied
	// when the first change is staged.
	staged        int
	tail          segment
	live          [2]bitset
	delegations   []delegation // of the staged rows, as a state numbers them
	organizations map[roster.OrgID]roster.Organization
	roles         map[roster.RoleID]roster.Role
	warehouses    map[roster.WarehouseID]roster.Warehouse
	renamed       bool // organizations, roles or warehouses have changed

	// inTail holds the newest row of each user who is in the tail, counted from the tail's beginning.
	inTail map[roster.UserID]uint32
}

// newWriter returns the writer that goes on from s, whose tail must be empty and whose dictionary is dict.
func newWriter(s *state, dict *dictionary) *writer {
	return &writer{
		state: s, dict: dict, pack: packer{dict: dict}, live: s.live,
		organizations: s.names.organizations, roles: s.names.roles, warehouses: s.names.warehouses,
		inTail: map[roster.UserID]uint32{},
	}
}

// put stages a change and reports whether it is newer than what is known; it is left out if not. It keeps nothing that c
// points to.
func (w *writer) put(c *roster.Change) bool {
	switch {
	case c.User != nil:
		return w.putUser(c.User)
	case c.Organization != nil:
		return w.putOrganization(c.Organization)
	case c.Role != nil:
		return w.putRole(c.Role)
	case c.Warehouse != nil:
		return w.putWarehouse(c.Warehouse)
	default:
		return false
	}
}

func (w *writer) putUser(u *roster.User) bool {
	first := w.state.first()
	old, known := w.inTail[u.ID]
	if known {
		if u.Revision.Version <= w.tail.version(old) {
			return false
		}
		old += first
	} else if old, known = w.state.base.find(u.ID); known && u.Revision.Version <= w.state.base.version(old) {
		return false
	}
	if w.staged == 0 {
		w.live[0], w.live[1] = slices.Clone(w.live[0]), slices.Clone(w.live[1])
	}
	w.staged++
	row := w.tail.rows()
	w.tail.append(&w.pack, u)
	w.inTail[u.ID] = row
	w.delegations = appendDelegations(w.delegations, u, first+row)
	for d := range w.live {
		for len(w.live[d])*64 <= int(first+row) {
			w.live[d] = append(w.live[d], 0)
		}
		if known {
			w.live[d].clear(old)
		}
	}
	w.live[class(u)].set(first + row)
	return true
}

// class says which of a state's live rows the user is among.
func class(u *roster.User) roster.Deleted {
	if u.Deleted() {
		return roster.OnlyDeleted
	}
	return roster.NotDeleted
}

func (w *writer) putOrganization(o *roster.Organization) bool {
	if known, ok := w.organizations[o.ID]; ok && o.Revision.Version <= known.Revision.Version {
		return false
	}
	w.rename()
	kept := *o
	kept.Name, kept.Path = strings.Clone(o.Name), slices.Clone(o.Path)
	kept.Revision.Stamp = roster.Stamp{}
	w.organizations[o.ID] = kept
	return true
}

func (w *writer) putRole(r *roster.Role) bool {
	if known, ok := w.roles[r.ID]; ok && r.Revision.Version <= known.Revision.Version {
		return false
	}
	w.rename()
	kept := *r
	kept.Name = strings.Clone(r.Name)
	kept.Revision.Stamp = roster.Stamp{}
	w.roles[r.ID] = kept
	return true
}

func (w *writer) putWarehouse(warehouse *roster.Warehouse) bool {
	if known, ok := w.warehouses[warehouse.ID]; ok && warehouse.Revision.Version <= known.Revision.Version {
		return false
	}
	w.rename()
	kept := *warehouse
	kept.Name = strings.Clone(warehouse.Name)
	kept.Revision.Stamp = roster.Stamp{}
	w.warehouses[warehouse.ID] = kept
	return true
}

// rename gets ready to change organizations, roles and warehouses.
func (w *writer) rename() {
	if w.renamed {
		return
	}
	w.renamed = true
	w.organizations, w.roles, w.warehouses = maps.Clone(w.organizations), maps.Clone(w.roles), maps.Clone(w.warehouses)
	if w.organizations == nil {
		w.organizations = map[roster.OrgID]roster.Organization{}
	}
	if w.roles == nil {
		w.roles = map[roster.RoleID]roster.Role{}
	}
	if w.warehouses == nil {
		w.warehouses = map[roster.WarehouseID]roster.Warehouse{}
	}
}

// publish makes what is staged the newest state.
func (w *writer) publish() {
	if w.staged == 0 && !w.renamed {
		return
	}
	next := *w.state
	next.tail = w.tail
	next.values = w.dict.values
	next.live = w.live
	next.tailDelegations = w.nextDelegations()
	next.tailOrders = w.state.tailOrders.clone()
	next.names = w.currentNames()
	w.state = &next
	w.staged, w.renamed = 0, false
}

// nextDelegations returns the tail's delegations in the next state: those of the last one with the staged ones, as far as
// their rows are still live; or those of the last one as they are, where none have been staged.
func (w *writer) nextDelegations() delegations {
	if len(w.delegations) == 0 {
		return w.state.tailDelegations
	}
	next := w.state.tailDelegations.with(w.delegations, func(row uint32) uint32 {
		if !w.live[roster.NotDeleted].has(row) {
			return noRow
		}
		return row
	})
	w.delegations = nil
	return next
}

// currentNames returns the names of the next state: those of the last one, unless what they are made of has changed.
func (w *writer) currentNames() *names {
	old, v := w.state.names, w.dict.values
	if !w.renamed && len(old.places) == len(v.places) && len(old.roleSets) == len(v.roleSets) && len(old.countries) == len(v.countries) {
		return old
	}
	return &names{values: v, organizations: w.organizations, roles: w.roles, warehouses: w.warehouses}
}

// rebase makes f, folded from a state that had that many rows in its tail, the base of the newest state. Rows that have
// come since are carried over.
func (w *writer) rebase(f *folded, tailRows uint32) {
	var since []roster.User
	for row := tailRows; row < w.tail.rows(); row++ {
		if w.inTail[w.tail.ids[row]] == row {
			since = append(since, w.tail.user(row, w.state.tenant, &w.dict.values))
		}
	}
	names := w.currentNames()
	w.state = f.state(w.state.tenant, w.dict, names)
	w.tail, w.live, w.delegations, w.staged, w.renamed = segment{}, w.state.live, nil, 0, false
	w.inTail = make(map[roster.UserID]uint32, len(since))
	for i := range since {
		w.putUser(&since[i])
	}
	w.publish()
}
