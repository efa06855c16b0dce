package replica

import (
	"slices"

	"github.com/rosterhq/roster/internal/roster"
)

// foldAt returns the number of rows in the tail from which on a base of that size is worth making anew: the work is
// that of the whole base, so it must come rarely; and dead rows cost memory and time, so it must come.
func foldAt(base uint32) uint32 { return max(256, base/16) }

// folded is a base that holds what an older base and its tail held together.
type folded struct {
	base        *segment
	live        [2]bitset
	delegations delegations
	orders      *orders
}

// state returns the state that begins with f.
func (f *folded) state(tenant roster.TenantID, dict *dictionary, n *names) *state {
	return &state{
		tenant: tenant, segments: segments{base: f.base}, values: dict.values, names: n, live: f.live,
		delegations: f.delegations, orders: f.orders, tailOrders: &tailOrders{},
		fixed: f.base.bytes() + f.delegations.bytes() + dict.bytes() + n.bytes(),
	}
}

// fold merges the state's tail into its base, and into each sort order that is built. Rows that are not live, or expired,
// stay behind. It only reads the state, so queries and changes go on meanwhile.
func (s *state) fold(now millis) *folded {
	kept := newBitset(s.end())
	copy(kept, s.live[roster.NotDeleted])
	for w, word := range s.live[roster.OnlyDeleted][:len(kept)] {
		kept[w] |= word
	}
	s.dropExpired(kept, now)
	rows := s.inIDOrder(kept)
	f := &folded{base: s.merged(rows, false), orders: &orders{}}
	f.live[roster.NotDeleted], f.live[roster.OnlyDeleted] = newBitset(uint32(len(rows))), newBitset(uint32(len(rows)))
	newRow := renumbered(rows, s.end())
	for i, row := range rows {
		if s.live[roster.OnlyDeleted].has(row) {
			f.live[roster.OnlyDeleted].set(uint32(i))
		} else {
			f.live[roster.NotDeleted].set(uint32(i))
		}
	}
	f.delegations = s.delegations.with(s.tailDelegations.list(), func(row uint32) uint32 { return newRow[row] })
	q := s.query(now.time(), fewRows)
	for field := range fields {
		order, ok := s.orders.built(roster.Field(field))
		if !ok {
			continue
		}
		f.orders.put(roster.Field(field), remapped(order, q.sequence(roster.Field(field)).tail, newRow, len(rows)))
	}
	return f
}

// renumbered returns for each row before end its place among the given ones, and noRow for those that are not among them.
func renumbered(rows []uint32, end uint32) []uint32 {
	newRow := make([]uint32, end)
	for i := range newRow {
		newRow[i] = noRow
	}
	for i, row := range rows {
		newRow[row] = uint32(i)
	}
	return newRow
}

// dropExpired removes from rows those whose users are gone at now.
func (s *segments) dropExpired(rows bitset, now millis) {
	for _, e := range s.base.expiring {
		if e.at > now {
			break
		}
		rows.clear(e.row)
	}
	for _, e := range s.tail.expiring {
		if e.at <= now {
			rows.clear(s.first() + e.row)
		}
	}
}

// inIDOrder returns the rows of the set, of which each user has at most one, in id order.
func (s *segments) inIDOrder(set bitset) []uint32 {
	base, tail := s.split(set)
	rows := make([]uint32, 0, set.count())
	var late []uint32
	tail.each(func(row uint32) { late = append(late, row) })
	slices.SortFunc(late, func(a, b uint32) int { return compareNumbers(s.tail.ids[a], s.tail.ids[b]) })
	first, next := s.first(), 0
	base.each(func(row uint32) {
		for ; next < len(late) && s.tail.ids[late[next]] < s.base.ids[row]; next++ {
			rows = append(rows, first+late[next])
		}
		rows = append(rows, row)
	})
	for _, row := range late[next:] {
		rows = append(rows, first+row)
	}
	return rows
}

// loader gathers a whole tenant, in whatever order it comes, and makes it the first base.
type loader struct {
	writer      *writer
	deleted     bitset       // rows of soft-deleted users, by arrival
	delegations []delegation // by arrival
}

func newLoader(tenant roster.TenantID) *loader {
	dict := newDictionary()
	return &loader{writer: newWriter(emptyState(tenant, dict.values), dict)}
}

// add takes in a change. Users may come more than once; versions are compared at the end. It keeps nothing that c points
// to.
func (l *loader) add(c *roster.Change) {
	if c.User == nil {
		l.writer.put(c)
		return
	}
	tail := &l.writer.tail
	row := tail.rows()
	tail.append(&l.writer.pack, c.User)
	l.delegations = appendDelegations(l.delegations, c.User, row)
	if row%64 == 0 {
		l.deleted = append(l.deleted, 0)
	}
	if c.User.Deleted() {
		l.deleted.set(row)
	}
}

// bytes estimates, from below, the memory that the base will take. While it is gathered it takes more: slices grow ahead
// of their use.
func (l *loader) bytes() int64 {
	s := &l.writer.tail
	texts := int64(len(s.text.data) + len(s.packed.data))
	return leastPerRow*int64(s.rows()) + texts + delegationBytes*int64(len(l.delegations)) + l.writer.dict.bytes()
}

// leastPerRow is what a row of a finished base takes at least beside its texts: id, two ends, four columns of dictionary
// numbers and counts, two bytes, four times.
const leastPerRow = 8 + 2*4 + 4*1 + 2 + 4*6

// finish returns the writer of what was added. The loader is used up.
func (l *loader) finish(now millis) *writer {
	w := l.writer
	s := segments{base: w.state.base, tail: w.tail}
	w.tail = segment{}
	kept := newBitset(s.tail.rows())
	rows := newestRows(&s.tail)
	for _, row := range rows {
		kept.set(row)
	}
	s.dropExpired(kept, now)
	rows = slices.DeleteFunc(rows, func(row uint32) bool { return !kept.has(row) })
	f := &folded{orders: &orders{}}
	if len(l.delegations) > 0 {
		newRow := renumbered(rows, s.end())
		f.delegations = f.delegations.with(l.delegations, func(row uint32) uint32 { return newRow[row] })
		l.delegations = nil
	}
	f.base = s.merged(rows, true)
	f.live[roster.NotDeleted], f.live[roster.OnlyDeleted] = newBitset(uint32(len(rows))), newBitset(uint32(len(rows)))
	for i, row := range rows {
		if l.deleted.has(row) {
			f.live[roster.OnlyDeleted].set(uint32(i))
		} else {
			f.live[roster.NotDeleted].set(uint32(i))
		}
	}
	w.rebase(f, 0)
	return w
}

// newestRows returns the row of each user's newest version in the order of their ids.
func newestRows(s *segment) []uint32 {
	rows := make([]uint32, s.rows())
	for i := range rows {
		rows[i] = uint32(i)
	}
	newestFirst := func(a, b uint32) int {
		if c := compareNumbers(s.ids[a], s.ids[b]); c != 0 {
			return c
		}
		return compareNumbers(s.version(b), s.version(a))
	}
	if !slices.IsSortedFunc(rows, newestFirst) {
		slices.SortFunc(rows, newestFirst)
	}
	return slices.CompactFunc(rows, func(a, b uint32) bool { return s.ids[a] == s.ids[b] })
}
