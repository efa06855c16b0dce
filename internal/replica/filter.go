package replica

import (
	"slices"

	"github.com/rosterhq/roster/internal/roster"
)

// condition is a filter made ready: keep removes the rows for which it does not hold.
type condition struct {
	cost cost
	keep func(rows bitset)
}

// cost says how dear a condition is for each row it looks at.
type cost uint8

const (
	costColumn  cost = iota // a look into a column
	costText                // a look into the folded text
	costPacked              // reading a packed row
	costPattern             // matching a pattern
)

// plan makes filters ready, the cheap ones first.
func (q *query) plan(filters []roster.Filter) []condition {
	conditions := make([]condition, len(filters))
	for i := range filters {
		conditions[i] = q.condition(&filters[i])
	}
	slices.SortStableFunc(conditions, func(a, b condition) int { return int(a.cost) - int(b.cost) })
	return conditions
}

func (q *query) condition(f *roster.Filter) condition {
	switch {
	case len(f.All) > 0:
		return all(q.plan(f.All))
	case len(f.Any) > 0:
		return anyOf(q.plan(f.Any))
	case f.Field.Type() == roster.TextField:
		return q.textCondition(f)
	case f.Field.Type() == roster.TimeField:
		return q.timeCondition(f)
	default:
		return q.numberCondition(f)
	}
}

// all holds where every condition does.
func all(conditions []condition) condition {
	return condition{conditions[len(conditions)-1].cost, func(rows bitset) {
		for _, c := range conditions {
			c.keep(rows)
		}
	}}
}

// anyOf holds where at least one condition does. Each looks only at the rows that none before it kept.
func anyOf(conditions []condition) condition {
	return condition{conditions[len(conditions)-1].cost, func(rows bitset) {
		open, kept := slices.Clone(rows), make(bitset, len(rows))
		for _, c := range conditions {
			found := slices.Clone(open)
			c.keep(found)
			kept.add(found)
			open.subtract(found)
		}
		copy(rows, kept)
	}}
}

// The columns that hold dictionary numbers.
func placeColumn(s *segment) *column   { return &s.place }
func roleSetColumn(s *segment) *column { return &s.roleSet }
func countryColumn(s *segment) *column { return &s.country }

// keepTable removes from rows those whose value in a column has a zero in table.
func (q *query) keepTable(rows bitset, of func(*segment) *column, table []uint8) {
	base, tail := q.split(rows)
	of(q.base).keep(base, table)
	of(&q.tail).keep(tail, table)
}

// tableCondition is a condition on a dictionary number: holds tells for each whether it is kept.
func (q *query) tableCondition(of func(*segment) *column, size int, holds func(i int) bool) condition {
	table := make([]uint8, size)
	for i := range table {
		if holds(i) {
			table[i] = 1
		}
	}
	return condition{costColumn, func(rows bitset) { q.keepTable(rows, of, table) }}
}

// rowCondition is a condition that looks at one row after the other, as long as somebody waits for the answer.
func (q *query) rowCondition(c cost, holds func(s *segment, row uint32) bool) condition {
	return condition{c, func(rows bitset) {
		base, tail := q.split(rows)
		q.keepInTime(base, func(row uint32) bool { return holds(q.base, row) })
		q.keepInTime(tail, func(row uint32) bool { return holds(&q.tail, row) })
	}}
}

// patience is how many words of a bitset are looked at between two looks at the time: a thousand rows, for which the worst patterns
// that a query may have (see roster.Query) take some 40 milliseconds, which a function has left to answer in.
const patience = 16

// keepInTime is keepFunc until nobody waits for the answer any more.
func (q *query) keepInTime(rows bitset, keep func(row uint32) bool) {
	for from := 0; from < len(rows); from += patience {
		select {
		case <-q.done:
			q.late = true
		default:
		}
		if q.late {
			return
		}
		rows.keepFuncIn(from, min(from+patience, len(rows)), keep)
	}
}

func (q *query) numberCondition(f *roster.Filter) condition {
	test := numberTest(f)
	switch f.Field {
	case roster.FieldID:
		return q.idCondition(f, test)
	case roster.FieldStatus:
		return q.statusCondition(test)
	case roster.FieldRole:
		return q.tableCondition(roleSetColumn, len(q.roleSets), func(i int) bool { return rolesHold(f, q.roleSets[i]) })
	case roster.FieldMainRole:
		return q.tableCondition(roleSetColumn, len(q.roleSets), func(i int) bool { return test(int64(q.names.mainRole(i))) })
	case roster.FieldOrg:
		return q.tableCondition(placeColumn, len(q.places), func(i int) bool { return test(int64(q.places[i].Last())) })
	case roster.FieldDepth:
		return q.tableCondition(placeColumn, len(q.places), func(i int) bool { return test(int64(len(q.places[i]))) })
	case roster.FieldDeviceType:
		return q.byteCondition(func(s *segment) []uint8 { return s.deviceType }, test)
	default: // FieldDevices
		return q.rowCondition(costColumn, func(s *segment, row uint32) bool { return test(int64(s.devices.at(row))) })
	}
}

// byteCondition is a condition on a column of bytes.
func (q *query) byteCondition(of func(*segment) []uint8, test func(int64) bool) condition {
	table := make([]uint8, 256)
	for i := range table {
		if test(int64(i)) {
			table[i] = 1
		}
	}
	return condition{costColumn, func(rows bitset) {
		base, tail := q.split(rows)
		keepTable(base, of(q.base), table)
		keepTable(tail, of(&q.tail), table)
	}}
}

// statusCondition is a condition on the status that is shown, which for users stored as Active depends on the clock.
func (q *query) statusCondition(test func(int64) bool) condition {
	active, inactive := test(int64(roster.StatusActive)), test(int64(roster.StatusInactive))
	stored := q.byteCondition(func(s *segment) []uint8 { return s.status }, func(status int64) bool {
		return test(status) || roster.Status(status) == roster.StatusActive && inactive
	})
	if active == inactive {
		return stored
	}
	shown := q.rowCondition(costColumn, func(s *segment, row uint32) bool {
		return roster.Status(s.status[row]) != roster.StatusActive || test(int64(q.statusOf(s, row)))
	})
	return all([]condition{stored, shown})
}

// rolesHold reports whether a role filter holds for a user with those roles: the operator for any of them, a negated
// operator for all of them.
func rolesHold(f *roster.Filter, roles []roster.RoleID) bool {
	positive, negated := *f, false
	switch f.Operator {
	case roster.NotEqual:
		positive.Operator, negated = roster.Equal, true
	case roster.NotIn:
		positive.Operator, negated = roster.In, true
	case roster.IsNull, roster.IsNotNull:
		return f.Operator == roster.IsNotNull
	}
	test := numberTest(&positive)
	return slices.ContainsFunc(roles, func(r roster.RoleID) bool { return test(int64(r)) }) != negated
}

// idCondition looks up ids that are named, and tests the others one by one.
func (q *query) idCondition(f *roster.Filter, test func(int64) bool) condition {
	negated := f.Operator == roster.NotEqual || f.Operator == roster.NotIn
	if !negated && f.Operator != roster.Equal && f.Operator != roster.In {
		return q.rowCondition(costColumn, func(s *segment, row uint32) bool { return test(int64(s.ids[row])) })
	}
	return condition{costColumn, func(rows bitset) {
		named := make(bitset, len(rows))
		for _, v := range f.Values {
			if row, ok := q.base.find(roster.UserID(v.Number)); ok {
				named.set(row)
			}
		}
		for row, id := range q.tail.ids {
			if test(int64(id)) != negated {
				named.set(q.first() + uint32(row))
			}
		}
		if negated {
			rows.subtract(named)
			return
		}
		rows.intersect(named)
	}}
}

// numberTest returns the test of a comparison for a number, which is never null.
func numberTest(f *roster.Filter) func(int64) bool {
	var v int64
	if len(f.Values) == 1 {
		v = f.Values[0].Number
	}
	switch f.Operator {
	case roster.Equal:
		return func(n int64) bool { return n == v }
	case roster.NotEqual:
		return func(n int64) bool { return n != v }
	case roster.Less:
		return func(n int64) bool { return n < v }
	case roster.LessOrEqual:
		return func(n int64) bool { return n <= v }
	case roster.Greater:
		return func(n int64) bool { return n > v }
	case roster.GreaterOrEqual:
		return func(n int64) bool { return n >= v }
	case roster.In, roster.NotIn:
		set := make(map[int64]struct{}, len(f.Values))
		for _, v := range f.Values {
			set[v.Number] = struct{}{}
		}
		want := f.Operator == roster.In
		return func(n int64) bool { _, ok := set[n]; return ok == want }
	default:
		return func(int64) bool { return f.Operator == roster.IsNotNull }
	}
}

func (q *query) timeCondition(f *roster.Filter) condition {
	of := func(s *segment) *timeColumn {
		switch f.Field {
		case roster.FieldCreatedAt:
			return &s.created
		case roster.FieldUpdatedAt:
			return &s.updated
		case roster.FieldRegisteredAt:
			return &s.registered
		default: // FieldLastLoginAt
			return &s.lastLogin
		}
	}
	if f.Operator == roster.In || f.Operator == roster.NotIn {
		set := make(map[millis]struct{}, len(f.Values))
		for _, v := range f.Values {
			if m, ok := exactMillis(v.Number); ok {
				set[m] = struct{}{}
			}
		}
		want := f.Operator == roster.In
		return q.rowCondition(costColumn, func(s *segment, row uint32) bool {
			_, ok := set[of(s).at(row)]
			return ok == want
		})
	}
	least, most, inverted := timeRange(f)
	return condition{costColumn, func(rows bitset) {
		base, tail := q.split(rows)
		of(q.base).keepRange(base, least, most, inverted)
		of(&q.tail).keepRange(tail, least, most, inverted)
	}}
}

// exactMillis converts from Unix milliseconds and reports whether that moment is one a column can hold, and not "never".
func exactMillis(unix int64) (millis, bool) {
	m := millisOfUnix(unix)
	return m, m != 0 && m.unix() == unix
}

// timeRange returns the range of moments for which a comparison holds, or, inverted, does not. "Never" is less than any
// moment and equals none.
func timeRange(f *roster.Filter) (least, most millis, inverted bool) {
	if f.Operator == roster.IsNull || f.Operator == roster.IsNotNull {
		return 0, 0, f.Operator == roster.IsNotNull
	}
	m, exact := exactMillis(f.Values[0].Number)
	switch f.Operator {
	case roster.Equal, roster.NotEqual:
		if !exact {
			return 0, maxMillis, f.Operator == roster.Equal // equals nothing
		}
		return m, m, f.Operator == roster.NotEqual
	case roster.Less, roster.GreaterOrEqual:
		if exact {
			m-- // else m is "never", which alone is less, or the last moment, which everything is at most
		}
		return 0, m, f.Operator == roster.GreaterOrEqual
	default: // LessOrEqual, Greater
		return 0, m, f.Operator == roster.Greater
	}
}
